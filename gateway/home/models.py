"""Cards, sections and what is missing: the shapes of the home page, and the pure rules on them."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta

from app.kit.structs import Model, Request, Text
from gateway.snapshot import CompiledApp
from miniapps.manifest import Widget
from miniapps.zones.codes import ZONE

Why: TypeAlias = Literal["pinned", "used", "public"]
Trouble: TypeAlias = Literal["suspended", "timeout", "busy", "unreachable", "unacceptable"]
Profile: TypeAlias = Literal["standard", "elder"]

MOST_CARDS: Final = 16
MOST_PINS: Final = 50
MOST_HIDDEN: Final = 200

# Printed text: no control characters, none that turn or hide text, and no angle bracket that begins a tag.
_PRINTED = re.compile(
    r"(?:[^\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff<]|<(?![A-Za-z/!?]))*"
)
_FOREIGN = re.compile(r"://|\b(?:javascript|data|vbscript|mailto|tel|sms):|\bwww\.", re.IGNORECASE)
_ACTION_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*/?")

Line = Annotated[str, Meta(min_length=1, max_length=64)]
Paragraph = Annotated[str, Meta(min_length=1, max_length=200)]


class CardText(Request):
    """A department's text in both languages."""

    zh: Paragraph
    en: Paragraph


class CardLine(Request):
    """One line of a list or figure card."""

    label: CardText
    value: Line


class DepartmentCard(Request):
    """A card as a department sends it. `action` is `ssb://miniapp/{app_id}/{path}`, its own and no other."""

    widget: str
    title: CardText
    text: CardText | None = None
    lines: Annotated[tuple[CardLine, ...], Meta(max_length=10)] = ()
    action: Annotated[str, Meta(max_length=256)] | None = None


class DepartmentCards(Request):
    """The answer of `POST {base}/.ssb/cards`."""

    cards: Annotated[tuple[DepartmentCard, ...], Meta(max_length=MOST_CARDS)]


class AskForCards(Model):
    """The body of `POST {base}/.ssb/cards`."""

    widgets: list[str]
    zone: str


class CardsUnacceptable(Exception):
    """A department's cards are not what was agreed. The text is a stable word, never theirs."""


class Card(Model):
    """A card on the home page. `stale` ones were made at `as_of` and could not be renewed since."""

    app_id: str
    widget: str
    kind: str
    why: Why
    title: CardText
    text: CardText | None
    lines: tuple[CardLine, ...]
    action: str | None
    as_of: datetime
    stale: bool


class Section(Model):
    """A group of services, in the order in which they stand. `why` says how that order came about.

    `total` counts those that belong here, also those for which the page has no room: they are in `/v1/services`.
    """

    id: Why
    title: Text
    why: Text
    app_ids: list[str]
    total: int


class Degraded(Model):
    """A department whose cards are missing, why, since when, and what to do instead."""

    app_id: str
    name: Text
    reason: Trouble
    since: datetime
    fallback: Text


class EndingService(Model):
    """A service on the page that ends: when, why, and which one follows."""

    app_id: str
    name: Text
    at: datetime
    reason: Text
    successor: str | None


class HomeView(Model):
    """All that the home page shows in `zone`. `large_text`: whoever draws it is to draw it large."""

    zone: str
    profile: Profile
    large_text: bool
    sections: list[Section]
    cards: list[Card]
    degraded: list[Degraded]
    ending: list[EndingService]
    generated_at: datetime


class Choice(Model):
    """Where a subject is at home (None: they never said, the whole city) and how their pages look."""

    zone: str | None
    profile: Profile


class ChooseHome(Request):
    """What one chooses. Without a zone it is the whole city; `elder` is the shorter page in large text."""

    zone: Annotated[str, Meta(pattern=ZONE)] | None = None
    profile: Profile = "standard"


class Favourites(Model):
    """What a subject keeps at hand, in their order; what they used lately, the latest first; what they hid."""

    pinned: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()


class PinView(Model):
    """A pinned service."""

    app_id: str
    pinned_at: datetime


class HiddenView(Model):
    """A service that is kept off the home page. It is in the list of services and in search as before."""

    app_id: str
    hidden_at: datetime


class Pin(Model):
    """A row of `gateway.pin`."""

    subject_id: UUID
    app_id: str
    pinned_at: datetime
    position: int = 0


class LayoutView(Model):
    """How a subject arranged the home page: what is pinned, in its order, and what is hidden."""

    pinned: list[PinView]
    hidden: list[HiddenView]


AppId = Annotated[str, Meta(pattern=r"^[a-z0-9.-]{1,128}$(?!\n)")]


class ArrangeHome(Request):
    """The whole arrangement in place of the one before; each service stands in one of the two lists, once."""

    pinned: Annotated[tuple[AppId, ...], Meta(max_length=MOST_PINS)]
    hidden: Annotated[tuple[AppId, ...], Meta(max_length=MOST_HIDDEN)]


UNCHOSEN: Final = Choice(zone=None, profile="standard")

SECTION_TITLES: Final[Mapping[Why, Text]] = {
    "pinned": Text(zh="我的常用", en="Pinned"),
    "used": Text(zh="最近使用", en="Used lately"),
    "public": Text(zh="城市服务", en="In the city"),
}
SECTION_REASONS: Final[Mapping[Why, Text]] = {
    "pinned": Text(
        zh="按您排定的顺序；未排定的，新近添加的在前", en="In your order; what you have not ordered, the latest first"
    ),
    "used": Text(zh="90 天内使用过的，最近的在前", en="What you used in the last 90 days, the latest first"),
    "public": Text(
        zh="本区域可办的，离您近的在前，同级按编号排列",
        en="What is offered where you are, the nearest first, then in the order of ids",
    ),
}

_decoder = msgspec.json.Decoder(DepartmentCards)


def read_cards(body: bytes, app: CompiledApp, asked: Mapping[str, Widget], *, why: Why, now: datetime) -> list[Card]:
    """A department's answer as cards, in the order of its manifest; raises `CardsUnacceptable`.

    Only widgets that were asked for; no HTML, no foreign link, no action that leads to another service.
    """
    try:
        answer = _decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise CardsUnacceptable("shape") from None
    by_widget: dict[str, Card] = {}
    for card in answer.cards:
        if card.widget not in asked or card.widget in by_widget:
            raise CardsUnacceptable("widget")
        _refuse_text(card)
        _refuse_action(card, app)
        by_widget[card.widget] = Card(
            app_id=app.app_id,
            widget=card.widget,
            kind=asked[card.widget].kind,
            why=why,
            title=card.title,
            text=card.text,
            lines=card.lines,
            action=card.action,
            as_of=now,
            stale=False,
        )
    return [by_widget[name] for name in asked if name in by_widget]


def _refuse_text(card: DepartmentCard) -> None:
    for text in _texts(card):
        if not _PRINTED.fullmatch(text):
            raise CardsUnacceptable("markup")
        if _FOREIGN.search(text):
            raise CardsUnacceptable("link")


def _texts(card: DepartmentCard) -> Iterable[str]:
    for text in (card.title, card.text, *(line.label for line in card.lines)):
        if text is not None:
            yield text.zh
            yield text.en
    for line in card.lines:
        yield line.value


def _refuse_action(card: DepartmentCard, app: CompiledApp) -> None:
    if card.action is None:
        return
    own = f"ssb://miniapp/{app.app_id}"
    path = card.action.removeprefix(own)
    segments = path.split("/")
    if not card.action.startswith(own) or not _ACTION_PATH.fullmatch(path) or {".", ".."} & set(segments):
        raise CardsUnacceptable("action")
