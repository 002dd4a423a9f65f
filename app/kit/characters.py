"""Characters as documents carry them: composed where that changes nothing that was printed, and all ideographs."""

import re
import unicodedata
from typing import Final

_COMPATIBILITY: Final = re.compile("([\uf900-\ufaff\U0002f800-\U0002fa1f]+)")
_IDEOGRAPHIC_PLANES: Final = range(0x20000, 0x3FFFE)
_NO_CHARACTER: Final = 0xFFFE


def composed(text: str) -> str:
    """NFC, with compatibility ideographs as they stand: NFC makes other characters of them, and GB 18030 has nine
    such (U+F92C, U+F979 …), which are on documents and in registers.
    """
    parts = _COMPATIBILITY.split(text)
    return "".join(part if place % 2 else unicodedata.normalize("NFC", part) for place, part in enumerate(parts))


def is_ideograph_of_later_planes(character: str) -> bool:
    """Whether it is, or will be, an ideograph of planes 2 and 3 (Extension B and up).

    They hold nothing else, and each year's Unicode gives out more of them than this Python knows of.
    """
    point = ord(character)
    return point in _IDEOGRAPHIC_PLANES and point & 0xFFFE != _NO_CHARACTER
