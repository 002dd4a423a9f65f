"""A rating of one act, what the department owes after it, and the rules of both."""

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta

from app.kit.structs import Model, Request
from miniapps.manifest import Manifest
from miniapps.manifest.models import ItemCode

Level: TypeAlias = Annotated[
    int, Meta(ge=1, le=5, description="5 非常满意, 4 满意, 3 基本满意, 2 不满意, 1 非常不满意")
]
Tag: TypeAlias = Literal[
    "attitude", "speed", "clarity", "materials", "fees", "accessibility", "privacy", "technical", "promise"
]
ActKind: TypeAlias = Literal["receipt", "visit"]
CallBack: TypeAlias = Literal["none", "open", "called_back", "closed"]
BAD: Final = 2
RECEIPT_TYP: Final = "ssb-receipt+jwt"
Words = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]


class Rating(Model):
    """A row. `subject_id` and `rater_id` are gone when the account is."""

    id: UUID
    app_id: str
    organization_id: UUID
    release_id: UUID
    subject_type: Literal["person", "organization"]
    subject_id: UUID | None
    rater_id: UUID | None
    act_kind: ActKind
    act: bytes
    item_code: str | None
    level: int
    tags: list[str]
    words_sealed: bytes | None
    year: int
    rated_at: datetime
    reply_due_at: datetime | None
    call_back: CallBack
    replied_at: datetime | None = None
    reply_sealed: bytes | None = None
    called_back_at: datetime | None = None
    closed_at: datetime | None = None
    resolved: bool | None = None


class SealedWords(Model):
    """What a citizen wrote, and the case that the department may find them by; never stored in clear."""

    comment: str | None = None
    case: str | None = None


class RateAct(Request):
    """A rating. With a `receipt` that the department signed it is of that act; without, of the citizen's last visit.

    `contact` lets the department read which case it was, so that it can call back; else nobody learns who rated.
    """

    level: Level
    tags: Annotated[list[Tag], Meta(max_length=5)] = msgspec.field(default_factory=list)
    item_code: ItemCode | None = None
    comment: Words | None = None
    receipt: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None
    contact: bool = False


class Reply(Request):
    """The department's words to whoever rated."""

    text: Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"\S")]


class CloseCallBack(Request):
    """Whether the matter is settled, by the citizen's own word."""

    resolved: bool


class OwnRating(Model):
    """A rating as whoever gave it sees it."""

    id: UUID
    app_id: str
    item_code: str | None
    level: int
    tags: list[str]
    comment: str | None
    rated_at: datetime
    reply: str | None
    reply_due_at: datetime | None
    replied_at: datetime | None
    call_back: CallBack
    resolved: bool | None


class OwnRatings(Model):
    """Newest first; `next` is the id to go on after."""

    items: list[OwnRating]
    next: UUID | None


class ReceivedRating(Model):
    """A rating as the department sees it: never who gave it; `case` only where they agreed to be called."""

    id: UUID
    item_code: str | None
    level: int
    tags: list[str]
    comment: str | None
    case: str | None
    rated_at: datetime
    reply: str | None
    reply_due_at: datetime | None
    replied_at: datetime | None
    overdue: bool
    call_back: CallBack
    resolved: bool | None


class ReceivedRatings(Model):
    """Newest first; `next` is the id to go on after."""

    items: list[ReceivedRating]
    next: UUID | None


def is_bad(level: int) -> bool:
    """Not satisfied, or not at all: the department calls back."""
    return level <= BAD


def needs_reply(level: int, comment: str | None) -> bool:
    """Whether the department owes an answer: to whoever is not satisfied, and to whoever wrote something."""
    return is_bad(level) or comment is not None


def knows_item(manifest: Manifest, item_code: str | None) -> bool:
    """Whether the mini-app has that item; none is always known."""
    return item_code is None or any(item.item_code == item_code for item in manifest.items)
