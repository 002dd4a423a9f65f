"""Defers notices of scans where a law says so: proposed by one official, decided by another, ended by the calendar.

Hides a scan from its holder for a time, never for good, and from nobody else; says publicly how often.
"""

from datetime import timedelta
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.listing import cut
from auth.principal import Principal
from codes.records.deferrals import repository
from codes.records.deferrals.errors import DeferralDecided, DeferralNotAllowed, DeferralUnknown, SecondOfficialNeeded
from codes.records.deferrals.models import (
    DECIDED_WITHIN,
    DecideDeferral,
    DeferralList,
    DeferralView,
    DeferredNotice,
    ProposeDeferral,
    Total,
    TotalList,
    TotalView,
    may_be_deferred,
    view_of,
)
from codes.scenarios.catalogue import Scenarios
from codes.scenarios.models import NO_LONGER_LISTED
from codes.venues.scanners import repository as scanners
from codes.venues.scanners.errors import ScannerUnknown
from codes.verification.models import ScenarioName

CITY_WIDE = frozenset({"security_admin", "audit_admin"})


class Deferrals:
    """Deferred notices of all organizations."""

    def __init__(self, scenarios: Scenarios, clock: Clock) -> None:
        self._scenarios = scenarios
        self._clock = clock

    async def propose(self, connection: Connection, principal: Principal, request: ProposeDeferral) -> DeferralView:
        """A proposal for a device of the official's own organization; it hides nothing yet.

        Raises `ScannerUnknown`, `DeferralNotAllowed`.
        """
        scanner = await scanners.get_scanner(connection, request.scanner_id)
        if scanner.organization_id != principal.organization_id:
            raise ScannerUnknown
        scenario = self._scenarios.find(request.scenario)
        if scenario is None or request.scenario not in scanner.scenarios:
            raise DeferralNotAllowed
        if not may_be_deferred(scenario, request.days):
            raise DeferralNotAllowed
        now = self._clock.now()
        notice = DeferredNotice(
            id=new_id(),
            organization_id=scanner.organization_id,
            scanner_id=scanner.id,
            scenario=scenario.number,
            legal_basis=request.legal_basis,
            state="proposed",
            proposed_by=principal.subject_id,
            proposed_at=now,
            ends_at=now + timedelta(days=request.days),
        )
        await repository.insert_notice(connection, notice)
        await self._record(connection, principal, "deferral.proposed", notice)
        return view_of(notice, now)

    async def decide(
        self, connection: Connection, principal: Principal, notice_id: UUID, request: DecideDeferral
    ) -> DeferralView:
        """The second official's word; from an approval on, the days count.

        Raises `DeferralUnknown`, `SecondOfficialNeeded`, `DeferralDecided`.
        """
        notice = await self._get(connection, notice_id)
        if notice.proposed_by == principal.subject_id:
            raise SecondOfficialNeeded
        now = self._clock.now()
        decided = await repository.mark_decided(
            connection,
            notice_id,
            "approved" if request.approve else "refused",
            principal.subject_id,
            now,
            proposed_after=now - DECIDED_WITHIN,
        )
        if not decided:
            raise DeferralDecided
        notice = await self._get(connection, notice_id)
        await self._record(connection, principal, f"deferral.{notice.state}", notice)
        return view_of(notice, now)

    async def end(self, connection: Connection, principal: Principal, notice_id: UUID) -> DeferralView:
        """Ends it before its time: holders read of its scans at once. Ending again changes nothing.

        Raises `DeferralUnknown`.
        """
        notice, now = await self._get(connection, notice_id), self._clock.now()
        if not _may_see(principal, notice):
            raise DeferralUnknown
        if await repository.mark_ended(connection, notice_id, now):
            await self._record(connection, principal, "deferral.ended", notice)
        return view_of(await self._get(connection, notice_id), now)

    async def list_page(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> DeferralList:
        """A page, newest first: of the official's own organization, or of all for those who watch."""
        everywhere = not CITY_WIDE.isdisjoint(principal.roles)
        organization_id = None if everywhere else principal.organization_id
        rows = await repository.list_notices(connection, organization_id, after, limit + 1)
        page, following = cut(rows, limit)
        now = self._clock.now()
        return DeferralList(items=[view_of(row, now) for row in page], next=following)

    async def list_totals(self, connection: Connection) -> TotalList:
        """What everybody may know: how often, in which scenarios."""
        totals = await repository.list_totals(connection, self._clock.now())
        return TotalList(items=[self._named(total) for total in totals])

    async def _get(self, connection: Connection, notice_id: UUID) -> DeferredNotice:
        notice = await repository.find_notice(connection, notice_id)
        if notice is None:
            raise DeferralUnknown
        return notice

    def _named(self, total: Total) -> TotalView:
        scenario = self._scenarios.find(total.scenario)
        return TotalView(
            year=total.year,
            scenario=ScenarioName(number=total.scenario, names=scenario.names if scenario else NO_LONGER_LISTED),
            approved=total.approved,
            refused=total.refused,
            in_force=total.in_force,
        )

    async def _record(self, connection: Connection, principal: Principal, action: str, notice: DeferredNotice) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"scanner:{notice.scanner_id}",
            detail={"deferral": str(notice.id), "scenario": notice.scenario, "legal_basis": notice.legal_basis},
        )


def _may_see(principal: Principal, notice: DeferredNotice) -> bool:
    return not CITY_WIDE.isdisjoint(principal.roles) or principal.organization_id == notice.organization_id
