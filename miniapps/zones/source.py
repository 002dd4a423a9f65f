"""Where the tree of zones comes from: the operator's own file, or the demo city's invented places that ship.

Read once at the start. Refuses to start with a file that is not one tree around the city's own region.
"""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from app.kit.structs import Request, Text
from miniapps.zones.models import Zone, ZonesInvalid, ZoneTree


class Row(Request):
    """A place as the file names it."""

    code: str
    zh: str
    en: str


class Rows(Request):
    """The whole file: `[[zones]]` with `code`, `zh` and `en`."""

    zones: list[Row]


def load_zones(file: str, region: str) -> ZoneTree:
    """The tree of `file` (empty: what ships); raises `ZonesInvalid`.

    A city with a region of its own and no file is one place without parts: better none than another city's.
    """
    if file:
        return _around_region(read_zones(_read(Path(file))), region, file)
    shipped = read_zones(resources.files("miniapps.zones").joinpath("zones.toml").read_bytes())
    return shipped if shipped.root == region else ZoneTree([Zone(code=region, name=Text(zh="全市", en="The city"))])


def read_zones(body: bytes) -> ZoneTree:
    """The tree in a file's bytes; raises `ZonesInvalid`."""
    try:
        document: dict[str, Any] = tomllib.loads(body.decode())
        rows = msgspec.convert(document, Rows)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ZonesInvalid([f"The file of zones cannot be read: {error}"]) from None
    return ZoneTree(Zone(code=row.code, name=Text(zh=row.zh, en=row.en)) for row in rows.zones)


def _around_region(tree: ZoneTree, region: str, file: str) -> ZoneTree:
    if tree.root != region:
        raise ZonesInvalid([f"{file} is about {tree.root}, but SUISHEN_REGION is {region}."])
    return tree


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ZonesInvalid([f"{file} cannot be read: {error.strerror}."]) from None
