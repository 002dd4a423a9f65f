"""联合检查: officers of invited departments join a task, each with a scenario, an authority and a list of their own."""

from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection
from auth.principal import Principal
from codes.enterprise.inspections import repository
from codes.enterprise.inspections.errors import AlreadyInTask, InspectionNotActive, InspectionUnknown
from codes.enterprise.inspections.models import (
    Inspection,
    InspectionView,
    Invitation,
    InvitationList,
    JoinInspection,
    Partner,
)
from codes.enterprise.inspections.records import record_deed
from codes.enterprise.inspections.service import department_of, require_checkable
from codes.enterprise.inspections.views import InspectionViews
from codes.enterprise.registers.catalogue import Registers
from codes.enterprise_ports import FindsOrganizations
from codes.scenarios.catalogue import Scenarios

MOST_INVITATIONS = 50


class JointInspections:
    """The tasks of other departments that one's own is invited to."""

    def __init__(
        self,
        *,
        organizations: FindsOrganizations,
        scenarios: Scenarios,
        registers: Registers,
        views: InspectionViews,
        clock: Clock,
    ) -> None:
        self._organizations = organizations
        self._scenarios = scenarios
        self._registers = registers
        self._views = views
        self._clock = clock

    async def join(
        self, connection: Connection, principal: Principal, inspection_id: UUID, request: JoinInspection
    ) -> InspectionView:
        """The officer's own part in somebody else's task.

        Raises `InspectionUnknown` unless the department is invited, `InspectionNotActive`, `AlreadyInTask`,
        `InspectionScenarioInvalid`, `ChecklistAsksForHeld`.
        """
        require_checkable(self._scenarios, request.scenario)
        self._registers.require_nothing_held(request.checklist)
        inspection = await self._get_inviting(connection, department_of(principal), inspection_id)
        leads = inspection.officer_id == principal.subject_id
        if leads or not await self._take_part(connection, principal, inspection, request):
            raise AlreadyInTask
        joined = await repository.find_inspection(connection, inspection_id, principal.subject_id)
        if joined is None:
            raise InspectionUnknown
        await record_deed(connection, principal, "inspection.joined", joined, self._clock.now())
        return await self._views.describe(connection, joined)

    async def list_invitations(self, connection: Connection, principal: Principal) -> InvitationList:
        """The joint tasks of this moment that wait for the officer's department, at most 50; or `DepartmentMissing`."""
        department_id, now = department_of(principal), self._clock.now()
        rows = await repository.list_inviting(connection, principal.subject_id, department_id, now, MOST_INVITATIONS)
        return InvitationList(items=[await self._invitation_of(connection, row) for row in rows])

    async def _get_inviting(self, connection: Connection, department_id: UUID, inspection_id: UUID) -> Inspection:
        """A task that goes on and invites this department; it stays open until the caller's transaction ends."""
        await repository.lock_open(connection, inspection_id)
        inspection = await repository.find_any_inspection(connection, inspection_id)
        if inspection is None or department_id not in inspection.invited:
            raise InspectionUnknown
        if not inspection.is_active(self._clock.now()):
            raise InspectionNotActive
        return inspection

    async def _take_part(
        self, connection: Connection, principal: Principal, inspection: Inspection, request: JoinInspection
    ) -> bool:
        partner = Partner(
            inspection_id=inspection.id,
            officer_id=principal.subject_id,
            department_id=department_of(principal),
            scenario=request.scenario,
            authority=request.authority,
            checklist=request.checklist,
            joined_at=self._clock.now(),
        )
        return await repository.insert_partner(connection, partner)

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
