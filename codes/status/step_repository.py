"""Rows of steps: what became of the published lists when, and the places of nobody's that hide it."""

from collections.abc import Sequence
from datetime import datetime

from app.kit.database import Connection
from app.kit.structs import Model, convert
from codes.status.models import Status, StatusEntry, StatusPointer


class Change(Model):
    """A place whose published status changes in this step, and from which one."""

    shard: int
    index: int
    before: Status
    status: Status
    expires_at: datetime


LOCK_STEPS = "select pg_try_advisory_xact_lock(hashtext('codes.status_step'))"


async def lock_steps(connection: Connection) -> bool:
    """Whether the caller's transaction takes the next step; another worker does where not."""
    return bool(await connection.fetchval(LOCK_STEPS))


MARK_SHOWN = """
with due as (
  select shard, index, shown from codes.status_entry where status <> shown order by shard, index for update
)
update codes.status_entry e set shown = e.status from due
 where e.shard = due.shard and e.index = due.index
returning e.shard, e.index, due.shown as before, e.status, e.expires_at
"""


async def mark_shown(connection: Connection) -> list[Change]:
    """Lets the public lists follow the truth; what changed by that."""
    return [convert(row, Change) for row in await connection.fetch(MARK_SHOWN)]


DELETE_VALID = "delete from codes.status_entry where status = 0 and shown = 0"


async def delete_valid(connection: Connection) -> None:
    """A code that is valid needs no row."""
    await connection.execute(DELETE_VALID)


NEXT_BATCHES = "select nextval('codes.grant_batch_number') from generate_series(1, $1::int)"


async def insert_unused_batches(connection: Connection, count: int) -> list[int]:
    """Numbers of batches that nobody will ever be given."""
    return [row[0] for row in await connection.fetch(NEXT_BATCHES, count)]


LAST_RESERVED_AT = "select max(made_at) from codes.status_reserve"


async def find_last_reserved_at(connection: Connection) -> datetime | None:
    """When places were last set aside."""
    found: datetime | None = await connection.fetchval(LAST_RESERVED_AT)
    return found


INSERT_RESERVE = """
insert into codes.status_reserve (shard, index, made_at)
select shard, index, $3 from unnest($1::int[], $2::int[]) as pointers (shard, index)
"""


async def insert_reserve(connection: Connection, pointers: Sequence[StatusPointer], now: datetime) -> None:
    """Sets places aside that nobody has."""
    shards, indices = [pointer.shard for pointer in pointers], [pointer.index for pointer in pointers]
    await connection.execute(INSERT_RESERVE, shards, indices, now)


DELETE_RESERVE = "delete from codes.status_reserve where made_at < $1"


async def delete_reserve(connection: Connection, before: datetime) -> None:
    """Gives up places that lie where no code of today lies any more."""
    await connection.execute(DELETE_RESERVE, before)


TAKE_RESERVE = """
delete from codes.status_reserve
 where (shard, index) in (select shard, index from codes.status_reserve order by random() limit $1)
returning shard, index
"""


async def take_reserve(connection: Connection, count: int) -> list[StatusPointer]:
    """Up to `count` places out of the reserve, drawn at random."""
    return [convert(row, StatusPointer) for row in await connection.fetch(TAKE_RESERVE, count)]


TAKE_SUSPENDED_DECOYS = """
delete from codes.status_entry
 where (shard, index) in (
   select shard, index from codes.status_entry where decoy and status = 2 order by random() limit $1
 )
returning shard, index
"""


async def take_suspended_decoys(connection: Connection, count: int) -> list[StatusPointer]:
    """Up to `count` decoys that the lists call suspended; each is used up by the change that follows."""
    return [convert(row, StatusPointer) for row in await connection.fetch(TAKE_SUSPENDED_DECOYS, count)]


INSERT_DECOYS = """
insert into codes.status_entry (shard, index, status, shown, decoy, expires_at, changed_at)
select shard, index, status, status, true, expires_at, $5
  from unnest($1::int[], $2::int[], $3::int[], $4::timestamptz[]) as decoys (shard, index, status, expires_at)
"""


async def insert_decoys(connection: Connection, decoys: Sequence[Change], now: datetime) -> None:
    """Marks places of nobody's as the codes beside them are marked."""
    await connection.execute(
        INSERT_DECOYS,
        [decoy.shard for decoy in decoys],
        [decoy.index for decoy in decoys],
        [int(decoy.status) for decoy in decoys],
        [decoy.expires_at for decoy in decoys],
        now,
    )


INSERT_STEP = """
insert into codes.status_step (number, taken_at)
select coalesce(max(number), 0) + 1, $1 from codes.status_step
returning number
"""

INSERT_CHANGES = """
insert into codes.status_change (number, shard, index, status)
select $1, shard, index, status from unnest($2::int[], $3::int[], $4::int[]) as changes (shard, index, status)
"""


async def insert_step(connection: Connection, changes: Sequence[Change], now: datetime) -> int:
    """The number of the step that all of `changes` were published in; only under `lock_steps`."""
    number: int = await connection.fetchval(INSERT_STEP, now)
    await connection.execute(
        INSERT_CHANGES,
        number,
        [change.shard for change in changes],
        [change.index for change in changes],
        [int(change.status) for change in changes],
    )
    return number


SELECT_STEPS = "select coalesce(min(number), 0) as first, coalesce(max(number), 0) as last from codes.status_step"


class StepsKept(Model):
    """The numbers of the first and the last step whose changes are still known; 0 before any."""

    first: int
    last: int


async def get_steps(connection: Connection) -> StepsKept:
    """Which steps are kept."""
    row = await connection.fetchrow(SELECT_STEPS)
    assert row is not None
    return convert(row, StepsKept)


LIST_CHANGES = """
select distinct on (shard, index) shard, index, status
  from codes.status_change where number > $1 and number <= $2
 order by shard, index, number desc
"""


async def list_changes(connection: Connection, after: int, until: int) -> list[StatusEntry]:
    """The last status of every place that changed in steps `after`+1 to `until`."""
    return [convert(row, StatusEntry) for row in await connection.fetch(LIST_CHANGES, after, until)]


DELETE_OLD_STEPS = """
delete from codes.status_step where taken_at < $1 and number < (select max(number) from codes.status_step)
"""


async def delete_old_steps(connection: Connection, before: datetime) -> None:
    """Forgets steps that every verifier's lists contain by now; the last one stays, so that numbers only rise."""
    await connection.execute(DELETE_OLD_STEPS, before)
