"""Keeps the table of scans in shape: a partition a day made ahead, old days dropped whole, sealed answers forgotten."""

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

HAS_STRAY_ROWS = "select exists (select from codes.verification_other where iat >= $1 and iat < $2)"


class Upkeep:
    """A periodic job; one worker at a time does it."""

    def __init__(self, database: Database, clock: Clock, *, keep_days: int) -> None:
        self._database = database
        self._clock = clock
        self._keep_days = keep_days

    async def run(self) -> None:
        """Makes the coming days' partitions, drops those whose time is over, forgets answers."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            if not await connection.fetchval(TRY_LOCK):
                return
            present = {row["name"] for row in await connection.fetch(LIST_PARTITIONS)}
            for day in range(DAYS_AHEAD + 1):
                await _make_day(connection, (now + timedelta(days=day)).date(), present)
            await _drop_old_days(connection, now.date() - timedelta(days=self._keep_days), present)
            await repository.mark_answers_forgotten(connection, now - LOOK_BACK, now - ANSWERS_STAY)


def partition_name(day: date) -> str:
    """`verification_20260302`: sorts by day."""
    return f"verification_{day:%Y%m%d}"


async def _make_day(connection: Connection, day: date, present: set[str]) -> None:
    """A day whose scans already went to the catch-all partition stays there."""
    name = partition_name(day)
    begin = datetime.combine(day, time(), UTC)
    end = begin + timedelta(days=1)
    if name in present or await connection.fetchval(HAS_STRAY_ROWS, begin, end):
        return
    await connection.execute(
        f"create table codes.{name} partition of codes.verification for values from ('{begin}') to ('{end}')"
    )


async def _drop_old_days(connection: Connection, before: date, present: set[str]) -> None:
    oldest = partition_name(before)
    for name in sorted(present):
        if name.removeprefix("verification_").isdecimal() and name < oldest:
            await connection.execute(f"drop table codes.{name}")
