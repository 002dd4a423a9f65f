"""The rows of inspection tasks."""

from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from codes.inspections.models import Inspection

INSERT_INSPECTION = """
insert into codes.inspection
       (id, organization_id, scenario, department_id, officer_id, purpose, authority, state, created_at, starts_at,
        ends_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""


async def insert_inspection(connection: Connection, inspection: Inspection) -> None:
    """Adds a task."""
    await connection.execute(
        INSERT_INSPECTION,
        inspection.id,
        inspection.organization_id,
        inspection.scenario,
        inspection.department_id,
        inspection.officer_id,
        inspection.purpose,
        inspection.authority,
        inspection.state,
        inspection.created_at,
        inspection.starts_at,
        inspection.ends_at,
    )


SELECT_INSPECTION = """
select id, organization_id, scenario, department_id, officer_id, purpose, authority, state, created_at, starts_at,
       ends_at
  from codes.inspection
"""

FIND_INSPECTION = SELECT_INSPECTION + " where id = $1 and officer_id = $2"


async def find_inspection(connection: Connection, inspection_id: UUID, officer_id: UUID) -> Inspection | None:
    """The officer's own task in whatever state, or None."""
    row = await connection.fetchrow(FIND_INSPECTION, inspection_id, officer_id)
    return None if row is None else convert(row, Inspection)


LIST_INSPECTIONS = (
    SELECT_INSPECTION + " where officer_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3"
)


async def list_inspections(
    connection: Connection, officer_id: UUID, after: UUID | None, limit: int
) -> list[Inspection]:
    """A page of an officer's tasks, newest first."""
    rows = await connection.fetch(LIST_INSPECTIONS, officer_id, after, limit)
    return [convert(row, Inspection) for row in rows]


MARK_CLOSED = "update codes.inspection set state = 'closed' where id = $1 and officer_id = $2 and state = 'active'"


async def mark_closed(connection: Connection, inspection_id: UUID, officer_id: UUID) -> bool:
    """Whether this call closed the task."""
    return await connection.execute(MARK_CLOSED, inspection_id, officer_id) == "UPDATE 1"
