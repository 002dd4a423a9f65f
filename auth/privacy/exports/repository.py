"""Rows of exports."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.privacy.exports.models import Export

COLUMNS: Final = "id, person_id, state, requested_at, ready_at, expires_at"

INSERT_EXPORT = """
insert into auth.export (id, person_id, state, requested_at) values ($1, $2, $3, $4)
on conflict (person_id) where state = 'pending' do nothing
returning true
"""


async def insert_export(connection: Connection, export: Export) -> bool:
    """A new one; False while another waits."""
    row = (export.id, export.person_id, export.state, export.requested_at)
    return bool(await connection.fetchval(INSERT_EXPORT, *row))


FIND_PENDING_LOCKED = f"""
select {COLUMNS} from auth.export where id = $1 and state = 'pending' for update
"""  # noqa: S608 - constants of this module


async def find_pending_locked(connection: Connection, export_id: UUID) -> Export | None:
    """The export while it waits; of two workers with the same message one finds it."""
    row = await connection.fetchrow(FIND_PENDING_LOCKED, export_id)
    return convert(row, Export) if row else None


MARK_READY = """
update auth.export set state = 'ready', file_sealed = $2, ready_at = $3, expires_at = $4 where id = $1
"""


async def mark_ready(
    connection: Connection, export_id: UUID, file_sealed: bytes, *, now: datetime, until: datetime
) -> None:
    """The file is there."""
    await connection.execute(MARK_READY, export_id, file_sealed, now, until)


FIND_FILE = """
select file_sealed from auth.export where id = $1 and person_id = $2 and state = 'ready' and expires_at > $3
"""


async def find_file(connection: Connection, export_id: UUID, person_id: UUID, now: datetime) -> bytes | None:
    """The person's own file while it is kept."""
    found: bytes | None = await connection.fetchval(FIND_FILE, export_id, person_id, now)
    return found


FIND_EXPORT = f"select {COLUMNS} from auth.export where id = $1 and person_id = $2"  # noqa: S608 - constants


async def find_export(connection: Connection, export_id: UUID, person_id: UUID) -> Export | None:
    """The person's own export."""
    row = await connection.fetchrow(FIND_EXPORT, export_id, person_id)
    return convert(row, Export) if row else None


LIST_EXPORTS = f"""
select {COLUMNS} from auth.export
 where person_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3
"""  # noqa: S608 - constants of this module


async def list_exports(connection: Connection, person_id: UUID, after: UUID | None, limit: int) -> list[Export]:
    """The person's exports, newest first."""
    return [convert(row, Export) for row in await connection.fetch(LIST_EXPORTS, person_id, after, limit)]


MARK_EXPIRED = "update auth.export set state = 'expired', file_sealed = null where state = 'ready' and expires_at <= $1"


async def mark_expired(connection: Connection, now: datetime) -> None:
    """Deletes files whose week is over."""
    await connection.execute(MARK_EXPIRED, now)


MARK_FAILED = "update auth.export set state = 'failed' where state = 'pending' and requested_at < $1"


async def mark_failed(connection: Connection, before: datetime) -> None:
    """Gives up on what could not be made, so that the person may ask anew."""
    await connection.execute(MARK_FAILED, before)


DELETE_EXPORTS = "delete from auth.export where person_id = $1"


async def delete_exports(connection: Connection, person_id: UUID) -> None:
    """All of a person."""
    await connection.execute(DELETE_EXPORTS, person_id)
