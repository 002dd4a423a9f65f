"""Whether a word fits a text from one of its characters on, and how: the pure heart of search.

A character is matched by itself, by its whole pinyin or by its initial; the word's end may cut a pinyin short. Each
step visits a character of the text and of the word once at most, whatever they are.
"""

import sys
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from miniapps.catalogue.spelling import Spelling, is_chinese

How: TypeAlias = Literal["text", "pinyin", "initials", "mixed", "partial"]

MOST_READ: Final = 32
"""Characters of one word that are looked at; nothing in a catalogue is called by more."""
ENOUGH_FOR_INITIALS: Final = 2
TWO_LETTERS: Final = frozenset({"zh", "ch", "sh"})


def fits(word: str, text: Spelling, at: int, *, mixed: bool = True) -> How | None:
    """How `word` fits `text` from its unit `at`, the plainest way first; None when it does not.

    Without `mixed`, the way that costs most is left out.
    """
    if not text.units[at].begins:
        return None
    if text.plain.startswith(word, at):
        return "text"
    if _all_chinese(word):
        return None
    if text.full.startswith(word, text.starts[at]) and _is_said(word, text, at):
        return "pinyin"
    if len(word) >= ENOUGH_FOR_INITIALS and text.initials.startswith(word, at):
        return "initials"
    return "mixed" if mixed and _fits_mixed(word, text, at) else None


def places_in(text: Spelling) -> tuple[tuple[str, int], ...]:
    """With which one or two characters a word may begin that fits, and at which unit; by these an index finds it."""
    return tuple(
        (sys.intern(key), at) for at, unit in enumerate(text.units) if unit.begins for key in sorted(_keys_at(text, at))
    )


def _keys_at(text: Spelling, at: int) -> set[str]:
    unit = text.units[at]
    firsts = {unit.character, *(reading[0] for reading in unit.readings)}
    keys = {unit.character, *(reading[:2] for reading in unit.readings), *(firsts if at == 0 else ())}
    if at + 1 < len(text.units):
        after = text.units[at + 1]
        following = {after.character, *(reading[0] for reading in after.readings)}
        keys |= {first + second for first in firsts for second in following}
    return keys


def key_of(word: str) -> str:
    """Under which key of an index whatever `word` fits is found."""
    return word[:2]


def _is_said(word: str, text: Spelling, at: int) -> bool:
    """Whether more than one letter of a Chinese character was typed: `s` alone is an initial, not a pinyin."""
    return not is_chinese(text.units[at].character) or len(word) > 1


def _fits_mixed(word: str, text: Spelling, at: int) -> bool:
    """Walks the text unit by unit with all places in the word that could be reached so far."""
    reached = {0}
    for unit in text.units[at:]:
        further: set[int] = set()
        for done in reached:
            if word[done] == unit.character:
                further.add(done + 1)
            further.update(done + typed for typed in _typed(word, done, unit.readings))
        if len(word) in further:
            return True
        if not further:
            return False
        reached = further
    return False


def _typed(word: str, done: int, readings: tuple[str, ...]) -> set[int]:
    """How many letters of `word` from `done` on can stand for a character: its initial, or all; at the end any."""
    lengths: set[int] = set()
    for reading in readings:
        for typed, (wanted, letter) in enumerate(zip(word[done:], reading, strict=False), 1):
            if wanted != letter:
                break
            if typed in {1, len(reading)} or done + typed == len(word) or reading[:typed] in TWO_LETTERS:
                lengths.add(typed)
    return lengths


@lru_cache(maxsize=1024)
def _all_chinese(word: str) -> bool:
    return all(is_chinese(character) for character in word)
