"""A complaint about a scan: one tap on a record, what became of it, and what those who look into it may see."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request
from codes.verdict import ScannedBy
from codes.verification.models import ScenarioName
from codes.verification.ports import SubjectType

Concern: TypeAlias = Literal["not_me", "asked_too_much", "wrongly_refused", "conduct", "other"]
State: TypeAlias = Literal["filed", "forwarded", "answered"]
LONGEST_TEXT: Final = 1000
Statement = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]


class FileComplaint(Request):
    """One tap: the scan. Whoever wants to may say what was wrong, and more in words."""

    verification_id: UUID
    concern: Concern = "other"
    text: Statement | None = None


class AnswerComplaint(Request):
    """What the citizen will read."""

    text: Statement


class Complaint(Model):
    """A row. Keeps its own copy of the scan: that one forgets its holder when its time is over."""

    id: UUID
    verification_id: UUID
    subject_type: SubjectType
    subject_id: UUID
    organization_id: UUID
    scanned_by: ScannedBy
    scanned_at: datetime
    scenario: int
    verdict: str
    reason: str
    disclosed: list[str]
    concern: Concern
    text_sealed: bytes | None
    state: State
    filed_at: datetime
    reference: str | None = None
    answer_sealed: bytes | None = None
    answered_at: datetime | None = None


class ScanFacts(Model):
    """The scan that a complaint is about."""

    verification_id: UUID
    at: datetime
    scanner: ScannedBy
    scenario: ScenarioName
    verdict: str
    reason: str
    disclosed: list[str]


class ComplaintView(Model):
    """A complaint as whoever filed it reads it. `reference` is the hotline's own number."""

    id: UUID
    scan: ScanFacts
    concern: Concern
    text: str | None
    state: State
    filed_at: datetime
    reference: str | None
    answer: str | None
    answered_at: datetime | None


class ComplaintList(Model):
    """A page of complaints, newest first."""

    items: list[ComplaintView]
    next: UUID | None


class ComplaintCase(Model):
    """A complaint as those who look into it read it: the scan and the words, never who filed it."""

    id: UUID
    organization_id: UUID
    scan: ScanFacts
    concern: Concern
    text: str | None
    state: State
    filed_at: datetime
    reference: str | None


class ComplaintCases(Model):
    """A page of open cases, oldest first."""

    items: list[ComplaintCase]
    next: UUID | None


def forwarded(case: ComplaintCase) -> dict[str, Any]:
    """What leaves for the hotline."""
    content: dict[str, Any] = msgspec.to_builtins(case)
    del content["state"], content["reference"]
    return content
