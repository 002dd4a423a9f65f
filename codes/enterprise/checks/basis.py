"""What a check may rest on: a task whose officers the enterprise has met, or an emergency with a reason.

A refusal is returned, not raised, so that the attempt can be written down.
"""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.errors import Forbidden
from app.kit.structs import Model
from auth.principal import Principal
from codes.enterprise.checks.errors import ArrivalRequired, InspectionTaskRequired, NotAnEmergency
from codes.enterprise.checks.models import EMERGENCY, CheckEnterprise
from codes.enterprise.inspections import repository as inspections
from codes.enterprise.inspections.errors import DepartmentMissing
from codes.scenarios.catalogue import Scenarios
from codes.scenarios.models import Scenario


class Basis(Model):
    """A task names the enterprise beforehand; an emergency names none."""

    department_id: UUID
    scenario: Scenario
    inspection_id: UUID | None = None
    organization_id: UUID | None = None
    emergency_reason: str | None = None


async def find_basis(
    connection: Connection, scenarios: Scenarios, principal: Principal, request: CheckEnterprise, now: datetime
) -> Basis | Forbidden:
    """The basis that the request names, or why there is none. A task stays open until the caller's transaction ends."""
    if request.inspection_id is None:
        return _emergency_of(scenarios, principal, request)
    await inspections.lock_open(connection, request.inspection_id)
    task = await inspections.find_inspection(connection, request.inspection_id, principal.subject_id)
    if task is None or not task.is_active(now) or task.scenario != request.scenario:
        return InspectionTaskRequired()
    if task.way is None:
        return ArrivalRequired()
    return Basis(
        department_id=task.department_id,
        scenario=scenarios.get(task.scenario),
        inspection_id=task.id,
        organization_id=task.organization_id,
    )


def _emergency_of(scenarios: Scenarios, principal: Principal, request: CheckEnterprise) -> Basis | Forbidden:
    if request.scenario != EMERGENCY:
        return NotAnEmergency()
    if principal.organization_id is None:
        return DepartmentMissing()
    return Basis(
        department_id=principal.organization_id,
        scenario=scenarios.get(EMERGENCY),
        emergency_reason=request.emergency_reason,
    )
