"""A deferred notice: whose scans the holder reads of later, by which law, until when, and who agreed. Pure rules."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request
from codes.lines import ONE_LINE
from codes.scenarios.models import Scenario
from codes.verification.models import ScenarioName

State: TypeAlias = Literal["proposed", "approved", "refused"]
LONGEST_DAYS: Final = 30
READABLE: Final = timedelta(days=7)
"""After the end a holder must still find the scan for this long before it forgets them."""
DECIDED_WITHIN: Final = timedelta(days=2)


class ProposeDeferral(Request):
    """Scans of one device in one scenario, for some days. The holders will read `legal_basis` afterwards."""

    scanner_id: UUID
    scenario: int
    legal_basis: Annotated[str, msgspec.Meta(min_length=4, max_length=200, pattern=ONE_LINE)]
    days: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_DAYS)]


class DecideDeferral(Request):
    """What the second official says."""

    approve: bool


class DeferredNotice(Model):
    """A row. Scans between `decided_at` and `ends_at` reach their holders at `ends_at`."""

    id: UUID
    organization_id: UUID
    scanner_id: UUID
    scenario: int
    legal_basis: str
    state: State
    proposed_by: UUID
    proposed_at: datetime
    ends_at: datetime
    decided_by: UUID | None = None
    decided_at: datetime | None = None


class DeferralView(Model):
    """A deferral as officials read it; `in_force` says whether it hides anything at this moment."""

    id: UUID
    organization_id: UUID
    scanner_id: UUID
    scenario: int
    legal_basis: str
    state: State
    in_force: bool
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    ends_at: datetime


class DeferralList(Model):
    """A page of deferrals, newest first."""

    items: list[DeferralView]
    next: UUID | None


class Total(Model):
    """How often in one year and scenario, as counted in the table."""

    year: int
    scenario: int
    approved: int
    refused: int
    in_force: int


class TotalView(Model):
    """How often notices of one scenario were deferred in one year; `in_force` are those of this moment."""

    year: int
    scenario: ScenarioName
    approved: int
    refused: int
    in_force: int


class TotalList(Model):
    """All that the public learns of deferrals."""

    items: list[TotalView]


def may_be_deferred(scenario: Scenario, days: int) -> bool:
    """Only what a statute orders, and only if the scan still knows its holder when they may read of it."""
    readable_for = timedelta(days=scenario.retention_days) - timedelta(days=days)
    return scenario.basis_kind == "statutory" and readable_for >= READABLE


def view_of(notice: DeferredNotice, now: datetime) -> DeferralView:
    """The row as officials read it at `now`."""
    in_force = notice.state == "approved" and now < notice.ends_at
    facts = {name: getattr(notice, name) for name in DeferredNotice.__struct_fields__}
    return DeferralView(**facts, in_force=in_force)
