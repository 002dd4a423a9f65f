"""扫码检查: the enterprise scans the officers' code and is told who comes; only then may a check be made.

Where nobody at the enterprise can scan, an officer states that the code was shown, and why; the enterprise reads that.
"""

from typing import Any
from uuid import UUID

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.listing import cut
from auth.principal import Principal
from codes.acting import ActLog
from codes.enterprise.arrivals import repository
from codes.enterprise.arrivals.errors import NoCodeToShow
from codes.enterprise.arrivals.models import (
    ArrivalView,
    MetInspection,
    MetInspectionList,
    Notice,
    ScanInspectionCode,
    Showing,
    StateShown,
)
from codes.enterprise.arrivals.notices import Notices
from codes.enterprise.enterprises.service import require_own
from codes.enterprise.inspections import repository as inspections
from codes.enterprise.inspections.errors import InspectionNotActive, InspectionUnknown
from codes.enterprise.inspections.models import OFFICER_ARRIVAL, Inspection
from codes.enterprise.inspections.records import record_deed
from codes.enterprise.ratings import repository as ratings
from codes.scenarios.catalogue import Scenarios
from codes.stickers.models import Reading
from codes.stickers.reading import CodeReader
from codes.verdict import Check, Reason, retry_of, verdict_of
from codes.verification.models import policy_of


class Arrivals:
    """Arrivals of officers at enterprises."""

    def __init__(
        self,
        *,
        codes: CodeReader,
        notices: Notices,
        scenarios: Scenarios,
        clock: Clock,
        acts: ActLog | None = None,
    ) -> None:
        self._acts = acts or ActLog()
        self._codes = codes
        self._notices = notices
        self._scenarios = scenarios
        self._clock = clock

    async def scan(self, connection: Connection, principal: Principal, request: ScanInspectionCode) -> ArrivalView:
        """The verdict on an officer's code; on ACCEPT the notice, and the enterprise counts as visited.

        A code for another enterprise is SCANNER_NOT_ALLOWED and says nothing of whom it is for.
        """
        policy = policy_of(self._scenarios.get(OFFICER_ARRIVAL))
        reading = await self._codes.read(connection, request.code, policy)
        inspection = await self._find_inspection(connection, reading)
        reason = self._reason_of(principal, reading, inspection)
        if reason is not Reason.OK or inspection is None:
            view = _view_of(reading, reason, OFFICER_ARRIVAL)
            await self._record(connection, principal, "inspection_code.rejected", view)
            return view
        first = await repository.insert_arrival(connection, inspection, "scanned", None, self._clock.now())
        view = _view_of(
            reading,
            reason,
            inspection.arrival_scenario,
            notice=await self._notices.compose(connection, inspection),
            repeated=not first,
        )
        if first:
            await self._record(connection, principal, "inspection.arrived", view, inspection=str(inspection.id))
            await self._acts.note(
                connection, principal, "inspection_scanned", self._clock.now(), inspection_id=str(inspection.id)
            )
        return view

    async def state_shown(
        self, connection: Connection, principal: Principal, inspection_id: UUID, request: StateShown
    ) -> Showing:
        """An officer answers for it that the code was shown though nobody could scan it.

        Changes nothing once the enterprise has scanned. Raises `InspectionUnknown`, `InspectionNotActive`,
        `NoCodeToShow`.
        """
        await inspections.lock_open(connection, inspection_id)
        inspection = await inspections.find_inspection(connection, inspection_id, principal.subject_id)
        if inspection is None:
            raise InspectionUnknown
        now = self._clock.now()
        if not inspection.is_active(now):
            raise InspectionNotActive
        if await repository.find_active(connection, inspection_id) is None:
            raise NoCodeToShow
        if await repository.insert_arrival(connection, inspection, "shown", request.reason, now):
            await record_deed(connection, principal, "inspection.shown", inspection, now)
        met = await inspections.find_any_inspection(connection, inspection_id)
        if met is None or met.way is None or met.arrived_at is None:
            raise InspectionUnknown
        return Showing(inspection_id=inspection_id, way=met.way, arrived_at=met.arrived_at)

    async def list_met(
        self, connection: Connection, principal: Principal, organization_id: UUID, *, after: UUID | None, limit: int
    ) -> MetInspectionList:
        """A page of the tasks that came to this enterprise; raises `NotThisOrganization`.

        A task that nobody has come for stays unknown to it: an unannounced check is not announced here.
        """
        require_own(principal, organization_id)
        rows = await inspections.list_arrived(connection, organization_id, after, limit + 1)
        page, following = cut(rows, limit)
        return MetInspectionList(items=[await self._met(connection, row) for row in page], next=following)

    async def _find_inspection(self, connection: Connection, reading: Reading) -> Inspection | None:
        """The task of a code that the city signed, kept open until this transaction ends."""
        if reading.reason is not Reason.OK or reading.claims is None:
            return None
        code = await repository.find_by_cti(connection, reading.claims.cti)
        if code is None:
            return None
        await inspections.lock_open(connection, code.inspection_id)
        return await inspections.find_any_inspection(connection, code.inspection_id)

    def _reason_of(self, principal: Principal, reading: Reading, inspection: Inspection | None) -> Reason:
        if reading.reason is not Reason.OK:
            return reading.reason
        if inspection is None:
            return Reason.STATUS_UNKNOWN
        if inspection.organization_id != principal.subject_id:
            return Reason.SCANNER_NOT_ALLOWED
        return Reason.OK if inspection.is_active(self._clock.now()) else Reason.REVOKED

    async def _met(self, connection: Connection, inspection: Inspection) -> MetInspection:
        assert inspection.way is not None
        assert inspection.arrived_at is not None
        return MetInspection(
            notice=await self._notices.compose(connection, inspection),
            state=inspection.state_at(self._clock.now()),
            way=inspection.way,
            reason=inspection.shown_because,
            arrived_at=inspection.arrived_at,
            rated=await ratings.list_rated(connection, inspection.id),
        )

    async def _record(
        self, connection: Connection, principal: Principal, action: str, view: ArrivalView, **more: str
    ) -> None:
        detail: dict[str, Any] = {"verification": str(view.verification_id), "reason": view.reason}
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"organization:{principal.subject_id}",
            detail=detail | more,
        )


def _view_of(
    reading: Reading, reason: Reason, scenario: int, *, notice: Notice | None = None, repeated: bool = False
) -> ArrivalView:
    return ArrivalView(
        verification_id=new_id(),
        verdict=verdict_of(reason),
        reason=reason,
        retry=retry_of(reason),
        mode="online",
        kind="I",
        scenario=scenario,
        checks=[_scanner_check(reason) if check.name == "scanner" else check for check in reading.checks],
        freshness=reading.freshness,
        notice=notice,
        repeated=repeated,
    )


def _scanner_check(reason: Reason) -> Check:
    """Whether the one who scanned is the enterprise that the code is for; not asked of a code that does not count."""
    result = {Reason.OK: "pass", Reason.SCANNER_NOT_ALLOWED: "fail"}.get(reason, "skipped")
    return msgspec.convert({"name": "scanner", "result": result}, Check)
