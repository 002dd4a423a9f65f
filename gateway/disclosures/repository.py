"""Rows of `gateway.disclosure`: written once, read by the citizen whom they are about."""

from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from gateway.disclosures.models import Disclosure

INSERT_DISCLOSURE = """
insert into gateway.disclosure
       (id, subject_id, agent_id, app_id, organization_id, scopes, fields, bases, disclosed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


async def insert_disclosure(connection: Connection, disclosure: Disclosure) -> None:
    """Remembers one disclosure."""
    await connection.execute(
        INSERT_DISCLOSURE,
        disclosure.id,
        disclosure.subject_id,
        disclosure.agent_id,
        disclosure.app_id,
        disclosure.organization_id,
        disclosure.scopes,
        disclosure.fields,
        disclosure.bases,
        disclosure.disclosed_at,
    )


LIST_DISCLOSURES = """
select id, subject_id, agent_id, app_id, organization_id, scopes, fields, bases, disclosed_at
  from gateway.disclosure
 where subject_id = $1 and ($2::uuid is null or id < $2)
 order by id desc
 limit $3
"""


async def list_disclosures(
    connection: Connection, subject_id: UUID, *, after: UUID | None, limit: int
) -> list[Disclosure]:
    """The subject's disclosures, newest first, older than `after`."""
    rows = await connection.fetch(LIST_DISCLOSURES, subject_id, after, limit)
    return [convert(row, Disclosure) for row in rows]
