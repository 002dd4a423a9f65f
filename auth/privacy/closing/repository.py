"""Rows of closings."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.privacy.closing.models import Closing

COLUMNS: Final = "id, person_id, state, requested_at, due_at, ended_at"

INSERT_CLOSING = """
insert into auth.closing (id, person_id, state, requested_at, due_at) values ($1, $2, $3, $4, $5)
on conflict (person_id) where state in ('cooling', 'blocked') do nothing
returning true
"""


async def insert_closing(connection: Connection, closing: Closing) -> bool:
    """A new one; False while another is open."""
    row = (closing.id, closing.person_id, closing.state, closing.requested_at, closing.due_at)
    return bool(await connection.fetchval(INSERT_CLOSING, *row))


FIND_LATEST = f"select {COLUMNS} from auth.closing where person_id = $1 order by id desc limit 1"  # noqa: S608 - constants


async def find_latest(connection: Connection, person_id: UUID) -> Closing | None:
    """The person's last closing, whatever became of it."""
    row = await connection.fetchrow(FIND_LATEST, person_id)
    return convert(row, Closing) if row else None


MARK_CANCELLED = f"""
update auth.closing set state = 'cancelled', ended_at = $2
 where person_id = $1 and state in ('cooling', 'blocked')
returning {COLUMNS}
"""  # noqa: S608 - constants of this module


async def mark_cancelled(connection: Connection, person_id: UUID, now: datetime) -> Closing | None:
    """Calls it off; None when none is open. Waits for a worker that is closing the account, and then finds none."""
    row = await connection.fetchrow(MARK_CANCELLED, person_id, now)
    return convert(row, Closing) if row else None


LIST_DUE_IDS = """
select id from auth.closing where state in ('cooling', 'blocked') and due_at <= $1 order by due_at limit 100
"""


async def list_due_ids(connection: Connection, now: datetime) -> list[UUID]:
    """Those whose day has come."""
    return [row["id"] for row in await connection.fetch(LIST_DUE_IDS, now)]


FIND_DUE_LOCKED = f"""
select {COLUMNS} from auth.closing
 where id = $1 and state in ('cooling', 'blocked') and due_at <= $2
   for update skip locked
"""  # noqa: S608 - constants of this module


async def find_due_locked(connection: Connection, closing_id: UUID, now: datetime) -> Closing | None:
    """One of them, while no other worker has it."""
    row = await connection.fetchrow(FIND_DUE_LOCKED, closing_id, now)
    return convert(row, Closing) if row else None


MARK_BLOCKED = "update auth.closing set state = 'blocked', due_at = $2 where id = $1"


async def mark_blocked(connection: Connection, closing_id: UUID, again_at: datetime) -> None:
    """Something is open; it is looked at again then."""
    await connection.execute(MARK_BLOCKED, closing_id, again_at)


MARK_DONE = "update auth.closing set state = 'done', ended_at = $2 where id = $1"


async def mark_done(connection: Connection, closing_id: UUID, now: datetime) -> None:
    """The account is no more."""
    await connection.execute(MARK_DONE, closing_id, now)
