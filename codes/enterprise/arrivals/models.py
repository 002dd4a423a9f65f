"""The code that officers show when they come (I), and what the enterprise is told when it scans it."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request, Text
from codes.enterprise.checks.models import LONGEST_CODE
from codes.enterprise.inspections.models import Line, Way
from codes.enterprise.registers.models import EvidenceView
from codes.status.models import StatusPointer
from codes.verdict import Check, Freshness, Reason, Retry, Verdict

State: TypeAlias = Literal["active", "revoked"]


class InspectionCode(Model):
    """A row. `carrier` is the whole text of the picture."""

    id: UUID
    inspection_id: UUID
    cti: bytes
    shard: int
    index: int
    carrier: str
    state: State
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    @property
    def pointer(self) -> StatusPointer:
        """Where its status stands."""
        return StatusPointer(shard=self.shard, index=self.index)


class InspectionCodeView(Model):
    """The code as an officer of the task shows it; `carrier` goes into the picture, byte for byte."""

    inspection_id: UUID
    carrier: str
    state: State
    issued_at: datetime
    expires_at: datetime
    kind: Literal["I"] = "I"


class ScanInspectionCode(Request):
    """What the enterprise's phone read from the officer's: the text of the picture, byte for byte."""

    code: Annotated[str, msgspec.Meta(max_length=LONGEST_CODE)]


class StateShown(Request):
    """Why nobody at the enterprise could scan the code that was shown; the enterprise reads it."""

    reason: Line


class Showing(Model):
    """How the enterprise met the officers: it scanned their code, or was shown it."""

    inspection_id: UUID
    way: Way
    arrived_at: datetime


class NoticeOfficer(Model):
    """Who comes: the department and a masked name, what they check, on whose authority."""

    department_id: UUID
    department: str
    officer: str
    scenario: int
    scenario_names: Text
    authority: str
    legal_basis: Text
    checklist: list[str]


class Notice(Model):
    """Who comes to whom, why, on whose authority; and what nobody need hand in, because the city has it."""

    inspection_id: UUID
    organization_name: str
    purpose: str
    joint: bool
    starts_at: datetime
    ends_at: datetime
    officers: list[NoticeOfficer]
    fetched: list[EvidenceView]


class ArrivalView(Model):
    """The answer to the enterprise's scan: the result object of every scan. Nothing is told unless it is ACCEPT."""

    verification_id: UUID
    verdict: Verdict
    reason: Reason
    retry: Retry
    mode: Literal["online"]
    kind: Literal["I"]
    scenario: int
    checks: list[Check]
    freshness: Freshness
    notice: Notice | None = None
    repeated: bool = False


class MetInspection(Model):
    """A task that came to the enterprise: how it was met, and which departments it has rated for it."""

    notice: Notice
    state: Literal["active", "closed", "ended"]
    way: Way
    reason: str | None
    arrived_at: datetime
    rated: list[UUID]


class MetInspectionList(Model):
    """A page of tasks, newest first. One that nobody has come for yet is not among them."""

    items: list[MetInspection]
    next: UUID | None
