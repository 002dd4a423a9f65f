"""A paper code: the request of it, its row, and what its holder reads. Pure."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request, Text
from auth.documents import DocumentType

LONGEST_DAYS: Final = 180
MOST_LIVING: Final = 3
PHOTO_CHECK: Final = Text(
    zh="须人证核对：出示本码时请同时出示带照片的证件，由工作人员核对后放行。",
    en="Photo check needed: show a document with a photo beside this code; staff compare it with you.",
)

State: TypeAlias = Literal["valid", "voided", "expired"]
Days = Annotated[int, msgspec.Meta(ge=1, le=LONGEST_DAYS)]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class IssuePaperCode(Request):
    """A code for oneself, good for `days`."""

    days: Days = LONGEST_DAYS


class NamedHolder(Request):
    """A person as their document names them; an official compared face and document."""

    name: Line
    document_number: Line
    document_type: DocumentType = "id_card"


class IssueAtCounter(Request):
    """A code for somebody who stands at the counter."""

    holder: NamedHolder
    holder_checked: Literal[True]
    days: Days = LONGEST_DAYS


class VoidAtCounter(Request):
    """Whoever lost their paper says so at a counter: all their paper codes end."""

    holder: NamedHolder
    holder_checked: Literal[True]


class NewPaperCode(Model):
    """A row before it stands."""

    id: UUID
    person_id: UUID
    cti: bytes
    shard: int
    index: int
    carrier_sealed: bytes
    issued_at: datetime
    issued_by: str
    expires_at: datetime


class PaperCode(NewPaperCode):
    """A row."""

    voided_at: datetime | None = None

    def state(self, now: datetime) -> State:
        """What it is worth now, apart from a freeze."""
        if self.voided_at is not None:
            return "voided"
        return "valid" if now < self.expires_at else "expired"


class PaperCodeSummary(Model):
    """A code as it stands in its holder's list; the text of its picture is not in it."""

    id: UUID
    state: State
    issued_at: datetime
    issued_at_counter: bool
    expires_at: datetime
    voided_at: datetime | None


class PaperCodeView(Model):
    """A code to print: `carrier` is the text of the picture. It says no more than masked name and document tail."""

    id: UUID
    carrier: str
    display_name: str
    document_tail: str
    photo_check: Text
    issued_at: datetime
    expires_at: datetime


class PaperCodeList(Model):
    """A page of one's codes, latest first."""

    items: list[PaperCodeSummary]
    next: UUID | None


class VoidedView(Model):
    """How many codes ended."""

    voided: int
    voided_at: datetime


def expiry_of(now: datetime, days: int) -> datetime:
    """The end of a code's life."""
    return now.replace(microsecond=0) + timedelta(days=days)
