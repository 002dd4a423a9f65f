"""Opens and closes inspection tasks, and lets invited departments join. It asks nobody anything; checks rest on it."""

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
    AlreadyInTask,
    DepartmentMissing,
    InspectionNotActive,
    InspectionScenarioInvalid,
    InspectionTargetInvalid,
    InspectionUnknown,
    InvitedDepartmentInvalid,
)
from codes.inspections.models import (
    CreateInspection,
    Inspection,
    InspectionList,
    InspectionView,
    Invitation,
    InvitationList,
    JoinInspection,
    Partner,
)
from codes.inspections.ports import EndsCodes
from codes.registers.catalogue import Registers
from codes.scenarios.catalogue import Scenarios
from codes.scenarios.models import Scenario

MOST_INVITATIONS = 50


class Inspections:
    """The tasks of officers; each officer sees those that they lead or have joined, and closes those that they lead."""

    def __init__(
        self,
        *,
        organizations: FindsOrganizations,
        scenarios: Scenarios,
        registers: Registers,
        codes: EndsCodes,
        clock: Clock,
    ) -> None:
        self._organizations = organizations
        self._scenarios = scenarios
        self._registers = registers
        self._codes = codes
        self._clock = clock

    async def open(self, connection: Connection, principal: Principal, request: CreateInspection) -> InspectionView:
        """A task that begins now.

        Raises `InspectionScenarioInvalid`, `InspectionTargetInvalid`, `DepartmentMissing`, `InvitedDepartmentInvalid`,
        and `ChecklistAsksForHeld` for a checklist that asks the enterprise for what the city holds.
        """
        scenario = self._get_scenario(request.scenario)
        department_id = department_of(principal)
        self._registers.require_nothing_held(request.checklist)
        await self._require_invitable(connection, department_id, request.departments)
        organization = await self._find_target(connection, request)
        now = self._clock.now()
        inspection = Inspection(
            id=new_id(),
            organization_id=organization.id,
            scenario=scenario.number,
            department_id=department_id,
            officer_id=principal.subject_id,
            purpose=request.purpose,
            authority=request.authority,
            state="active",
            created_at=now,
            starts_at=now,
            ends_at=now + request.life,
            checklist=request.checklist,
            invited=request.departments,
        )
        await repository.insert_inspection(connection, inspection)
        await self._record(connection, principal, "inspection.opened", inspection)
        return self._view_of(inspection, organization)

    async def join(
        self, connection: Connection, principal: Principal, inspection_id: UUID, request: JoinInspection
    ) -> InspectionView:
        """The officer's own part in somebody else's task, on an authority of their own department.

        Raises `InspectionUnknown` unless the department is invited, `InspectionNotActive`, `AlreadyInTask`,
        `InspectionScenarioInvalid`, `ChecklistAsksForHeld`.
        """
        scenario = self._get_scenario(request.scenario)
        department_id = department_of(principal)
        self._registers.require_nothing_held(request.checklist)
        await repository.lock_open(connection, inspection_id)
        inspection = await repository.find_any_inspection(connection, inspection_id)
        if inspection is None or department_id not in inspection.invited:
            raise InspectionUnknown
        now = self._clock.now()
        if not inspection.is_active(now):
            raise InspectionNotActive
        partner = Partner(
            inspection_id=inspection_id,
            officer_id=principal.subject_id,
            department_id=department_id,
            scenario=scenario.number,
            authority=request.authority,
            checklist=request.checklist,
            joined_at=now,
        )
        if inspection.officer_id == principal.subject_id or not await repository.insert_partner(connection, partner):
            raise AlreadyInTask
        joined = await self._get_own(connection, principal, inspection_id)
        await self._record(connection, principal, "inspection.joined", joined)
        return await self._describe(connection, joined)

    async def close(self, connection: Connection, principal: Principal, inspection_id: UUID) -> InspectionView:
        """Ends a task and its code before their time; no check rests on it any more.

        Raises `InspectionUnknown`, for a partner too: only who leads a task ends it.
        """
        closed = await repository.mark_closed(connection, inspection_id, principal.subject_id)
        inspection = await repository.find_any_inspection(connection, inspection_id)
        if inspection is None or inspection.officer_id != principal.subject_id:
            raise InspectionUnknown
        if closed:
            await self._codes.end(connection, principal, inspection)
            await self._record(connection, principal, "inspection.closed", inspection)
        return await self._describe(connection, inspection)

    async def get(self, connection: Connection, principal: Principal, inspection_id: UUID) -> InspectionView:
        """One of the officer's tasks; raises `InspectionUnknown`."""
        return await self._describe(connection, await self._get_own(connection, principal, inspection_id))

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

    async def list_invitations(self, connection: Connection, principal: Principal) -> InvitationList:
        """The joint tasks of this moment that wait for the officer's department, at most 50; or `DepartmentMissing`."""
        department_id, now = department_of(principal), self._clock.now()
        rows = await repository.list_inviting(connection, principal.subject_id, department_id, now, MOST_INVITATIONS)
        return InvitationList(items=[await self._invitation_of(connection, row) for row in rows])

    def _get_scenario(self, number: int) -> Scenario:
        scenario = self._scenarios.find(number)
        if scenario is None or not scenario.sources:
            raise InspectionScenarioInvalid
        return scenario

    async def _require_invitable(self, connection: Connection, own: UUID, invited: list[UUID]) -> None:
        if own in invited or len(set(invited)) != len(invited):
            raise InvitedDepartmentInvalid
        for department_id in invited:
            department = await self._organizations.get_organization(connection, department_id)
            if department.kind != "department" or department.status != "active":
                raise InvitedDepartmentInvalid

    async def _find_target(self, connection: Connection, request: CreateInspection) -> KnownOrganization:
        if (request.organization_id is None) == (request.credit_code is None):
            raise InspectionTargetInvalid
        if request.organization_id is not None:
            return await self._organizations.get_organization(connection, request.organization_id)
        found = await self._organizations.find_by_credit_code(connection, request.credit_code or "")
        if found is None:
            raise InspectionTargetInvalid
        return found

    async def _get_own(self, connection: Connection, principal: Principal, inspection_id: UUID) -> Inspection:
        inspection = await repository.find_inspection(connection, inspection_id, principal.subject_id)
        if inspection is None:
            raise InspectionUnknown
        return inspection

    async def _describe(self, connection: Connection, inspection: Inspection) -> InspectionView:
        organization = await self._organizations.get_organization(connection, inspection.organization_id)
        return self._view_of(inspection, organization)

    async def _invitation_of(self, connection: Connection, inspection: Inspection) -> Invitation:
        organization = await self._organizations.get_organization(connection, inspection.organization_id)
        lead = await self._organizations.get_organization(connection, inspection.department_id)
        return Invitation(
            id=inspection.id,
            organization_name=organization.name,
            lead_department=lead.name,
            purpose=inspection.purpose,
            starts_at=inspection.starts_at,
            ends_at=inspection.ends_at,
        )

    def _view_of(self, inspection: Inspection, organization: KnownOrganization) -> InspectionView:
        scenario = self._scenarios.find(inspection.scenario)
        return InspectionView(
            id=inspection.id,
            organization_id=organization.id,
            organization_name=organization.name,
            credit_code=organization.credit_code,
            scenario=inspection.scenario,
            purpose=inspection.purpose,
            authority=inspection.authority,
            state=inspection.state_at(self._clock.now()),
            starts_at=inspection.starts_at,
            ends_at=inspection.ends_at,
            joint=bool(inspection.invited),
            checklist=inspection.checklist,
            fetched=self._registers.list_unasked(scenario.sources if scenario else ()),
            arrival=inspection.way,
            arrived_at=inspection.arrived_at,
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


def department_of(principal: Principal) -> UUID:
    """The department in whose name the officer acts; raises `DepartmentMissing`."""
    if principal.organization_id is None:
        raise DepartmentMissing
    return principal.organization_id
