"""Buckets in the database: one statement an asking, in a table that is not logged, for limits survive no crash."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from app.kit.database import Database
from gateway.limits.models import Ask, Grant
from gateway.limits.ports import StoreAway

TAKE: Final = """
with clock as (select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now_us),
     asked as (select * from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])
                           as asked (key, interval_us, burst, wanted) order by key)
insert into gateway.rate_bucket as bucket (key, arrival_us, asked_at_us, interval_us, burst, wanted, granted)
select key, now_us + least(wanted, burst) * interval_us, now_us, interval_us, burst, wanted, least(wanted, burst)
  from asked, clock
    on conflict (key) do update set
       (arrival_us, asked_at_us, interval_us, burst, wanted, granted) = (
         select start_us + given * excluded.interval_us, excluded.asked_at_us, excluded.interval_us, excluded.burst,
                excluded.wanted, given
           from (select greatest(bucket.arrival_us, excluded.asked_at_us) as start_us) as began,
                lateral (select greatest(0, least(excluded.wanted,
                           div(excluded.asked_at_us + excluded.burst * excluded.interval_us - start_us,
                               excluded.interval_us)))::bigint as given) as gave)
returning key, granted, greatest(0, arrival_us - asked_at_us - (burst - 1) * interval_us) as wait_us
"""

DELETE_FULL: Final = """
delete from gateway.rate_bucket where arrival_us < (extract(epoch from clock_timestamp()) * 1000000)::bigint
"""


class PostgresBuckets:
    """The store of a city without Valkey. The database's clock counts, so that nodes need not agree on theirs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, asks: Sequence[Ask]) -> list[Grant]:
        """As `Store.take`; in the order of keys, so that two workers never wait for each other."""
        columns = (
            [ask.key for ask in asks],
            [ask.limit.interval_us for ask in asks],
            [ask.limit.burst for ask in asks],
            [ask.wanted for ask in asks],
        )
        try:
            async with self._database.acquire() as connection:
                rows = {row["key"]: row for row in await connection.fetch(TAKE, *columns)}
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StoreAway from error
        return [_grant_of(rows[ask.key]) for ask in asks]

    async def forget(self) -> None:
        """Drops buckets that are full again; a periodic job."""
        async with self._database.acquire() as connection:
            await connection.execute(DELETE_FULL)


def _grant_of(row: asyncpg.Record) -> Grant:
    return Grant(granted=row["granted"], wait_seconds=0.0 if row["granted"] else row["wait_us"] / 1_000_000)
