"""A freeze: whose codes, why, since when, and what the holder said to it. Rules of who may end one. Pure."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request
from auth.documents import DocumentType
from codes.lines import ONE_LINE, SOME_LINES

Decision: TypeAlias = Literal["lifted", "upheld"]
Line = Annotated[str, msgspec.Meta(min_length=2, max_length=200, pattern=ONE_LINE)]
Statement = Annotated[str, msgspec.Meta(min_length=2, max_length=1000, pattern=SOME_LINES)]


class FreezeReason(StrEnum):
    """The only five reasons there are."""

    HOLDER_REQUEST = "holder_request"
    LOSS = "loss"
    FRAUD = "fraud"
    DEATH = "death"
    COURT_ORDER = "court_order"


AGAINST_THE_HOLDER: Final = frozenset({FreezeReason.FRAUD, FreezeReason.DEATH, FreezeReason.COURT_ORDER})
"""Not at the holder's own wish: whoever froze does not also end it."""


class FreezeCodes(Request):
    """What an official enters, from the document in front of them. The holder will read `explanation`."""

    name: Annotated[str, msgspec.Meta(max_length=200)]
    document_number: Annotated[str, msgspec.Meta(max_length=64)]
    reason: FreezeReason
    explanation: Line
    document_type: DocumentType = "id_card"


class LiftFreeze(Request):
    """`holder_checked`: the person stands at the counter, and face and document were compared."""

    because: Line
    holder_checked: bool = False


class AppealFreeze(Request):
    """What the holder, or a child's guardian, says to it."""

    statement: Statement


class DecideAppeal(Request):
    """The answer of another official than the one who froze."""

    decision: Decision
    because: Line


class Freeze(Model):
    """A row. `*_sealed` open to what people wrote."""

    id: UUID
    person_id: UUID
    reason: FreezeReason
    explanation_sealed: bytes
    frozen_at: datetime
    frozen_by: UUID
    organization_id: UUID
    lifted_at: datetime | None = None
    lifted_by: UUID | None = None
    lifted_because_sealed: bytes | None = None
    appealed_at: datetime | None = None
    appealed_by: UUID | None = None
    appeal_sealed: bytes | None = None
    decided_at: datetime | None = None
    decided_by: UUID | None = None
    decision: Decision | None = None
    decision_because_sealed: bytes | None = None

    @property
    def lasts(self) -> bool:
        """Whether the codes are frozen by it now."""
        return self.lifted_at is None

    @property
    def awaits_decision(self) -> bool:
        """Whether an appeal lies there unanswered."""
        return self.appealed_at is not None and self.decided_at is None


class AppealView(Model):
    """An appeal and, once there is one, its answer."""

    statement: str
    appealed_at: datetime
    decision: Decision | None
    because: str | None
    decided_at: datetime | None


class FreezeView(Model):
    """A freeze as holder and counter read it. Officials are not named: their office answers for it."""

    id: UUID
    on_behalf_of: UUID | None
    """The child, when a guardian reads a child's freeze."""
    reason: FreezeReason
    explanation: str
    organization_name: str
    frozen_at: datetime
    state: Literal["frozen", "lifted"]
    lifted_at: datetime | None
    lifted_because: str | None
    appeal: AppealView | None


class FreezeList(Model):
    """A page of freezes, newest first."""

    items: list[FreezeView]
    next: UUID | None


def needs_holder(freeze: Freeze) -> bool:
    """Whether it ends only with the person at the counter; a court's order ends by the court's word."""
    return freeze.reason is not FreezeReason.COURT_ORDER


def may_lift(freeze: Freeze, official_id: UUID) -> bool:
    """Whether this official may end it: four eyes where it was not the holder's own wish."""
    return freeze.reason not in AGAINST_THE_HOLDER or official_id != freeze.frozen_by
