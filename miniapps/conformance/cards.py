"""What a department's cards may be, for its own developers: the rules by which the home page takes or drops them.

Pure. The home page judges by code of its own; a test holds that both say the same.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from app.kit.structs import Request
from miniapps.manifest import Widget

_PRINTED = re.compile(
    r"(?:[^\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff<]|<(?![A-Za-z/!?]))*"
)
_FOREIGN = re.compile(r"://|\b(?:javascript|data|vbscript|mailto|tel|sms):|\bwww\.", re.IGNORECASE)
_ACTION_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*/?")
MOST_CARDS: Final = 16

Line = Annotated[str, Meta(min_length=1, max_length=64)]
Paragraph = Annotated[str, Meta(min_length=1, max_length=200)]


class Words(Request):
    """A text in both languages."""

    zh: Paragraph
    en: Paragraph


class Row(Request):
    """One line of a card."""

    label: Words
    value: Line


class Card(Request):
    """A card."""

    widget: str
    title: Words
    text: Words | None = None
    lines: Annotated[tuple[Row, ...], Meta(max_length=10)] = ()
    action: Annotated[str, Meta(max_length=256)] | None = None


class Cards(Request):
    """The answer of `POST {base}/.ssb/cards`."""

    cards: Annotated[tuple[Card, ...], Meta(max_length=MOST_CARDS)]


_decoder = msgspec.json.Decoder(Cards)


def cards_problem(body: bytes, app_id: str, asked: Mapping[str, Widget]) -> str | None:
    """Why the home page would show none of these cards, as a stable word; None when it would show them."""
    try:
        answer = _decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return "shape"
    seen: set[str] = set()
    for card in answer.cards:
        if card.widget not in asked or card.widget in seen:
            return "widget"
        seen.add(card.widget)
        problem = _problem_of(card, app_id)
        if problem is not None:
            return problem
    return None


def _problem_of(card: Card, app_id: str) -> str | None:
    for text in _texts(card):
        if not _PRINTED.fullmatch(text):
            return "markup"
        if _FOREIGN.search(text):
            return "link"
    return None if card.action is None or _is_own(card.action, app_id) else "action"


def _is_own(action: str, app_id: str) -> bool:
    own = f"ssb://miniapp/{app_id}"
    path = action.removeprefix(own)
    return action.startswith(own) and bool(_ACTION_PATH.fullmatch(path)) and not {".", ".."} & set(path.split("/"))


def _texts(card: Card) -> Iterable[str]:
    for words in (card.title, card.text, *(row.label for row in card.lines)):
        if words is not None:
            yield from (words.zh, words.en)
    yield from (row.value for row in card.lines)
