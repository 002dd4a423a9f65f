"""An inspection task: who may check which enterprise, in which scenario, why, on whose authority, and for how long.

A joint inspection is one task with partners: officers of invited departments, each with an authority of their own.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request
from codes.enterprise.registers.models import ChecklistItem, EvidenceView
from codes.lines import ONE_LINE

State: TypeAlias = Literal["active", "closed"]
Way: TypeAlias = Literal["scanned", "shown"]
Line = Annotated[str, msgspec.Meta(min_length=2, max_length=200, pattern=ONE_LINE)]
Checklist = Annotated[list[ChecklistItem], msgspec.Meta(max_length=30)]

OFFICER_ARRIVAL: Final = 901
JOINT_INSPECTION: Final = 902


class CreateInspection(Request):
    """What the officer enters. The enterprise will read `purpose`, `authority` and `checklist`."""

    scenario: int
    purpose: Line
    authority: Line
    organization_id: UUID | None = None
    credit_code: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Z]{18}(?![\s\S])")] | None = None
    hours: Annotated[int, msgspec.Meta(ge=1, le=8)] = 4
    checklist: Checklist = msgspec.field(default_factory=list)
    departments: Annotated[list[UUID], msgspec.Meta(max_length=8)] = msgspec.field(default_factory=list)
    """Departments that are invited to come along; each of their officers joins by themself."""

    @property
    def life(self) -> timedelta:
        """From now to the end of the task."""
        return timedelta(hours=self.hours)


class JoinInspection(Request):
    """What an officer of an invited department brings: their own scenario, authority and checklist."""

    scenario: int
    authority: Line
    checklist: Checklist = msgspec.field(default_factory=list)


class Inspection(Model):
    """A task as one of its officers has it: `scenario`, `department_id`, `authority` and `checklist` are theirs."""

    id: UUID
    organization_id: UUID
    scenario: int
    department_id: UUID
    officer_id: UUID
    purpose: str
    authority: str
    state: State
    created_at: datetime
    starts_at: datetime
    ends_at: datetime
    checklist: list[ChecklistItem] = msgspec.field(default_factory=list)
    invited: list[UUID] = msgspec.field(default_factory=list)
    way: Way | None = None
    arrived_at: datetime | None = None
    shown_because: str | None = None

    def is_active(self, now: datetime) -> bool:
        """Whether a check may rest on this task now."""
        return self.state == "active" and self.starts_at <= now < self.ends_at

    def state_at(self, now: datetime) -> Literal["active", "closed", "ended"]:
        """What the task is worth at `now`."""
        return "ended" if self.state == "active" and not self.is_active(now) else self.state

    @property
    def arrival_scenario(self) -> int:
        """In which scenario the enterprise scans the officers' code."""
        return JOINT_INSPECTION if self.invited else OFFICER_ARRIVAL


class Partner(Model):
    """A row: an officer who joined somebody else's task."""

    inspection_id: UUID
    officer_id: UUID
    department_id: UUID
    scenario: int
    authority: str
    checklist: list[ChecklistItem]
    joined_at: datetime


class Part(Model):
    """One officer's part in a task."""

    officer_id: UUID
    department_id: UUID
    scenario: int
    authority: str
    checklist: list[ChecklistItem]


class InspectionView(Model):
    """A task as its officer reads it; `state` says what it is worth now."""

    id: UUID
    organization_id: UUID
    organization_name: str
    credit_code: str
    scenario: int
    purpose: str
    authority: str
    state: Literal["active", "closed", "ended"]
    starts_at: datetime
    ends_at: datetime
    joint: bool
    checklist: list[ChecklistItem]
    fetched: list[EvidenceView]
    """What a check of this task brings along by itself, and nobody may ask the enterprise for."""
    arrival: Way | None
    arrived_at: datetime | None


class InspectionList(Model):
    """A page of tasks, newest first."""

    items: list[InspectionView]
    next: UUID | None


class Invitation(Model):
    """A joint task that an officer of an invited department may join; without what only partners need to know."""

    id: UUID
    organization_name: str
    lead_department: str
    purpose: str
    starts_at: datetime
    ends_at: datetime


class InvitationList(Model):
    """Every joint task that waits for the officer's department, newest first."""

    items: list[Invitation]
