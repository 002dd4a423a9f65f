"""Base45 (RFC 9285), the alphabet of alphanumeric QR codes. Refuses what the RFC does not name valid, lower case first.

Ours instead of the library's, which takes eight times as long and drops newlines; tests compare the two.
"""

from codes.verdict import Reason, Refused

ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
BASE = len(ALPHABET)
INVALID = 0xFF
VALUES = bytes(ALPHABET.index(code) if code in ALPHABET else INVALID for code in range(256))
BYTE_VALUES = 256
LANE = 3
LAST_DIGIT = b"\x00\x00\xff"


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
    data = _decode_groups(values[: groups * 3], groups)
    return data + _decode_last(values[-2:]) if odd else data


def _decode_groups(values: bytes, groups: int) -> bytes:
    """All groups at once: each has a lane of three bytes in large numbers, so that no loop of ours runs.

    No lane can overflow into its neighbour: 44 * (1 + 45 + 2025) < 2^17.
    """
    digits, last = int.from_bytes(values, "big"), int.from_bytes(LAST_DIGIT * groups, "big")
    words = (digits >> 16 & last) + BASE * (digits >> 8 & last) + BASE * BASE * (digits & last)
    lanes = words.to_bytes(groups * LANE, "big")
    if lanes[::LANE].strip(b"\x00"):  # a group above 65535, "GGW" being the first
        raise Refused(Reason.MALFORMED, "base45")
    data = bytearray(groups * 2)
    data[0::2], data[1::2] = lanes[1::LANE], lanes[2::LANE]
    return bytes(data)


def _decode_last(pair: bytes) -> bytes:
    value = pair[0] + BASE * pair[1]
    if value >= BYTE_VALUES:
        raise Refused(Reason.MALFORMED, "base45")
    return bytes((value,))
