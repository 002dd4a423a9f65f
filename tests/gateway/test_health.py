"""How releases fare: counted for each, written without counting twice, folded without losing any."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.ids import new_id
from gateway.health import KEPT_HOURS, KEPT_SINGLE, Outcome, ReleaseHealth
from miniapps.releases.health import Health

RELEASE, OTHER = UUID(int=1), UUID(int=2)


@pytest.fixture
def health(database: Database, clock: ManualClock) -> ReleaseHealth:
    return ReleaseHealth(database, clock)


async def read(connection: Connection, clock: ManualClock, *, hours: int = 24) -> dict[UUID, Health]:
    reader = ReleaseHealth(Database(""), clock)
    since = clock.now() - timedelta(hours=hours)
    return dict(await reader.read_health(connection, [RELEASE, OTHER], since=since))


async def test_every_outcome_counts_once_with_its_duration(
    connection: Connection, health: ReleaseHealth, clock: ManualClock
) -> None:
    outcomes: list[tuple[Outcome, float]] = [
        ("ok", 0.01),
        ("ok", 0.05),
        ("ok", 0.3),
        ("department_fault", 0.06),
        ("timeout", 5.0),
        ("bad_signature", 7.0),
    ]
    for outcome, seconds in outcomes:
        health.note(RELEASE, outcome, seconds)
    health.note(OTHER, "ok", 0.01)
    await health.write()
    found = await read(connection, clock)
    assert found[RELEASE] == Health(
        calls=6, faults=1, timeouts=1, bad_signatures=1, durations=(2, 1, 0, 1, 0, 0, 0, 1, 1)
    )
    assert found[OTHER].calls == 1


async def test_voices_are_counted_apart_and_add_up(
    connection: Connection, health: ReleaseHealth, clock: ManualClock
) -> None:
    outcomes: list[tuple[Outcome, int]] = [("ok", 1), ("department_fault", 2), ("department_fault", 2), ("ok", 0)]
    for outcome, voice in outcomes:
        health.note(RELEASE, outcome, 0.01, voice)
    health.note(OTHER, "timeout", 0.01, 2)
    await health.write()
    since = clock.now() - timedelta(hours=1)
    for _ in range(2):  # as they were written, and folded into an hour
        voices = await health.read_voices(connection, RELEASE, since=since)
        assert [(voice.calls, voice.faults) for voice in voices] == [(1, 0), (1, 0), (2, 2)]
        assert (await read(connection, clock))[RELEASE].calls == 4
        clock.advance(2 * KEPT_SINGLE.total_seconds())
        await health.fold()
    assert await connection.fetchval("select count(*) from gateway.release_health where span_seconds = 10") == 0


async def test_nothing_is_known_of_a_release_that_nobody_called(connection: Connection, clock: ManualClock) -> None:
    assert await read(connection, clock) == {}


async def test_writing_again_counts_nothing_twice(
    connection: Connection, health: ReleaseHealth, clock: ManualClock
) -> None:
    for _ in range(3):
        health.note(RELEASE, "ok", 0.01)
        await health.write()
        await health.write()
    assert (await read(connection, clock))[RELEASE].calls == 3


async def test_what_could_not_be_written_waits(
    connection: Connection, health: ReleaseHealth, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise ConnectionRefusedError

    health.note(RELEASE, "ok", 0.01)
    with monkeypatch.context() as patch:
        patch.setattr(health._database, "acquire", away)
        with pytest.raises(ConnectionRefusedError):
            await health.write()
        clock.advance(60)
        health.note(RELEASE, "timeout", 1)
    await health.write()
    assert (await read(connection, clock))[RELEASE].calls == 2


async def test_workers_add_up(connection: Connection, database: Database, clock: ManualClock) -> None:
    workers = [ReleaseHealth(database, clock) for _ in range(3)]
    for worker in workers:
        worker.note(RELEASE, "ok", 0.01)
        await worker.write()
    assert (await read(connection, clock))[RELEASE].calls == 3


async def test_a_span_ends_where_it_was_asked_to(
    connection: Connection, health: ReleaseHealth, clock: ManualClock
) -> None:
    outcomes: tuple[Outcome, ...] = ("timeout", "ok")
    for outcome in outcomes:
        health.note(RELEASE, outcome, 0.01)
        await health.write()
        clock.advance(60)
    since = clock.now() - timedelta(seconds=75)
    found = await health.read_health(connection, [RELEASE], since=since)
    assert (found[RELEASE].calls, found[RELEASE].timeouts) == (1, 0)


@pytest.mark.parametrize("ahead", [0.0, 0.5, 3.0, 9.9])
async def test_the_slot_in_which_a_span_begins_counts(
    connection: Connection, health: ReleaseHealth, clock: ManualClock, ahead: float
) -> None:
    """A release that begins in the middle of ten seconds, and fails at once, is seen to."""
    clock.advance(ahead)
    since = clock.now()
    health.note(RELEASE, "timeout", 0.01)
    await health.write()
    assert (await health.read_health(connection, [RELEASE], since=since))[RELEASE].timeouts == 1


async def test_memory_holds_the_present_alone(health: ReleaseHealth, clock: ManualClock) -> None:
    for _ in range(20):
        health.note(new_id(), "ok", 0.01)
        await health.write()
        clock.advance(10)
    await health.write()
    assert len(health._tallies) <= 1


async def test_folding_loses_nothing_and_leaves_little(
    connection: Connection, database: Database, clock: ManualClock
) -> None:
    workers = [ReleaseHealth(database, clock) for _ in range(2)]
    for _ in range(60):
        for worker in workers:
            worker.note(RELEASE, "department_fault", 0.3)
            worker.note(OTHER, "ok", 0.01)
            await worker.write()
        clock.advance(120)
        await workers[0].fold()
    expected = Health(calls=120, faults=120, durations=(0, 0, 0, 120, 0, 0, 0, 0, 0))
    assert (await read(connection, clock))[RELEASE] == expected
    clock.advance(KEPT_SINGLE.total_seconds() + 10)
    await workers[0].fold()
    await workers[1].fold()
    assert (await read(connection, clock))[RELEASE] == expected
    assert await connection.fetchval("select count(*) from gateway.release_health where span_seconds = 10") == 0
    assert await connection.fetchval("select count(*) from gateway.release_health") <= 2 * 4
    clock.advance((KEPT_HOURS + timedelta(days=1)).total_seconds())
    await workers[0].fold()
    assert (await read(connection, clock, hours=24 * 8))[RELEASE] == expected
    assert await connection.fetchval("select count(*) from gateway.release_health where span_seconds < 86400") == 0
    clock.advance(timedelta(days=401).total_seconds())
    await workers[0].fold()
    assert await connection.fetchval("select count(*) from gateway.release_health") == 0


async def test_two_workers_that_write_and_fold_at_once_lose_nothing(
    race_database: Database, clock: ManualClock
) -> None:
    workers = [ReleaseHealth(race_database, clock) for _ in range(4)]
    for _ in range(5):
        for worker in workers:
            for release in (RELEASE, OTHER):
                worker.note(release, "ok", 0.01)
        await asyncio.gather(*(worker.write() for worker in workers), *(worker.fold() for worker in workers))
        clock.advance(3600)
    await asyncio.gather(*(worker.fold() for worker in workers))
    async with race_database.acquire() as connection:
        found = await read(connection, clock)
    assert (found[RELEASE].calls, found[OTHER].calls) == (20, 20)
