"""How names, numbers and phones look when only a hint may be shown. The one place that masks; it never unmasks."""

import unicodedata
from typing import Final

from app.kit.characters import composed

_JOINER: Final = "\u200d"
_MOST_STARS: Final = 3
_HAS_MIDDLE: Final = 3
_SHORT_DOCUMENT: Final = 6
_PHONE_LENGTH: Final = 11


def graphemes(text: str) -> list[str]:
    """What a reader sees as single characters: marks and variation selectors stay with the character they change."""
    clusters: list[str] = []
    for character in composed(text):
        extends = unicodedata.category(character)[0] == "M" or character == _JOINER
        if clusters and (extends or clusters[-1].endswith(_JOINER)):
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters


def mask_name(name: str) -> str:
    """张建国 → 张*国, 张三 → 张*; a long name does not tell its length."""
    characters = graphemes(name.strip())
    if len(characters) < _HAS_MIDDLE:
        return (characters[0] if len(characters) == _HAS_MIDDLE - 1 else "") + "*"
    return characters[0] + "*" * min(len(characters) - 2, _MOST_STARS) + characters[-1]


def mask_document(number: str) -> str:
    """19000019900101123X → 1****************X; of a short number nothing is shown."""
    if len(number) < _SHORT_DOCUMENT:
        return "*" * len(number)
    return number[0] + "*" * (len(number) - 2) + number[-1]


def mask_phone(phone: str) -> str:
    """19900001234 → 199****1234; anything that is not 11 digits long shows nothing."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) == _PHONE_LENGTH else "*" * len(phone)
