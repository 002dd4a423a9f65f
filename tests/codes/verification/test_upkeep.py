"""The table of scans keeps its shape also after days on which nobody made its partitions."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.ids import new_id
from codes.verification.upkeep import Upkeep

INSERT = """
insert into codes.verification
       (id, iat, guard_cti, verified_at, scanner_id, organization_id, scanned_by, scenario, basis, disclosed, withheld,
        verdict, reason)
values ($1, $2, $3, $2, $1, $1, '{}', 301, 'contract', '{}', '{}', 'ACCEPT', 'OK')
on conflict (guard_cti, iat) do nothing
returning true
"""
KEEP_DAYS = 180


@pytest.fixture
def upkeep(race_database: Database, clock: ManualClock) -> Upkeep:
    return Upkeep(race_database, clock, keep_days=KEEP_DAYS)


@pytest.fixture
async def table(race_database: Database) -> AsyncIterator[Connection]:
    async with race_database.acquire() as connection:
        yield connection


async def insert(connection: Connection, iat: datetime, cti: bytes = b"") -> bool:
    return bool(await connection.fetchval(INSERT, new_id(), iat, cti or new_id().bytes))


async def where(connection: Connection) -> list[str]:
    rows = await connection.fetch("select tableoid::regclass::text as name from codes.verification order by iat")
    return [row["name"].removeprefix("codes.") for row in rows]


async def test_a_day_whose_scans_went_astray_gets_its_partition_with_them(
    upkeep: Upkeep, table: Connection, clock: ManualClock
) -> None:
    cti = new_id().bytes
    await insert(table, clock.now(), cti)
    await insert(table, clock.now() + timedelta(days=2))
    assert await where(table) == ["verification_other"] * 2
    await upkeep.run()
    assert await where(table) == ["verification_20260302", "verification_20260304"]
    assert not await insert(table, clock.now(), cti), "the guard against replays went with its row"
    assert await insert(table, clock.now())
    assert await where(table) == ["verification_20260302", "verification_20260302", "verification_20260304"]


async def test_partitions_are_of_one_shape(upkeep: Upkeep, table: Connection, clock: ManualClock) -> None:
    await insert(table, clock.now())
    await upkeep.run()
    shape = """
    select contype, pg_get_constraintdef(oid) as definition from pg_constraint
     where conrelid = $1::text::regclass and contype <> 'n' order by 1, 2
    """
    of_other, of_day = [
        await table.fetch(shape, f"codes.verification_{name}") for name in ("other", clock.now().strftime("%Y%m%d"))
    ]
    assert of_day == of_other
    indexes = "select count(*) from pg_index where indrelid = $1::text::regclass"
    assert await table.fetchval(indexes, "codes.verification_20260302") == await table.fetchval(
        indexes, "codes.verification_other"
    )


async def test_strays_end_with_their_time(upkeep: Upkeep, table: Connection, clock: ManualClock) -> None:
    midnight = clock.now().replace(hour=0)
    await insert(table, midnight - timedelta(days=KEEP_DAYS, microseconds=1))
    await insert(table, midnight - timedelta(days=KEEP_DAYS))
    await insert(table, midnight - timedelta(days=1))
    await upkeep.run()
    assert await where(table) == ["verification_other"] * 2
    clock.advance(86400)
    await upkeep.run()
    assert await where(table) == ["verification_other"]


async def test_scans_and_upkeep_at_once_lose_nothing(
    upkeep: Upkeep, race_database: Database, table: Connection, clock: ManualClock
) -> None:
    async def scan(number: int) -> None:
        async with race_database.transaction() as connection:
            await connection.fetch("select id from codes.verification where subject_id = $1", new_id())
            assert await insert(connection, clock.now() + timedelta(days=number % 4))
            await asyncio.sleep(0.01)

    async def keep() -> None:
        await asyncio.sleep(0.02)
        await upkeep.run()

    await asyncio.gather(*(scan(number) for number in range(60)), keep(), keep())
    found = await where(table)
    assert len(found) == 60
    assert "verification_other" not in found
