"""Opens and closes inspection tasks. Opening one asks nobody anything; it is what a later check rests on."""

from typing import Any
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from auth.principal import Principal
from codes.enterprise_ports import FindsOrganizations, KnownOrganization
from codes.inspections import repository
from codes.inspections.errors import (
    DepartmentMissing,
    InspectionScenarioInvalid,
    InspectionTargetInvalid,
    InspectionUnknown,
)
from codes.inspections.models import CreateInspection, Inspection, InspectionList, InspectionView
from codes.scenarios.catalogue import Scenarios


class Inspections:
    """The tasks of officers; each officer sees and closes their own."""

    def __init__(self, organizations: FindsOrganizations, scenarios: Scenarios, clock: Clock) -> None:
        self._organizations = organizations
        self._scenarios = scenarios
        self._clock = clock

    async def open(self, connection: Connection, principal: Principal, request: CreateInspection) -> InspectionView:
        """A task that begins now.

        Raises `InspectionScenarioInvalid`, `InspectionTargetInvalid`, `DepartmentMissing`.
        """
        scenario = self._scenarios.find(request.scenario)
        if scenario is None or not scenario.sources:
            raise InspectionScenarioInvalid
        if principal.organization_id is None:
            raise DepartmentMissing
        organization = await self._find_target(connection, request)
        now = self._clock.now()
        inspection = Inspection(
            id=new_id(),
            organization_id=organization.id,
            scenario=scenario.number,
            department_id=principal.organization_id,
            officer_id=principal.subject_id,
            purpose=request.purpose,
            authority=request.authority,
            state="active",
            created_at=now,
            starts_at=now,
            ends_at=now + request.life,
        )
        await repository.insert_inspection(connection, inspection)
        await self._record(connection, principal, "inspection.opened", inspection)
        return self._view_of(inspection, organization)

    async def close(self, connection: Connection, principal: Principal, inspection_id: UUID) -> InspectionView:
        """Ends a task before its time; no check rests on it any more. Raises `InspectionUnknown`."""
        closed = await repository.mark_closed(connection, inspection_id, principal.subject_id)
        inspection = await repository.find_inspection(connection, inspection_id, principal.subject_id)
        if inspection is None:
            raise InspectionUnknown
        if closed:
            await self._record(connection, principal, "inspection.closed", inspection)
        return await self._describe(connection, inspection)

    async def list_page(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> InspectionList:
        """A page of the officer's tasks."""
        rows = await repository.list_inspections(connection, principal.subject_id, after, limit + 1)
        more = len(rows) > limit
        return InspectionList(
            items=[await self._describe(connection, row) for row in rows[:limit]],
            next=rows[limit - 1].id if more else None,
        )

    async def _find_target(self, connection: Connection, request: CreateInspection) -> KnownOrganization:
        if (request.organization_id is None) == (request.credit_code is None):
            raise InspectionTargetInvalid
        if request.organization_id is not None:
            return await self._organizations.get_organization(connection, request.organization_id)
        found = await self._organizations.find_by_credit_code(connection, request.credit_code or "")
        if found is None:
            raise InspectionTargetInvalid
        return found

    async def _describe(self, connection: Connection, inspection: Inspection) -> InspectionView:
        organization = await self._organizations.get_organization(connection, inspection.organization_id)
        return self._view_of(inspection, organization)

    def _view_of(self, inspection: Inspection, organization: KnownOrganization) -> InspectionView:
        ended = inspection.state == "active" and not inspection.is_active(self._clock.now())
        return InspectionView(
            id=inspection.id,
            organization_id=organization.id,
            organization_name=organization.name,
            credit_code=organization.credit_code,
            scenario=inspection.scenario,
            purpose=inspection.purpose,
            authority=inspection.authority,
            state="ended" if ended else inspection.state,
            starts_at=inspection.starts_at,
            ends_at=inspection.ends_at,
        )

    async def _record(self, connection: Connection, principal: Principal, action: str, inspection: Inspection) -> None:
        detail: dict[str, Any] = {"inspection": str(inspection.id), "scenario": inspection.scenario}
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"organization:{inspection.organization_id}",
            detail=detail,
        )
