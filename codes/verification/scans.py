"""用码记录: who scanned me. The citizen, or the company, reads every scan that reached their code."""

from uuid import UUID

from app.kit.database import Connection
from auth.principal import Principal
from codes.scenarios.catalogue import Scenarios
from codes.scenarios.models import NO_LONGER_LISTED
from codes.verification import repository
from codes.verification.models import ScanList, ScanView, ScenarioName, Verification


class ScanRecords:
    """Reads records; only ever those of the caller's own subject."""

    def __init__(self, scenarios: Scenarios) -> None:
        self._scenarios = scenarios

    async def list_scans(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> ScanList:
        """A page, latest first."""
        rows = await repository.list_scans(connection, principal.subject_type, principal.subject_id, after, limit + 1)
        more = len(rows) > limit
        return ScanList(items=[self._view(row) for row in rows[:limit]], next=rows[limit - 1].id if more else None)

    def _view(self, row: Verification) -> ScanView:
        scenario = self._scenarios.find(row.scenario)
        return ScanView(
            verification_id=row.id,
            at=row.verified_at,
            scanner=row.scanned_by,
            scenario=ScenarioName(number=row.scenario, names=scenario.names if scenario else NO_LONGER_LISTED),
            basis=row.basis,
            kind=row.kind,
            verdict=row.verdict,
            reason=row.reason,
            disclosed=row.disclosed,
            withheld=row.withheld,
        )
