"""Who came to an enterprise, why, and what was asked: the list that the enterprise itself reads.

Checks that went without a task stand in a list of their own as well, for those who watch over officers.
"""

from collections.abc import Iterable
from uuid import UUID

from app.kit.database import Connection
from app.kit.listing import cut
from auth.principal import Principal
from codes.enterprise.checks import repository
from codes.enterprise.checks.models import (
    CheckRecord,
    CheckRecords,
    EmergencyCheck,
    EmergencyChecks,
    StoredRecord,
)
from codes.enterprise.enterprises.service import require_own
from codes.enterprise_ports import FindsOrganizations, NamesOfficials
from codes.scenarios.catalogue import Scenarios
from codes.scenarios.models import NO_LONGER_LISTED


class CheckHistory:
    """Reads the checks of an enterprise for those who act for it."""

    def __init__(
        self, organizations: FindsOrganizations, scenarios: Scenarios, officials: NamesOfficials | None
    ) -> None:
        self._organizations = organizations
        self._scenarios = scenarios
        self._officials = officials

    async def list_page(
        self, connection: Connection, principal: Principal, organization_id: UUID, *, after: UUID | None, limit: int
    ) -> CheckRecords:
        """A page, newest first; raises `NotThisOrganization`."""
        require_own(principal, organization_id)
        rows = await repository.list_checks(connection, organization_id, after, limit + 1)
        page, following = cut(rows, limit)
        departments = await self._names(connection, {row.department_id for row in page})
        officers = await self._officers(connection, {row.officer_id for row in page})
        records = [self._record_of(row, departments[row.department_id], officers[row.officer_id]) for row in page]
        return CheckRecords(items=records, next=following)

    async def list_emergencies(self, connection: Connection, *, after: UUID | None, limit: int) -> EmergencyChecks:
        """A page of the checks without a task, of the whole city, newest first."""
        rows = await repository.list_emergencies(connection, after, limit + 1)
        page, following = cut(rows, limit)
        names = await self._names(connection, {key for row in page for key in (row.department_id, row.organization_id)})
        checks = [
            EmergencyCheck(
                verification_id=row.id,
                at=row.checked_at,
                department=names[row.department_id],
                officer_id=row.officer_id,
                organization_name=names[row.organization_id],
                reason=row.emergency_reason or "",
            )
            for row in page
        ]
        return EmergencyChecks(items=checks, next=following)

    async def _names(self, connection: Connection, ids: Iterable[UUID]) -> dict[UUID, str]:
        return {key: (await self._organizations.get_organization(connection, key)).name for key in ids}

    async def _officers(self, connection: Connection, ids: Iterable[UUID]) -> dict[UUID, str]:
        if self._officials is None:
            return dict.fromkeys(ids, "")
        return {key: await self._officials.display_name(connection, key) for key in ids}

    def _record_of(self, row: StoredRecord, department: str, officer: str) -> CheckRecord:
        """An emergency has a reason in place of a purpose, and rests on nothing but the law of its scenario."""
        scenario = self._scenarios.find(row.scenario)
        legal_basis = scenario.legal_basis if scenario else NO_LONGER_LISTED
        return CheckRecord(
            verification_id=row.id,
            at=row.checked_at,
            department=department,
            officer=officer,
            scenario=row.scenario,
            scenario_names=scenario.names if scenario else NO_LONGER_LISTED,
            legal_basis=legal_basis,
            purpose=row.purpose or row.emergency_reason or "",
            authority=row.authority or legal_basis.zh,
            inspection_id=row.inspection_id,
            emergency=row.emergency_reason is not None,
            sources=row.sources or [],
        )
