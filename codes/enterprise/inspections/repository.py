"""The rows of inspection tasks, and of those who joined them."""

from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.database import Connection
from app.kit.structs import convert
from codes.enterprise.inspections.models import Inspection, Part, Partner

INSERT_INSPECTION = """
insert into codes.inspection
       (id, organization_id, scenario, department_id, officer_id, purpose, authority, state, created_at, starts_at,
        ends_at, checklist, invited)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
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
        msgspec.to_builtins(inspection.checklist),
        inspection.invited,
    )


# One officer's part ($1) in a task: the lead's stands in the task, a partner's beside it.
SELECT_INSPECTION = """
select i.id, i.organization_id, coalesce(p.scenario, i.scenario) as scenario,
       coalesce(p.department_id, i.department_id) as department_id, coalesce(p.officer_id, i.officer_id) as officer_id,
       i.purpose, coalesce(p.authority, i.authority) as authority, i.state, i.created_at, i.starts_at, i.ends_at,
       coalesce(p.checklist, i.checklist) as checklist, i.invited, a.way, a.arrived_at,
       a.reason as shown_because
  from codes.inspection i
  left join codes.inspection_partner p on p.inspection_id = i.id and p.officer_id = $1
  left join codes.inspection_arrival a on a.inspection_id = i.id
"""

FIND_INSPECTION = SELECT_INSPECTION + " where i.id = $2 and (i.officer_id = $1 or p.officer_id = $1)"


async def find_inspection(connection: Connection, inspection_id: UUID, officer_id: UUID) -> Inspection | None:
    """The task in whatever state, if the officer leads it or has joined it; else None."""
    row = await connection.fetchrow(FIND_INSPECTION, officer_id, inspection_id)
    return None if row is None else convert(row, Inspection)


# Of nobody in particular ($1 is null), so that the lead's part stands.
FIND_ANY = SELECT_INSPECTION + " where i.id = $2 and $1::uuid is null"


async def find_any_inspection(connection: Connection, inspection_id: UUID) -> Inspection | None:
    """The task as its lead has it, whoever asks, or None."""
    row = await connection.fetchrow(FIND_ANY, None, inspection_id)
    return None if row is None else convert(row, Inspection)


LOCK_OPEN = "select from codes.inspection where id = $1 for share"


async def lock_open(connection: Connection, inspection_id: UUID) -> None:
    """Keeps the task as it is until the caller's transaction ends: nobody closes it meanwhile."""
    await connection.execute(LOCK_OPEN, inspection_id)


LIST_INSPECTIONS = f"""
with mine (id) as (
  (select id from codes.inspection where officer_id = $1 and ($2::uuid is null or id < $2)
    order by id desc limit $3)
  union all
  (select inspection_id from codes.inspection_partner where officer_id = $1 and ($2::uuid is null or inspection_id < $2)
    order by inspection_id desc limit $3)
)
{SELECT_INSPECTION} where i.id in (select id from mine) order by i.id desc limit $3
"""  # noqa: S608 - constants


async def list_inspections(
    connection: Connection, officer_id: UUID, after: UUID | None, limit: int
) -> list[Inspection]:
    """A page of the tasks that an officer leads or has joined, newest first."""
    rows = await connection.fetch(LIST_INSPECTIONS, officer_id, after, limit)
    return [convert(row, Inspection) for row in rows]


LIST_INVITING = (
    SELECT_INSPECTION
    + """
 where i.invited @> array[$2::uuid] and i.state = 'active' and i.starts_at <= $3 and i.ends_at > $3
   and p.officer_id is null and i.officer_id <> $1
 order by i.id desc limit $4
"""
)


async def list_inviting(
    connection: Connection, officer_id: UUID, department_id: UUID, now: datetime, limit: int
) -> list[Inspection]:
    """The tasks of this moment to which the department is invited and that the officer has not joined."""
    rows = await connection.fetch(LIST_INVITING, officer_id, department_id, now, limit)
    return [convert(row, Inspection) for row in rows]


MARK_CLOSED = "update codes.inspection set state = 'closed' where id = $1 and officer_id = $2 and state = 'active'"


async def mark_closed(connection: Connection, inspection_id: UUID, officer_id: UUID) -> bool:
    """Whether this call closed the task; only its lead can."""
    return await connection.execute(MARK_CLOSED, inspection_id, officer_id) == "UPDATE 1"


INSERT_PARTNER = """
insert into codes.inspection_partner
       (inspection_id, officer_id, department_id, scenario, authority, checklist, joined_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (inspection_id, officer_id) do nothing
"""


async def insert_partner(connection: Connection, partner: Partner) -> bool:
    """Whether the officer joined by this call; False when they had joined before."""
    status = await connection.execute(
        INSERT_PARTNER,
        partner.inspection_id,
        partner.officer_id,
        partner.department_id,
        partner.scenario,
        partner.authority,
        msgspec.to_builtins(partner.checklist),
        partner.joined_at,
    )
    return status == "INSERT 0 1"


LIST_PARTS = """
select officer_id, department_id, scenario, authority, checklist, created_at as since
  from codes.inspection where id = $1
 union all
select officer_id, department_id, scenario, authority, checklist, joined_at
  from codes.inspection_partner where inspection_id = $1
 order by since
"""


async def list_parts(connection: Connection, inspection_id: UUID) -> list[Part]:
    """Every officer's part in a task, the lead's first."""
    rows = await connection.fetch(LIST_PARTS, inspection_id)
    return [convert(row, Part) for row in rows]


LIST_ARRIVED = (
    SELECT_INSPECTION
    + """
 where a.organization_id = $2 and $1::uuid is null and ($3::uuid is null or a.inspection_id < $3)
 order by a.inspection_id desc limit $4
"""
)


async def list_arrived(
    connection: Connection, organization_id: UUID, after: UUID | None, limit: int
) -> list[Inspection]:
    """A page of the tasks that an enterprise has met, newest first, each as its lead has it."""
    rows = await connection.fetch(LIST_ARRIVED, None, organization_id, after, limit)
    return [convert(row, Inspection) for row in rows]
