"""Rows of acts. They are added and read, never changed."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.acts.models import Act

INSERT_ACT = """
insert into auth.act (id, principal_type, principal_id, agent_id, mandate_id, kind, detail, at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def insert_act(connection: Connection, act: Act) -> None:
    """A new act."""
    await connection.execute(
        INSERT_ACT,
        act.id,
        act.principal_type,
        act.principal_id,
        act.agent_id,
        act.mandate_id,
        act.kind,
        act.detail,
        act.at,
    )


HAS_SINCE = "select exists (select from auth.act where mandate_id = $1 and kind = $2 and at > $3)"


async def has_since(connection: Connection, mandate_id: UUID, kind: str, since: datetime) -> bool:
    """Whether something of this kind was done by this mandate after `since`."""
    return bool(await connection.fetchval(HAS_SINCE, mandate_id, kind, since))


HAS_LIKE = """
select exists (select from auth.act where mandate_id = $1 and kind = $2 and at > $4 and detail = $3)
"""


async def has_like(
    connection: Connection, mandate_id: UUID, kind: str, detail: dict[str, str], since: datetime
) -> bool:
    """Whether exactly this was done by this mandate after `since`."""
    return bool(await connection.fetchval(HAS_LIKE, mandate_id, kind, detail, since))


LIST_ACTS = """
select id, principal_type, principal_id, agent_id, mandate_id, kind, detail, at
  from auth.act
 where principal_id = $1 and ($2::uuid is null or id < $2)
 order by id desc limit $3
"""


async def list_acts(connection: Connection, principal_id: UUID, after: UUID | None, limit: int) -> list[Act]:
    """What was done in this principal's name, newest first."""
    return [convert(row, Act) for row in await connection.fetch(LIST_ACTS, principal_id, after, limit)]
