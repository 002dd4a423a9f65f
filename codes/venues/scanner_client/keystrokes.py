"""What a keyboard-wedge gun typed, turned back into the code it read. Pure; repairs the typing, never the code.

Such a gun is a keyboard: caps lock, an input method and a terminator come between the picture and the program. Only
what cannot change the meaning is undone: no character is guessed, added or dropped inside the text. The verifier, which
forgives nothing, never calls this.
"""

import re
from typing import Final

LONGEST_TYPED: Final = 1024
"""A code has at most 800 characters; whatever is longer than that and its wrapping goes on unread."""

ALPHANUMERIC: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
"""Every carrier of the family is written in these (ISO/IEC 18004, 7.4.4), which is why capitals can be restored."""

_FULL_WIDTH: Final = {0xFF01 + place: 0x21 + place for place in range(0x5E)}
# What a Chinese input method makes of these keys, in full-width and in Chinese punctuation mode.
_INPUT_METHOD: Final = {"\u3000": " ", "。": ".", "、": "/", "￥": "$", "¥": "$"}
_AS_ASCII: Final = _FULL_WIDTH | str.maketrans(_INPUT_METHOD)
_CAPITALS: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")

# Terminators, STX and ETX, byte order mark. A blank at an end is never the code's: no base45 group ends with one.
_WRAPPING: Final = "".join(map(chr, range(0x21))) + "\x7f\ufeff"
_SYMBOLOGY: Final = re.compile(r"^\][A-Za-z][0-9]")
"""The identifier that some guns type before the data (ISO/IEC 15424): `]Q1` for a QR code."""


def normalise(typed: str) -> str:
    """The code that was in the picture, if a gun typed it. Any other text comes back as no code either.

    Doing it twice changes nothing more.
    """
    if len(typed) > LONGEST_TYPED:
        return typed
    text = typed.translate(_AS_ASCII).strip(_WRAPPING)
    capitals = _SYMBOLOGY.sub("", text, count=1).strip(_WRAPPING).translate(_CAPITALS)
    return capitals if ALPHANUMERIC.issuperset(capitals) else text
