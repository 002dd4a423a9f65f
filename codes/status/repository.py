"""Rows of codes that are not valid, and the counters that places are drawn from."""

from collections.abc import Sequence
from datetime import datetime

from app.kit.database import Connection
from app.kit.structs import Model, convert
from codes.status.models import Status, StatusEntry, StatusPointer


class SlotsInUse(Model):
    """The first number of grant batches that still live, the last one drawn, and the last slot of static codes."""

    first_batch: int | None
    last_batch: int
    last_static: int | None


UPSERT_STATUS = """
with changed as (
  insert into codes.status_entry (shard, index, status, expires_at, changed_at)
  select shard, index, $3, $4, $5 from unnest($1::int[], $2::int[]) as pointers (shard, index)
  on conflict (shard, index) do update set status = excluded.status, changed_at = excluded.changed_at,
     expires_at = greatest(codes.status_entry.expires_at, excluded.expires_at)
   where codes.status_entry.status <> 1
  returning shard, index, status, changed_at, expires_at
)
insert into codes.status_history (shard, index, status, since, expires_at) select * from changed
"""


async def insert_status(
    connection: Connection, pointers: Sequence[StatusPointer], status: Status, expires_at: datetime, now: datetime
) -> None:
    """Marks codes as not valid, and since when; what is invalid stays so."""
    shards, indices = [pointer.shard for pointer in pointers], [pointer.index for pointer in pointers]
    await connection.execute(UPSERT_STATUS, shards, indices, int(status), expires_at, now)


MARK_RESTORED = """
with changed as (
  update codes.status_entry set status = 0, changed_at = $3 where shard = $1 and index = $2 and status = 2
  returning shard, index, status, changed_at, expires_at
)
insert into codes.status_history (shard, index, status, since, expires_at) select * from changed
"""


async def mark_restored(connection: Connection, pointer: StatusPointer, now: datetime) -> bool:
    """Makes a suspended code valid again; False when it was not suspended. The row goes with the next step."""
    return await connection.execute(MARK_RESTORED, pointer.shard, pointer.index, now) == "INSERT 0 1"


FIND_STATUS = "select status from codes.status_entry where shard = $1 and index = $2"


async def find_status(connection: Connection, pointer: StatusPointer) -> Status:
    """The status of one code: valid when there is no row."""
    return Status(await connection.fetchval(FIND_STATUS, pointer.shard, pointer.index) or Status.VALID)


FIND_STATUS_AT = """
select coalesce((select status from codes.status_history
                  where shard = $1 and index = $2 and since <= $3 order by number desc limit 1), 0)
 where exists (select from codes.status_history where shard = $1 and index = $2)
"""


async def find_status_at(connection: Connection, pointer: StatusPointer, moment: datetime) -> Status | None:
    """What the status of a code was at `moment`; None when it never changed."""
    status = await connection.fetchval(FIND_STATUS_AT, pointer.shard, pointer.index, moment)
    return None if status is None else Status(status)


LIST_SHOWN = """
select shard, index, shown as status from codes.status_entry where shard = $1 and shown <> 0 order by index
"""


async def list_shown(connection: Connection, shard: int) -> list[StatusEntry]:
    """Everything in a shard that the published list calls not valid."""
    return [convert(row, StatusEntry) for row in await connection.fetch(LIST_SHOWN, shard)]


DELETE_EXPIRED = "delete from codes.status_entry where expires_at < $1"
DELETE_EXPIRED_HISTORY = "delete from codes.status_history where expires_at < $1"


async def delete_expired(connection: Connection, before: datetime) -> None:
    """Forgets the status of codes that ended by themselves, now and ever."""
    await connection.execute(DELETE_EXPIRED, before)
    await connection.execute(DELETE_EXPIRED_HISTORY, before)


SELECT_IN_USE = """
select (select number from codes.grant_batch where expires_at > $1 order by expires_at limit 1) as first_batch,
       (select last_value from codes.grant_batch_number) as last_batch,
       (select case when is_called then last_value end from codes.static_slot) as last_static
"""


async def get_slots_in_use(connection: Connection, now: datetime) -> SlotsInUse:
    """How far both families reach."""
    row = await connection.fetchrow(SELECT_IN_USE, now)
    assert row is not None
    return convert(row, SlotsInUse)


NEXT_STATIC_SLOT = "select nextval('codes.static_slot')"


async def insert_static_slot(connection: Connection) -> int:
    """A slot that nobody had before; one that is not used is lost, which costs nothing."""
    slot: int = await connection.fetchval(NEXT_STATIC_SLOT)
    return slot
