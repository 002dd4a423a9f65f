"""Search over the catalogue, in memory: an index built once for what is shown, and a ranking that explains itself.

Every hit says in which field of which text each word was found, and how. The order depends on nothing but the catalogue
and the question. Keeps no question.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from app.kit.structs import Model
from miniapps.catalogue.matching import MOST_READ, How, fits, key_of, places_in
from miniapps.catalogue.spelling import Spelling, runs_of, spell, words_of
from miniapps.releases.models import PublishedApp

FieldName: TypeAlias = Literal[
    "name", "short_name", "keyword", "item", "life_event", "subject", "department", "description"
]

WEIGHTS: Final[Mapping[FieldName, int]] = {
    "name": 12,
    "short_name": 12,
    "keyword": 9,
    "item": 8,
    "life_event": 6,
    "subject": 6,
    "department": 5,
    "description": 2,
}
PLAINNESS: Final[Mapping[How, int]] = {"text": 20, "pinyin": 12, "initials": 8, "mixed": 6, "partial": 3}
WHOLE, BEGINNING, INSIDE = 4, 3, 2
MOST_WORDS: Final = 8
ENOUGH_PARTS: Final = 3
"""Chinese is written without spaces: what is found nowhere is looked for in parts. One in so many is enough."""


class Matched(Model):
    """Where a word was found: in which field, in what text, and how it fits."""

    field: FieldName
    how: How
    text: str


class Hit(Model):
    """A document that was found, by its number; `score` is for comparison within one answer."""

    number: int
    score: int
    why: tuple[Matched, ...]


class _Text(Model):
    """One text, ready to be found."""

    text: str
    spelling: Spelling
    places: tuple[tuple[str, int], ...]


class _Entry(Model):
    """One text of the catalogue, and who says it in which field."""

    known: _Text
    said_by: list[tuple[int, FieldName]]


class _Place(Model):
    """The best place of a word in one document."""

    score: int
    field: FieldName
    how: How
    text: str


class SearchIndex:
    """What is said by which document. Never changes."""

    def __init__(self, documents: Sequence[Iterable[tuple[FieldName, str]]]) -> None:
        """Each document is known by its number in `documents`: the fields' texts."""
        self._entries = _gather(documents)
        self._places: dict[str, list[tuple[int, int]]] = {}
        for number, entry in enumerate(self._entries):
            for key, at in entry.known.places:
                self._places.setdefault(key, []).append((number, at))

    def search(self, query: str) -> list[Hit]:
        """Documents in which all words are found, or if there is none the most; the best first, then by number."""
        words = [word[:MOST_READ] for word in words_of(query)[:MOST_WORDS]]
        together: dict[int, list[_Place]] = {}
        for word in words:
            for number, place in (self._find_whole(word) or self._find_in_parts(word)).items():
                together.setdefault(number, []).append(place)
        most = max((len(places) for places in together.values()), default=0)
        hits = [
            Hit(
                number=number,
                score=sum(place.score for place in places),
                why=tuple(Matched(field=place.field, how=place.how, text=place.text) for place in places),
            )
            for number, places in together.items()
            if len(places) == most
        ]
        return sorted(hits, key=lambda hit: (-hit.score, hit.number))

    def _find_whole(self, word: str) -> dict[int, _Place]:
        """The best place of a word in each document that has one; mixtures count where nothing plainer is found."""
        fitting = self._fitting(word, mixed=False) or self._fitting(word, mixed=True)
        best: dict[int, _Place] = {}
        for entry_number, (quality, how) in fitting.items():
            entry = self._entries[entry_number]
            for number, field in entry.said_by:
                score = WEIGHTS[field] * quality
                if number not in best or best[number].score < score:
                    best[number] = _Place(score=score, field=field, how=how, text=entry.known.text)
        return best

    def _fitting(self, word: str, *, mixed: bool) -> dict[int, tuple[int, How]]:
        """How well, and in which way, a word fits each text that it fits at all."""
        fitting: dict[int, tuple[int, How]] = {}
        for number, at in self._places.get(key_of(word), ()):
            spelling = self._entries[number].known.spelling
            how = fits(word, spelling, at, mixed=mixed)
            if how is None:
                continue
            quality = PLAINNESS[how] * _standing(word, spelling, at, how)
            if number not in fitting or fitting[number][0] < quality:
                fitting[number] = quality, how
        return fitting

    def _find_in_parts(self, word: str) -> dict[int, _Place]:
        """What has at least a third of the word's parts; the more of them, the better."""
        parts = parts_of(word)
        found: dict[int, list[_Place]] = {}
        for part in parts:
            for number, place in self._find_whole(part).items():
                found.setdefault(number, []).append(place)
        return {
            number: _in_parts(places, of=len(parts))
            for number, places in found.items()
            if len(places) * ENOUGH_PARTS >= len(parts)
        }


def parts_of(word: str) -> list[str]:
    """A word without spaces in pieces: pairs of Chinese characters, and whole what is not Chinese. Itself is none."""
    parts: list[str] = []
    for run, chinese in runs_of(word):
        parts += [run[start : start + 2] for start in range(len(run) - 1)] if chinese else [run]
    return [part for part in dict.fromkeys(parts) if part != word]


def fields_of(app: PublishedApp) -> list[tuple[FieldName, str]]:
    """What a mini-app says of itself that somebody could look for, in both languages."""
    manifest = app.manifest
    return [
        ("name", manifest.name.zh),
        ("name", manifest.name.en),
        ("short_name", manifest.short_name),
        *(("keyword", keyword) for keyword in manifest.keywords),
        *(("item", item.name) for item in manifest.items),
        *(("life_event", event) for event in manifest.life_events),
        *(("subject", subject) for subject in manifest.subjects),
        *(("department", name) for name in dict.fromkeys((app.organization_name, manifest.owner.org_name))),
        ("description", manifest.description.zh),
        ("description", manifest.description.en),
    ]


def _in_parts(places: list[_Place], *, of: int) -> _Place:
    strongest = max(places, key=lambda place: place.score)
    score = sum(place.score for place in places) * PLAINNESS["partial"] // (PLAINNESS["text"] * of)
    return _Place(score=score, field=strongest.field, how="partial", text=strongest.text)


def _gather(documents: Sequence[Iterable[tuple[FieldName, str]]]) -> list[_Entry]:
    """Every text once, however many say it: departments and subjects are said by hundreds."""
    entries: dict[tuple[str, bool], _Entry] = {}
    for number, fields in enumerate(documents):
        for field, text in fields:
            known = (text, field != "description")
            entry = entries.get(known)
            if entry is None:
                entry = entries[known] = _Entry(known=_prepare(*known), said_by=[])
            entry.said_by.append((number, field))
    return list(entries.values())


@lru_cache(maxsize=16_384)
def _prepare(text: str, read: bool) -> _Text:
    """Remembered: when one mini-app of a thousand changes, all other texts are as they were."""
    spelling = spell(text, read=read)
    return _Text(text=text, spelling=spelling, places=places_in(spelling))


def _standing(word: str, text: Spelling, at: int, how: How) -> int:
    """Whether the word is the whole text, its beginning, or somewhere in it."""
    if at:
        return INSIDE
    typed = {"text": text.plain, "pinyin": text.full, "initials": text.initials}.get(how)
    return WHOLE if word == typed else BEGINNING
