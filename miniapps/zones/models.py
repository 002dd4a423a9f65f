"""The tree of the city's places, out of a flat list of codes and names; pure. Refuses a list that is not one tree.

The codes themselves say what lies in what, so that no file can move a street into another district.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from functools import cached_property
from typing import Final

from app.kit.structs import Model, Text
from miniapps.zones.codes import ZONE, Level, level_of, lies_in, nearest

_CODE = re.compile(ZONE)
_PRINTED = re.compile(r"[^\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff<>]{1,64}")
MOST_ZONES: Final = 20_000
_DISTRICT: Final = 6


class Zone(Model):
    """A place of the city, by the code that it has for ever."""

    code: str
    name: Text


class ZoneView(Model):
    """A place and all places in it, in the order of their codes. What is offered in a place is offered in its parts."""

    code: str
    name: Text
    level: Level
    children: list["ZoneView"]


class ZonesInvalid(Exception):
    """A list that is no tree of places; all that is wrong with it, a line each."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class ZoneTree:
    """The places of one city. Never changes."""

    def __init__(self, zones: Iterable[Zone]) -> None:
        """Raises `ZonesInvalid` with every mistake."""
        listed = sorted(zones, key=lambda zone: (len(zone.code), zone.code))
        if mistakes := find_mistakes(listed):
            raise ZonesInvalid(mistakes)
        self._names: Mapping[str, Text] = {zone.code: zone.name for zone in listed}
        self._parents = {code: parent_of(code, self._names) for code in self._names}
        self.root: str = next(code for code, parent in self._parents.items() if parent is None)

    def __contains__(self, code: str) -> bool:
        return code in self._names

    def __len__(self) -> int:
        return len(self._names)

    def covers(self, code: str) -> bool:
        """Whether the code names a place of this city, or one around the whole of it."""
        return code in self._names or lies_in(self.root, code)

    def path(self, code: str) -> list[str]:
        """The place and everything around it, the place first, the city last; raises `KeyError`."""
        around: list[str] = []
        here: str | None = code
        while here is not None:
            around.append(here)
            here = self._parents[here]
        return around

    @cached_property
    def view(self) -> ZoneView:
        """The whole tree."""
        inside: dict[str, list[str]] = {}
        for code, parent in self._parents.items():
            if parent is not None:
                inside.setdefault(parent, []).append(code)

        def draw(code: str) -> ZoneView:
            children = [draw(child) for child in sorted(inside.get(code, []))]
            return ZoneView(code=code, name=self._names[code], level=level_of(code), children=children)

        return draw(self.root)


def parent_of(code: str, codes: Container[str]) -> str | None:
    """The smallest other place that `code` lies in."""
    return nearest(code, (other for other in _around(code) if other in codes and other != code))


def find_mistakes(zones: list[Zone]) -> list[str]:
    """Why these are not the places of one city, a line each; nothing when they are."""
    codes = [zone.code for zone in zones]
    known = set(codes)
    mistakes = [f"{code!r} is no code of 6, 9 or 12 digits." for code in codes if not _CODE.match(code)]
    mistakes += [f"{code} stands twice." for code, times in Counter(codes).items() if times > 1]
    mistakes += [f"{zone.code} has no name that can be shown." for zone in zones if not _is_named(zone)]
    if not zones:
        mistakes.append("No place is named.")
    if len(zones) > MOST_ZONES:
        mistakes.append(f"More than {MOST_ZONES} places.")
    return mistakes or _forest(known)


def _forest(known: set[str]) -> list[str]:
    """What keeps well-written places from being one tree."""
    roots = sorted(code for code in known if parent_of(code, known) is None)
    orphans = [code for code in sorted(known) if len(code) > _DISTRICT and code[:-3] not in known]
    mistakes = [f"{code} lies in {code[:-3]}, which is not named." for code in orphans]
    if len([root for root in roots if root not in orphans]) > 1:
        mistakes.append(f"More than one place around everything: {', '.join(roots)}.")
    return mistakes


def _is_named(zone: Zone) -> bool:
    return all(_PRINTED.fullmatch(name) and name.strip() for name in (zone.name.zh, zone.name.en))


def _around(code: str) -> list[str]:
    """Every code that could name a place around this one."""
    whole = [code[:2] + "0000", code[:4] + "00", code[:6], code[:9], code]
    return [place for place in dict.fromkeys(whole) if lies_in(code, place)]
