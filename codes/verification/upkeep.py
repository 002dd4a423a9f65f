"""Keeps the table of scans in shape: a partition a day made ahead, old days dropped whole, sealed answers forgotten.

Scans of a day that had no partition yet lie in the catch-all one; they move when their day is made, or end with it.
"""

from datetime import UTC, date, datetime, time, timedelta

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from codes.verification import repository

DAYS_AHEAD = 3
ANSWERS_STAY = timedelta(hours=24)
LOOK_BACK = timedelta(days=4)

TRY_LOCK = "select pg_try_advisory_xact_lock(hashtext('codes.verification.upkeep'))"

LIST_PARTITIONS = """
select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
 where i.inhparent = 'codes.verification'::regclass
"""

# Whoever scans or reads begins at the parent, so whoever has it alone meets nobody further in.
LOCK_PARENT = "lock table only codes.verification in access exclusive mode"

MOVE_STRAYS = """
with moved as (delete from codes.verification_other where iat >= $1 and iat < $2 returning *)
insert into codes.{name} select * from moved
"""

DELETE_OLD_STRAYS = "delete from codes.verification_other where iat < $1"


class Upkeep:
    """A periodic job; one worker at a time does it."""

    def __init__(self, database: Database, clock: Clock, *, keep_days: int) -> None:
        self._database = database
        self._clock = clock
        self._keep_days = keep_days

    async def run(self) -> None:
        """Makes the coming days' partitions, drops those whose time is over, forgets strays and answers."""
        now = self._clock.now()
        oldest = now.date() - timedelta(days=self._keep_days)
        async with self._database.transaction() as connection:
            if not await connection.fetchval(TRY_LOCK):
                return
            await _make_and_drop(connection, now.date(), oldest)
            await connection.execute(DELETE_OLD_STRAYS, _midnight(oldest))
            await repository.mark_answers_forgotten(connection, now - LOOK_BACK, now - ANSWERS_STAY)


def partition_name(day: date) -> str:
    """`verification_20260302`: sorts by day."""
    return f"verification_{day:%Y%m%d}"


async def _make_and_drop(connection: Connection, today: date, oldest: date) -> None:
    present = {row["name"] for row in await connection.fetch(LIST_PARTITIONS)}
    coming = [today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)]
    missing = [day for day in coming if partition_name(day) not in present]
    over = sorted(name for name in present if _is_of_a_day(name) and name < partition_name(oldest))
    if missing or over:
        await connection.execute(LOCK_PARENT)
    for day in missing:
        await _make_day(connection, day)
    for name in over:
        await connection.execute(f"drop table codes.{name}")


async def _make_day(connection: Connection, day: date) -> None:
    """Takes in the scans of that day which lie in the catch-all partition; beside them it could not be attached."""
    name, begin, end = partition_name(day), _midnight(day), _midnight(day + timedelta(days=1))
    await connection.execute(f"create table codes.{name} (like codes.verification including all)")
    await connection.execute(MOVE_STRAYS.format(name=name), begin, end)
    await connection.execute(
        f"alter table codes.verification attach partition codes.{name} for values from ('{begin}') to ('{end}')"
    )


def _is_of_a_day(name: str) -> bool:
    return name.removeprefix("verification_").isdecimal()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
