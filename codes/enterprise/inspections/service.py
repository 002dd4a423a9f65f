"""Opens and closes inspection tasks. Opening one asks nobody anything; it is what a later check rests on."""

from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.listing import cut
from auth.principal import Principal
from codes.enterprise.inspections import repository
from codes.enterprise.inspections.errors import (
    DepartmentMissing,
    InspectionScenarioInvalid,
    InspectionTargetInvalid,
    InspectionUnknown,
    InvitedDepartmentInvalid,
)
from codes.enterprise.inspections.models import CreateInspection, Inspection, InspectionList, InspectionView
from codes.enterprise.inspections.ports import EndsCodes
from codes.enterprise.inspections.records import record_deed
from codes.enterprise.inspections.views import InspectionViews
from codes.enterprise.registers.catalogue import Registers
from codes.enterprise_ports import FindsOrganizations, KnownOrganization
from codes.scenarios.catalogue import Scenarios


class Inspections:
    """The tasks of officers; each officer sees those that they lead or have joined, and closes those that they lead."""

    def __init__(
        self,
        *,
        organizations: FindsOrganizations,
        scenarios: Scenarios,
        registers: Registers,
        views: InspectionViews,
        codes: EndsCodes,
        clock: Clock,
    ) -> None:
        self._organizations = organizations
        self._scenarios = scenarios
        self._registers = registers
        self._views = views
        self._codes = codes
        self._clock = clock

    async def open(self, connection: Connection, principal: Principal, request: CreateInspection) -> InspectionView:
        """A task that begins now.

        Raises `InspectionScenarioInvalid`, `InspectionTargetInvalid`, `DepartmentMissing`, `InvitedDepartmentInvalid`,
        and `ChecklistAsksForHeld` for a checklist that asks the enterprise for what the city holds.
        """
        require_checkable(self._scenarios, request.scenario)
        department_id = department_of(principal)
        self._registers.require_nothing_held(request.checklist)
        await self._require_invitable(connection, department_id, request.departments)
        organization = await self._find_target(connection, request)
        now = self._clock.now()
        inspection = Inspection(
            id=new_id(),
            organization_id=organization.id,
            scenario=request.scenario,
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
        await record_deed(connection, principal, "inspection.opened", inspection, now)
        return self._views.view_of(inspection, organization)

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
            await record_deed(connection, principal, "inspection.closed", inspection, self._clock.now())
        return await self._views.describe(connection, inspection)

    async def get(self, connection: Connection, principal: Principal, inspection_id: UUID) -> InspectionView:
        """One of the officer's tasks; raises `InspectionUnknown`."""
        inspection = await repository.find_inspection(connection, inspection_id, principal.subject_id)
        if inspection is None:
            raise InspectionUnknown
        return await self._views.describe(connection, inspection)

    async def list_page(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> InspectionList:
        """A page of the officer's tasks."""
        rows = await repository.list_inspections(connection, principal.subject_id, after, limit + 1)
        page, following = cut(rows, limit)
        views = [await self._views.describe(connection, row) for row in page]
        return InspectionList(items=views, next=following)

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


def department_of(principal: Principal) -> UUID:
    """The department in whose name the officer acts; raises `DepartmentMissing`."""
    if principal.organization_id is None:
        raise DepartmentMissing
    return principal.organization_id


def require_checkable(scenarios: Scenarios, number: int) -> None:
    """An inspection is for a scenario in which registers are asked; raises `InspectionScenarioInvalid`."""
    scenario = scenarios.find(number)
    if scenario is None or not scenario.sources:
        raise InspectionScenarioInvalid
