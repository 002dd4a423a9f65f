"""An inspection task: who may check which enterprise, in which scenario, why, on whose authority, and for how long."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request
from codes.lines import ONE_LINE

State: TypeAlias = Literal["active", "closed"]
Line = Annotated[str, msgspec.Meta(min_length=2, max_length=200, pattern=ONE_LINE)]


class CreateInspection(Request):
    """What the officer enters. The enterprise will read `purpose` and `authority`."""

    scenario: int
    purpose: Line
    authority: Line
    organization_id: UUID | None = None
    credit_code: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Z]{18}(?![\s\S])")] | None = None
    hours: Annotated[int, msgspec.Meta(ge=1, le=8)] = 4

    @property
    def life(self) -> timedelta:
        """From now to the end of the task."""
        return timedelta(hours=self.hours)


class Inspection(Model):
    """A row."""

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

    def is_active(self, now: datetime) -> bool:
        """Whether a check may rest on this task now."""
        return self.state == "active" and self.starts_at <= now < self.ends_at


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


class InspectionList(Model):
    """A page of tasks, newest first."""

    items: list[InspectionView]
    next: UUID | None
