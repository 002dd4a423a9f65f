"""One reading of a JSON body: refuses what two readers could understand differently, and what no database can keep.

A name that stands twice, NUL in a text, lone surrogates, text that is not UTF-8, a byte order mark, nesting without
end; and a text where a number belongs. Its refusals say where and what, and never quote what was sent.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

DEEPEST = 64
WHERE = re.compile(r" - at `\$\.?(.*)`$")
QUOTED = re.compile(r"'.*'", re.DOTALL)
ODD_FIELD = re.compile(r"(?<=unknown field) `(?![A-Za-z_]{1,64}`$).*`$", re.DOTALL)


class JsonRefused(ValueError):
    """The bytes are not the JSON that was asked for. `field` says where ("" for the whole), `reason` says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


def read_json(body: bytes, to: type[T] | Any) -> T:
    """`body` as a `to`, without any conversion of types; raises `JsonRefused` and nothing else, whatever the bytes."""
    try:
        read: T = msgspec.json.decode(body, type=to)
    except msgspec.ValidationError as error:
        raise _refusal_of(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise JsonRefused("", "Not valid JSON in UTF-8") from None
    except RecursionError:
        raise JsonRefused("", "Nested too deeply") from None
    # Afterwards, because it costs more: what has the wrong shape is refused before anybody looks into it.
    _refuse_ambiguity(body)
    return read


def _refuse_ambiguity(body: bytes) -> None:
    try:
        # Numbers stay text here: this pass looks at names, texts and depth only.
        value = json.loads(body.decode(), object_pairs_hook=_members, parse_int=_text, parse_float=_text)
    except RecursionError:
        raise JsonRefused("", "Nested too deeply") from None
    except JsonRefused:
        raise
    except ValueError:
        raise JsonRefused("", "Not valid JSON in UTF-8") from None
    for text, depth in _texts(value):
        if depth > DEEPEST:
            raise JsonRefused("", "Nested too deeply")
        if "\x00" in text:
            raise JsonRefused("", "A text holds the character NUL")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise JsonRefused("", "A name stands twice in one object")
    return members


def _text(number: str) -> str:
    return number


def _texts(value: Any) -> Iterator[tuple[str, int]]:
    """Every name and text, and how deep it lies; a container that is too deep counts as an empty text."""
    waiting = [(value, 0)]
    while waiting:
        found, depth = waiting.pop()
        if isinstance(found, str):
            yield found, depth
        elif isinstance(found, dict | list):
            yield "", depth
            if isinstance(found, dict):
                yield from ((name, depth) for name in found)
            waiting.extend((part, depth + 1) for part in (found.values() if isinstance(found, dict) else found))


def _refusal_of(error: msgspec.ValidationError) -> JsonRefused:
    text = str(error)
    where = WHERE.search(text)
    return JsonRefused(where.group(1) if where else "", without_values(WHERE.sub("", text)))


def without_values(message: str) -> str:
    """A validation message without what it quotes: that may be somebody's number in the wrong place.

    The name of an unknown field stays when it looks like a field's name, so that a mistyped one is found.
    """
    return ODD_FIELD.sub("", QUOTED.sub("", message)).strip()
