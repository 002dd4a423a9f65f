"""How a text can be typed: by itself, by the pinyin of its characters, by initials, or by any mixture of them. Pure.

A text becomes units, one for each Chinese character and one for each letter or digit. What is neither is no part of it.
"""

import unicodedata
from functools import lru_cache
from typing import Any, Final

from pypinyin import Style, pinyin

from app.kit.structs import Model

_STYLE: Final = Style.NORMAL
_AS_IT_IS: Final[Any] = list  # its type says str, its text says that a list stands for one character each
_UMLAUT: Final = str.maketrans({"ü": "v"})


class Unit(Model):
    """One character. `readings` are all ways to say it, that of this text first; a letter or digit says itself."""

    character: str
    readings: tuple[str, ...]
    begins: bool
    """Whether a word can begin here: at each Chinese character, and at the first letter of any other word."""

    @property
    def reading(self) -> str:
        """As it is said in this text."""
        return self.readings[0]


class Spelling(Model):
    """A text in all the ways in which it can be typed, each as one string; `starts` maps units into `full`."""

    units: tuple[Unit, ...]
    plain: str
    full: str
    initials: str
    starts: tuple[int, ...]


def normalised(text: str) -> str:
    """The text as search sees it: one form of each character, no case, spaces for all that is no letter or digit."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_UMLAUT)
    return " ".join("".join(each if each.isalnum() else " " for each in folded).split())


def words_of(query: str) -> tuple[str, ...]:
    """What is asked for, word by word, each once."""
    return tuple(dict.fromkeys(normalised(query).split()))


def spell(text: str, *, read: bool = True) -> Spelling:
    """All ways to type `text`; unless it is `read`, its characters have no pinyin and are typed as they are."""
    said = normalised(text)
    compact = said.replace(" ", "")
    readings = _readings_of(compact) if read else [(character,) for character in compact]
    begins = _beginnings(said)
    units = tuple(
        Unit(character=character, readings=said_as, begins=first)
        for character, said_as, first in zip(compact, readings, begins, strict=True)
    )
    starts, full = [], ""
    for unit in units:
        starts.append(len(full))
        full += unit.reading
    return Spelling(
        units=units,
        plain=compact,
        full=full,
        initials="".join(unit.reading[0] for unit in units),
        starts=tuple(starts),
    )


def is_chinese(character: str) -> bool:
    """Whether it is a character with a reading, of any of the planes of CJK ideographs."""
    return "\u3400" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff" or character >= "\U00020000"


def _readings_of(compact: str) -> list[tuple[str, ...]]:
    """For each character its readings: the phrase's own first, then those it has elsewhere (a street's 长 is cháng)."""
    in_phrase: list[str] = []
    for run, chinese in runs_of(compact):
        in_phrase += _said(run) if chinese else list(run)
    return [
        tuple(dict.fromkeys((said, *_everyday(character)))) if is_chinese(character) else (character,)
        for character, said in zip(compact, in_phrase, strict=True)
    ]


def runs_of(compact: str) -> list[tuple[str, bool]]:
    """The text in pieces that are wholly Chinese, or wholly not; which is which."""
    runs: list[tuple[str, bool]] = []
    for character in compact:
        chinese = is_chinese(character)
        if runs and runs[-1][1] == chinese:
            runs[-1] = (runs[-1][0] + character, chinese)
        else:
            runs.append((character, chinese))
    return runs


def _said(run: str) -> list[str]:
    """A run of Chinese as it is read; a character that nobody reads stands for itself."""
    return [said[0].lower() for said in pinyin(run, style=_STYLE, errors=_AS_IT_IS)] if run else []


@lru_cache(maxsize=32_768)
def _everyday(character: str) -> tuple[str, ...]:
    """Every reading of one character; for ü also u, as many type it."""
    (found,) = pinyin(character, style=_STYLE, heteronym=True, errors=_AS_IT_IS)
    readings = [each for each in found if each.isascii() and each.isalpha()]
    return tuple(dict.fromkeys([*readings, *(each.replace("v", "u") for each in readings)]))


def _beginnings(said: str) -> list[bool]:
    """For each character that is no space, whether a word can begin there."""
    begins: list[bool] = []
    before = " "
    for character in said:
        if character != " ":
            begins.append(is_chinese(character) or before == " " or is_chinese(before))
        before = character
    return begins
