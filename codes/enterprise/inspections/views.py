"""Tasks as their officers read them: with the enterprise's name, and what the city fetches by itself."""

from app.kit.clock import Clock
from app.kit.database import Connection
from codes.enterprise.inspections.models import Inspection, InspectionView
from codes.enterprise.registers.catalogue import Registers
from codes.enterprise_ports import FindsOrganizations, KnownOrganization
from codes.scenarios.catalogue import Scenarios


class InspectionViews:
    """Describes tasks."""

    def __init__(
        self, *, organizations: FindsOrganizations, scenarios: Scenarios, registers: Registers, clock: Clock
    ) -> None:
        self._organizations = organizations
        self._scenarios = scenarios
        self._registers = registers
        self._clock = clock

    async def describe(self, connection: Connection, inspection: Inspection) -> InspectionView:
        """The task, with its enterprise looked up."""
        organization = await self._organizations.get_organization(connection, inspection.organization_id)
        return self.view_of(inspection, organization)

    def view_of(self, inspection: Inspection, organization: KnownOrganization) -> InspectionView:
        """The task as it stands now."""
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
