"""Reports that are kept, and runs that the city owes: their rows, and what staff see of them."""

from datetime import date, datetime
from typing import Literal, TypeAlias
from uuid import UUID

from app.kit.structs import Model
from miniapps.conformance.models import ConformanceReport, Environment

MadeBy: TypeAlias = Literal["department", "city"]


class KeptReport(Model):
    """A row of `miniapps.conformance_report`."""

    id: UUID
    version_id: UUID
    app_id: str
    version_code: int
    made_by: MadeBy
    environment: Environment
    outcome: Literal["passed", "failed"]
    report: ConformanceReport
    report_hash: bytes
    made_at: datetime
    recorded_at: datetime
    recorded_by: UUID | None


class Run(Model):
    """A row of `miniapps.conformance_run`."""

    id: UUID
    version_id: UUID
    app_id: str
    version_code: int
    environment: Literal["sandbox", "live"]
    night: date | None
    asked_at: datetime
    asked_by: UUID | None
    claimed_at: datetime | None = None
    ended_at: datetime | None = None
    trouble: str | None = None
    report_id: UUID | None = None


class ConformanceReportView(Model):
    """A report as staff see it. `made_by` "department" is the author's own word; "city" is what the city saw itself."""

    id: UUID
    made_by: MadeBy
    environment: Environment
    outcome: Literal["passed", "failed"]
    sha256: str
    recorded_at: datetime
    report: ConformanceReport


class ConformanceReportList(Model):
    """Reports on a version, newest first; `next` is the `after` of the following page."""

    items: list[ConformanceReportView]
    next: UUID | None


class ConformanceRunView(Model):
    """A run that was asked for."""

    id: UUID
    app_id: str
    version_code: int
    environment: Literal["sandbox", "live"]
    state: Literal["waiting", "running", "ended"]
    asked_at: datetime
    trouble: str | None
    report_id: UUID | None


def report_view(kept: KeptReport) -> ConformanceReportView:
    """What staff see of a report."""
    return ConformanceReportView(
        id=kept.id,
        made_by=kept.made_by,
        environment=kept.environment,
        outcome=kept.outcome,
        sha256=kept.report_hash.hex(),
        recorded_at=kept.recorded_at,
        report=kept.report,
    )


def run_view(run: Run) -> ConformanceRunView:
    """What staff see of a run."""
    state: Literal["waiting", "running", "ended"] = "waiting" if run.claimed_at is None else "running"
    return ConformanceRunView(
        id=run.id,
        app_id=run.app_id,
        version_code=run.version_code,
        environment=run.environment,
        state="ended" if run.ended_at else state,
        asked_at=run.asked_at,
        trouble=run.trouble,
        report_id=run.report_id,
    )
