"""Who may scan at all at this moment: limits against enumeration, the lock after a switch, the operator on duty.

Asked before a code is looked at, told the verdict afterwards; both in the transaction of the scan.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from app.kit import audit
from app.kit.database import Connection
from codes.scenarios.models import Scenario
from codes.venues.admissions import repository
from codes.venues.admissions.limiter import Limiter
from codes.venues.admissions.models import (
    BAD_CODE,
    LOGGING,
    SCANNING,
    SWITCH_LOCK,
    Standing,
    StopList,
    counted_as,
)
from codes.venues.operators import repository as duties
from codes.verdict import Reason, VerificationResult
from codes.verification.ports import AskedScan, Scans


class Admissions:
    """Implements `AdmitsScans` of the verification."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter

    async def refusal(
        self, connection: Connection, scanner: Scans, scenario: Scenario, now: datetime, /
    ) -> Reason | None:
        """RATE_LIMITED, SCANNER_NOT_ALLOWED (locked in another scenario, or nobody on duty), or None.

        A scanner that is not registered for `scenario` switches nothing; the verification itself refuses it.
        """
        standing = await repository.find_standing(connection, scanner.id, scanner.organization_id, SCANNING, now)
        if standing.stopped_by is not None:
            return Reason.RATE_LIMITED
        if scanner.refusal_of(scenario.number) is not None:
            return None
        if scenario.operator_required and await self._on_duty(connection, scanner, now) is None:
            return Reason.SCANNER_NOT_ALLOWED
        if standing.scenario != scenario.number and not await self._switch(connection, scanner, scenario.number, now):
            return Reason.SCANNER_NOT_ALLOWED
        return None

    async def list_admitted(self, connection: Connection, scans: Sequence[AskedScan], now: datetime, /) -> list[bool]:
        """Whether each device is free to ask and works in its scenario already: then nothing has to be written."""
        organizations = {scan.scanner.id: scan.scanner.organization_id for scan in scans}
        standings = await repository.list_standings(connection, organizations, SCANNING, now)
        return [_is_admitted(scan, standings[scan.scanner.id]) for scan in scans]

    async def learn(
        self,
        connection: Connection,
        scanner: Scans,
        _scenario: Scenario,
        result: VerificationResult,
        now: datetime,
        /,
    ) -> None:
        """Counts what may be enumeration."""
        counted = counted_as(result)
        if counted is not None:
            await self._limiter.count(connection, scanner, counted, now)

    async def begin_log(self, connection: Connection, scanner: Scans, now: datetime, /) -> datetime | None:
        """Until when this device may bring no log, or None; then no other log of it is taken meanwhile."""
        await repository.lock_logs(connection, scanner.id)
        return await repository.find_stop_end(connection, scanner.id, scanner.organization_id, LOGGING, now)

    async def end_log(
        self, connection: Connection, scanner: Scans, reasons: Iterable[Reason], now: datetime, /
    ) -> None:
        """Counts what in a log was made up; the windows are those of now, since a log may say any time."""
        bad = sum(reason in BAD_CODE for reason in reasons)
        if bad:
            await self._limiter.count(connection, scanner, "bad_logged", now, times=bad)

    async def list_stops(self, connection: Connection, organization_id: UUID, now: datetime) -> StopList:
        """Who of an organization has to wait, and why."""
        return StopList(items=await repository.list_stops(connection, organization_id, now))

    async def _on_duty(self, connection: Connection, scanner: Scans, now: datetime) -> UUID | None:
        # Who signed on a moment ago may not have been heard of by this worker yet.
        return scanner.on_duty(now) or await duties.find_on_duty(connection, scanner.id, now)

    async def _switch(self, connection: Connection, scanner: Scans, scenario: int, now: datetime) -> bool:
        """Whether the device works in `scenario` now: for the first time, by a switch, or by a scan just before."""
        if await repository.mark_switched(connection, scanner.id, scenario, now, now - SWITCH_LOCK):
            await _record_switch(connection, scanner, scenario, now)
            return True
        await repository.insert_use(connection, scanner.id, scenario)
        return await repository.find_use(connection, scanner.id) == scenario


def _is_admitted(scan: AskedScan, standing: Standing) -> bool:
    return standing.stopped_by is None and standing.scenario == scan.scenario.number


async def _record_switch(connection: Connection, scanner: Scans, scenario: int, now: datetime) -> None:
    await audit.record(
        connection,
        clock_now=now,
        actor=scanner.actor,
        action="scanner.scenario_switched",
        subject=scanner.actor,
        detail={"scenario": scenario},
    )
