"""Rows of recoveries that wait: one for each person at most."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.people.recoveries.models import Recovery

INSERT_RECOVERY = """
insert into auth.recovery (person_id, id, session_id, asked_at, due_at, expires_at) values ($1, $2, $3, $4, $5, $6)
"""


async def insert_recovery(connection: Connection, recovery: Recovery) -> None:
    """A new one; the caller holds the person and found none."""
    await connection.execute(
        INSERT_RECOVERY,
        recovery.person_id,
        recovery.id,
        recovery.session_id,
        recovery.asked_at,
        recovery.due_at,
        recovery.expires_at,
    )


FIND_RECOVERY = """
select id, person_id, session_id, asked_at, due_at, expires_at
  from auth.recovery where person_id = $1 and expires_at > $2
"""


async def find_recovery(connection: Connection, person_id: UUID, now: datetime) -> Recovery | None:
    """The one that waits for the person or may be used, if any."""
    row = await connection.fetchrow(FIND_RECOVERY, person_id, now)
    return convert(row, Recovery) if row else None


MARK_DUE = """
update auth.recovery set due_at = least(due_at, $3) where person_id = $1 and id = $2 and expires_at > $3 returning true
"""


async def mark_due(connection: Connection, person_id: UUID, recovery_id: UUID, now: datetime) -> bool:
    """The wait of this one is over now; False when there is none such."""
    return bool(await connection.fetchval(MARK_DUE, person_id, recovery_id, now))


DELETE_RECOVERY = """
delete from auth.recovery where person_id = $1 and id = coalesce($2, id)
returning id, person_id, session_id, asked_at, due_at, expires_at
"""


async def delete_recovery(connection: Connection, person_id: UUID, recovery_id: UUID | None = None) -> Recovery | None:
    """The person's one, by its id where that is named, is no more; None when there was none."""
    row = await connection.fetchrow(DELETE_RECOVERY, person_id, recovery_id)
    return convert(row, Recovery) if row else None


DELETE_EXPIRED = "delete from auth.recovery where expires_at <= $1"


async def delete_expired(connection: Connection, now: datetime) -> None:
    """Forgets what nobody used in time."""
    await connection.execute(DELETE_EXPIRED, now)
