"""Deterministic CBOR (RFC 8949, section 4.2.1), read strictly under limits and before any cryptography.

Refuses indefinite lengths, longer heads than needed, unsorted or repeated keys, tags, floats, and bytes after the end.
Reads no message twice: what it accepts has exactly one encoding.
"""

from typing import Any

import cbor2

from app.kit.structs import Model
from codes.verdict import Reason, Refused

UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
DIRECT = 24  # heads below this carry their value themselves
LONGEST_HEAD = 27
SMALLEST = {24: DIRECT, 25: 1 << 8, 26: 1 << 16, 27: 1 << 32}
SIMPLE_HEADS = {0xF4: False, 0xF5: True, 0xF6: None}
TAG_COSE_SIGN1 = b"\xd2"
SHORT_HEADS = tuple(bytes((BYTES << 5 | size,) if size < DIRECT else (BYTES << 5 | 24, size)) for size in range(256))


class Limits(Model):
    """How large, how deep and how plain a message must be."""

    max_bytes: int
    max_depth: int
    integer_keys: bool = False
    sorted_keys: bool = True


CODE = Limits(max_bytes=512, max_depth=5, integer_keys=True)
DOCUMENT = Limits(max_bytes=1 << 20, max_depth=8)
FOREIGN = Limits(max_bytes=1 << 20, max_depth=16, sorted_keys=False)
"""For what other systems wrote: their signatures cover their bytes, whatever the order of their keys."""


def encode(value: Any) -> bytes:
    """The deterministic encoding. Map keys are integers or texts, never of mixed size classes (see `tests`)."""
    return cbor2.dumps(value, canonical=True)


def bytes_head(length: int) -> bytes:
    """The head of a byte string: so that a signed structure can be put together without copying it through a tree."""
    if length < len(SHORT_HEADS):
        return SHORT_HEADS[length]
    if length < 1 << 16:
        return b"\x59" + length.to_bytes(2, "big")
    return b"\x5a" + length.to_bytes(4, "big")


def untag_sign1(data: bytes) -> bytes:
    """What stands under tag 18 (COSE_Sign1), which must be there; raises `Refused` (MALFORMED)."""
    if data[:1] != TAG_COSE_SIGN1:
        raise Refused(Reason.MALFORMED, "cbor tag")
    return data[1:]


def decode(data: bytes, limits: Limits = CODE) -> Any:
    """The one item in `data`: int, bytes, str, list, dict, bool or None. Raises `Refused` (TOO_LARGE, MALFORMED)."""
    if len(data) > limits.max_bytes:
        raise Refused(Reason.TOO_LARGE, "cbor size")
    try:
        value, end = _item(data, 0, limits.max_depth, limits)
    except (IndexError, UnicodeDecodeError):
        raise Refused(Reason.MALFORMED, "cbor end or text") from None
    if end != len(data):
        raise Refused(Reason.MALFORMED, "cbor trailing bytes")
    return value


def _item(data: bytes, at: int, depth: int, limits: Limits) -> tuple[Any, int]:
    head = data[at]
    at += 1
    if head < DIRECT:  # most items of a code are small numbers
        return head, at
    argument, major = head & 31, head >> 5
    if argument >= DIRECT:
        argument, at = _argument(data, at, argument)
    if major <= NEGATIVE:
        return (argument if major == UNSIGNED else -1 - argument), at
    if major <= TEXT:
        end = at + argument
        content = data[at:end]
        if len(content) < argument:
            raise IndexError
        return (content if major == BYTES else content.decode("utf-8")), end
    if major == SIMPLE and head in SIMPLE_HEADS:
        return SIMPLE_HEADS[head], at
    if major > MAP or depth == 0:
        raise Refused(Reason.MALFORMED, "cbor type or depth")
    if major == ARRAY:
        return _array(data, at, argument, depth - 1, limits)
    return _map(data, at, argument, depth - 1, limits)


def _argument(data: bytes, at: int, head: int) -> tuple[int, int]:
    """The value of a head that needs 1, 2, 4 or 8 more bytes; the shortest head is the only one."""
    if head > LONGEST_HEAD:
        raise Refused(Reason.MALFORMED, "cbor indefinite or reserved")
    size = 1 << (head - DIRECT)
    end = at + size
    if end > len(data):
        raise IndexError
    value = int.from_bytes(data[at:end], "big")
    if value < SMALLEST[head]:
        raise Refused(Reason.MALFORMED, "cbor head not shortest")
    return value, end


def _array(data: bytes, at: int, count: int, depth: int, limits: Limits) -> tuple[list[Any], int]:
    items: list[Any] = []
    for _ in range(count):
        value, at = _item(data, at, depth, limits)
        items.append(value)
    return items, at


def _map(data: bytes, at: int, count: int, depth: int, limits: Limits) -> tuple[dict[Any, Any], int]:
    items: dict[Any, Any] = {}
    last = b""
    for _ in range(count):
        start, major = at, data[at] >> 5
        if major > NEGATIVE and (limits.integer_keys or major != TEXT):
            raise Refused(Reason.MALFORMED, "cbor key type")
        key, at = _item(data, at, 0, limits)
        encoded = data[start:at]
        if encoded <= last if limits.sorted_keys else key in items:
            raise Refused(Reason.MALFORMED, "cbor keys unsorted or repeated")
        items[key], at = _item(data, at, depth, limits)
        last = encoded
    return items, at
