"""A correction: what a person says is wrong, and what the authority that keeps the record says to it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request

Field = Literal["name", "document_number", "birth_date", "other"]
CorrectionState = Literal["pending", "sent", "accepted", "refused"]
Words = Annotated[str, Meta(min_length=1, max_length=200)]


class AskCorrection(Request):
    """What is wrong and what would be right. We do not judge it: whoever keeps the record does."""

    field: Field
    claimed: Words
    explanation: Annotated[str, Meta(min_length=1, max_length=1000)]


class Claim(Model):
    """The sealed part of a row."""

    claimed: str
    explanation: str


class Correction(Model):
    """A row. `claim_sealed` opens to a `Claim`, `answer_sealed` to the authority's reason."""

    id: UUID
    person_id: UUID
    field: Field
    claim_sealed: bytes
    state: CorrectionState
    requested_at: datetime
    sent_at: datetime | None = None
    decided_at: datetime | None = None
    answer_sealed: bytes | None = None


class CorrectionView(Model):
    """A correction as its person sees it."""

    id: UUID
    field: Field
    claimed: str
    explanation: str
    state: CorrectionState
    requested_at: datetime
    sent_at: datetime | None
    decided_at: datetime | None
    reason: str | None
    """The authority's, once it decided."""
