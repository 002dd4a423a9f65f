"""The audit row of everything that is done to a task; it goes into the caller's transaction."""

from datetime import datetime

from app.kit import audit
from app.kit.database import Connection
from auth.principal import Principal
from codes.enterprise.inspections.models import Inspection


async def record_deed(
    connection: Connection, principal: Principal, action: str, inspection: Inspection, now: datetime
) -> None:
    """Who did what to a task of which enterprise."""
    await audit.record(
        connection,
        clock_now=now,
        actor=principal.actor,
        action=action,
        subject=f"organization:{inspection.organization_id}",
        detail={"inspection": str(inspection.id), "scenario": inspection.scenario},
    )
