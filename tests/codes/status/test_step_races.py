"""Steps while several workers take them and codes are revoked: each change shows exactly once, in one order."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from app.kit.database import Database
from app.kit.floor import Floor
from codes.status.models import Status, StatusPointer
from tests.codes.personal_city import City

WORKERS, ROUNDS, EACH = 4, 6, 5


@pytest.fixture
def workers(floor: Floor, race_database: Database) -> list[City]:
    """Several workers of one city, over a real pool."""
    return [City(dataclasses.replace(floor, database=race_database)) for _ in range(WORKERS)]


async def revoke(city: City, database: Database, first: int, *, pause: float = 0) -> None:
    places = [StatusPointer(shard=1, index=first + offset) for offset in range(EACH)]
    now = city.clock.now()
    async with database.transaction() as connection:
        await city.codes.statuses.revoke(connection, places, expires_at=now + timedelta(days=1), now=now)
        await asyncio.sleep(pause)


async def shown(database: Database) -> list[tuple[int, int]]:
    """Step and index of every change that belongs to a code of this test (decoys lie in even shards)."""
    async with database.acquire() as connection:
        rows = await connection.fetch("select number, index from codes.status_change where shard = 1 order by 1, 2")
        return [(row["number"], row["index"]) for row in rows]


async def test_every_change_shows_once_whoever_takes_the_step(workers: list[City], race_database: Database) -> None:
    async def revoke_some(which: int) -> None:
        for turn in range(ROUNDS):
            await revoke(workers[which], race_database, 1000 * which + 10 * turn)

    async def take_some(city: City) -> None:
        for _ in range(ROUNDS * 2):
            await city.codes.status_steps.take_when_due()

    await asyncio.gather(*(revoke_some(which) for which in range(WORKERS)), *(take_some(city) for city in workers))
    await workers[0].codes.status_steps.take_when_due()
    shifts = [1000 * which + 10 * turn for which in range(WORKERS) for turn in range(ROUNDS)]
    expected = sorted(shift + at for shift in shifts for at in range(EACH))
    assert sorted(index for _, index in await shown(race_database)) == expected
    async with race_database.acquire() as connection:
        numbers = [row[0] for row in await connection.fetch("select number from codes.status_step order by number")]
    assert numbers == list(range(1, len(numbers) + 1)), "no number is left out or taken twice"


async def test_what_commits_during_a_step_shows_in_the_next(workers: list[City], race_database: Database) -> None:
    slow = asyncio.create_task(revoke(workers[0], race_database, 0, pause=0.4))
    await asyncio.sleep(0.1)
    await revoke(workers[1], race_database, 100)
    await workers[1].codes.status_steps.take_when_due()
    assert {index for _, index in await shown(race_database)} == set(range(100, 105))
    await slow
    await workers[2].codes.status_steps.take_when_due()
    steps = dict.fromkeys(range(5), 2) | dict.fromkeys(range(100, 105), 1)
    assert {index: number for number, index in await shown(race_database)} == steps


async def test_one_place_never_changes_twice_in_a_step(workers: list[City], race_database: Database) -> None:
    """Suspended and restored by others while steps are taken: each step has one word, the last one is the truth."""
    city, place = workers[0], StatusPointer(shard=1, index=7)
    now = city.clock.now()
    end = now + timedelta(days=1)

    async def change(which: int) -> None:
        statuses = workers[which].codes.statuses
        for _ in range(ROUNDS):
            async with race_database.transaction() as connection:
                await statuses.suspend(connection, [place], expires_at=end, now=now)
            await workers[which].codes.status_steps.take_when_due()
            async with race_database.transaction() as connection:
                await statuses.restore(connection, place)

    await asyncio.gather(*(change(which) for which in range(WORKERS)))
    async with race_database.transaction() as connection:
        await city.codes.statuses.revoke(connection, [place], expires_at=end, now=now)
    await city.codes.status_steps.take_when_due()
    async with race_database.acquire() as connection:
        rows = await connection.fetch(
            "select number, status from codes.status_change where shard = 1 and index = 7 order by number"
        )
    numbers = [row["number"] for row in rows]
    assert len(set(numbers)) == len(numbers)
    assert rows[-1]["status"] == Status.INVALID
