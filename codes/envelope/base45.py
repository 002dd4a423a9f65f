"""Base45 (RFC 9285), the alphabet of alphanumeric QR codes. Refuses what the RFC does not name valid, lower case first.

Ours instead of the library's, which takes three times as long as this and drops newlines; tests compare the two.
"""

import struct

from codes.verdict import Reason, Refused

ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
BASE = len(ALPHABET)
INVALID = 0xFF
VALUES = bytes(ALPHABET.index(code) if code in ALPHABET else INVALID for code in range(256))
BYTE_VALUES = 256


def encode(data: bytes) -> str:
    """Three characters for two bytes, two for a last odd one."""
    out = bytearray()
    for position in range(0, len(data) - 1, 2):
        rest, first = divmod(data[position] << 8 | data[position + 1], BASE)
        third, second = divmod(rest, BASE)
        out += bytes((ALPHABET[first], ALPHABET[second], ALPHABET[third]))
    if len(data) % 2:
        second, first = divmod(data[-1], BASE)
        out += bytes((ALPHABET[first], ALPHABET[second]))
    return out.decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of `text`; raises `Refused` (MALFORMED) for a foreign character, a cut group, or a group too large.

    Every text that is accepted is the only text of its bytes.
    """
    try:
        values = text.encode("ascii").translate(VALUES)
    except UnicodeEncodeError:
        raise Refused(Reason.MALFORMED, "base45") from None
    groups, odd = divmod(len(values), 3)
    if odd == 1 or INVALID in values:
        raise Refused(Reason.MALFORMED, "base45")
    end = groups * 3
    words = [
        first + BASE * second + BASE * BASE * third
        for first, second, third in zip(values[0:end:3], values[1:end:3], values[2:end:3], strict=True)
    ]
    try:
        data = struct.pack(f">{groups}H", *words)
    except struct.error:  # a group above 65535, "GGW" being the first
        raise Refused(Reason.MALFORMED, "base45") from None
    return data + _decode_last(values[end:]) if odd else data


def _decode_last(pair: bytes) -> bytes:
    value = pair[0] + BASE * pair[1]
    if value >= BYTE_VALUES:
        raise Refused(Reason.MALFORMED, "base45")
    return bytes((value,))
