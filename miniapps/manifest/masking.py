"""Hides in a department's answer what its manifest says to hide; pure, and the department's code has no say.

Refuses every answer in which it cannot be sure to have seen the whole: encoded, partial, too large, or not JSON.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

from app.kit.masking import mask_document, mask_name, mask_phone
from app.kit.structs import Model
from miniapps.manifest.models import Manifest, Masking

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
LARGEST_MASKED: Final = 1024 * 1024
PARTIAL: Final = 206
EACH: Final = "*"
RULES: Final[Mapping[str, Callable[[str], str]]] = {
    "name": mask_name,
    "document": mask_document,
    "phone": mask_phone,
}

_JSON = re.compile(rb"application/(?:[a-z0-9!#$&^_.-]+\+)?json(?:[ \t]*;[ \t]*charset=\"?utf-8\"?)?", re.IGNORECASE)
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
"""Numbers come out with the digits that went in: a masked route must not change anybody's balance."""


class Mask(Model):
    """One compiled rule. `pointer` is a JSON pointer's tokens, in which "*" is each element or member."""

    pointer: tuple[str, ...]
    rule: str


class NotMaskable(Exception):
    """The answer cannot be masked with certainty; the text is a stable word."""


def compile_mask(masking: Masking) -> Mask:
    """The manifest's rule, ready to be followed."""
    return Mask(pointer=tuple(masking.pointer.split("/")[1:]), rule=masking.rule)


def masks_of(manifest: Manifest) -> dict[tuple[str, str], tuple[Mask, ...]]:
    """Every route's masks, by method and template."""
    masks: dict[tuple[str, str], tuple[Mask, ...]] = {}
    for masking in manifest.data.masking:
        place = (masking.method, masking.path)
        masks[place] = (*masks.get(place, ()), compile_mask(masking))
    return masks


def mask_answer(status: int, headers: Headers, body: bytes, masks: Iterable[Mask]) -> bytes:
    """The body with everything that `masks` point at masked, whatever the status; raises `NotMaskable`.

    A place that does not exist, or holds null, is left alone; an empty body has nothing to hide.
    """
    if not body:
        return body
    _refuse_unreadable(status, headers, len(body))
    try:
        document = _DECODER.decode(body)
    except (ValueError, ArithmeticError, RecursionError):
        raise NotMaskable("not-json") from None
    return _ENCODER.encode(mask(document, masks))


def mask(document: Any, masks: Iterable[Mask]) -> Any:
    """A copy of a decoded JSON document in which every place that is pointed at is masked; raises `NotMaskable`."""
    for each in masks:
        document = _masked_at(document, each.pointer, RULES[each.rule])
    return document


def _refuse_unreadable(status: int, headers: Headers, size: int) -> None:
    fields = [(name.lower(), value.strip()) for name, value in headers]
    if any(name == b"content-encoding" and value.lower() != b"identity" for name, value in fields):
        raise NotMaskable("encoded")
    if status == PARTIAL or any(name == b"content-range" for name, _ in fields):
        raise NotMaskable("partial")
    if size > LARGEST_MASKED:
        raise NotMaskable("too-large")
    types = [value for name, value in fields if name == b"content-type"]
    if len(types) != 1 or not _JSON.fullmatch(types[0]):
        raise NotMaskable("not-json")


def _masked_at(value: Any, pointer: tuple[str, ...], conceal: Callable[[str], str]) -> Any:
    if not pointer:
        return _concealed(value, conceal)
    token, rest = pointer[0], pointer[1:]
    if isinstance(value, dict):
        names = value if token == EACH else value.keys() & {token}
        return value | {name: _masked_at(value[name], rest, conceal) for name in names}
    if isinstance(value, list):
        return [
            _masked_at(element, rest, conceal) if token in {EACH, str(index)} else element
            for index, element in enumerate(value)
        ]
    return value


def _concealed(value: Any, conceal: Callable[[str], str]) -> str | None:
    """A number is masked as its digits; what stands in place of a text (a list, say) could hold one in the clear."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise NotMaskable("not-text")
    return conceal(str(value))
