"""Published status lists follow the truth: signed, never older than the last change, and only of shards in use."""

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database, Notifications
from app.kit.floor import Floor
from codes.errors import ShardUnknown
from codes.offline import status_list_key
from codes.status.models import Status, StatusPointer, VerifiedStatusList, verify_status_list
from tests.codes.personal_city import SETTINGS, City


async def published(city: City, connection: Connection, shard: int) -> VerifiedStatusList:
    trust_list = (await city.codes.trust_lists.current(connection)).verified
    now = city.clock.now()
    return verify_status_list(
        (await city.codes.statuses.publish(connection, shard)).body,
        lambda message: status_list_key(trust_list, message, now),
        shard=shard,
        host=SETTINGS.code_format.host,
        environment=SETTINGS.code_format.environment,
    )


async def mark(city: City, connection: Connection, place: StatusPointer, status: Status) -> None:
    change = city.codes.statuses.revoke if status is Status.INVALID else city.codes.statuses.suspend
    now = city.clock.now()
    await change(connection, [place], expires_at=now + timedelta(days=1), now=now)
    await step(city)


async def step(city: City) -> None:
    """Shows every change, and tells of it, which a rolled-back test never hears."""
    await city.codes.status_steps.take_when_due()
    city.codes.statuses._forget(None)


async def restart_counters(connection: Connection) -> None:
    """As in a new city. Drawing from a sequence survives a rollback; restarting it does not."""
    await connection.execute("alter sequence codes.static_slot restart")
    await connection.execute("alter sequence codes.grant_batch_number restart")


async def test_a_change_shows_in_the_list(city: City, connection: Connection) -> None:
    await city.a_phone(connection)
    place = city.codes.statuses.pointers_of_batch(
        await connection.fetchval("select max(number) from codes.grant_batch")
    )[0]
    assert (await published(city, connection, place.shard)).find_status(place.index) is Status.VALID
    await mark(city, connection, place, Status.SUSPENDED)
    assert (await published(city, connection, place.shard)).find_status(place.index) is Status.SUSPENDED
    assert await city.codes.statuses.restore(connection, place)
    await step(city)
    assert (await published(city, connection, place.shard)).find_status(place.index) is Status.VALID
    await mark(city, connection, place, Status.INVALID)
    assert (await published(city, connection, place.shard)).find_status(place.index) is Status.INVALID


async def test_what_is_void_stays_void(city: City, connection: Connection) -> None:
    place = StatusPointer(shard=0, index=1)
    await mark(city, connection, place, Status.INVALID)
    await mark(city, connection, place, Status.SUSPENDED)
    assert not await city.codes.statuses.restore(connection, place)
    assert await city.codes.statuses.find_status(connection, place) is Status.INVALID


class Ears(Notifications):
    """Hears, or not, as the test says."""

    hears = True

    def healthy_within(self, seconds: float) -> bool:
        return self.hears and seconds <= 1


@pytest.fixture
def ears(database: Database) -> Ears:
    return Ears(database.dsn)


@pytest.fixture
def hearing(floor: Floor, ears: Ears) -> City:
    """A worker whose notifications are heard."""
    return City(dataclasses.replace(floor, notifications=ears))


async def test_a_list_is_signed_anew_when_half_its_life_is_over(
    hearing: City, connection: Connection, clock: ManualClock
) -> None:
    first = await hearing.codes.statuses.publish(connection, 0)
    clock.advance(149)
    assert await hearing.codes.statuses.publish(connection, 0) is first
    clock.advance(1)
    second = await hearing.codes.statuses.publish(connection, 0)
    assert (second.signed_at, second.etag != first.etag) == (clock.now(), True)


async def test_a_worker_that_hears_nothing_publishes_a_step_within_a_second(
    hearing: City, ears: Ears, connection: Connection, clock: ManualClock
) -> None:
    statuses, place = hearing.codes.statuses, StatusPointer(shard=0, index=1)
    first = await statuses.publish(connection, 0)
    ears.hears = False
    clock.advance(0.5)
    assert await statuses.publish(connection, 0) is first, "a flood of readers does not make it sign for each"
    await statuses.revoke(connection, [place], expires_at=clock.now() + timedelta(days=1), now=clock.now())
    await hearing.codes.status_steps.take_when_due()
    clock.advance(0.5)
    assert (await published(hearing, connection, 0)).find_status(place.index) is Status.INVALID


@pytest.mark.parametrize("shard", [1, 8, 1 << 31, 1 << 40, -1])
async def test_a_shard_that_nobody_uses_is_unknown(city: City, connection: Connection, shard: int) -> None:
    await restart_counters(connection)
    with pytest.raises(ShardUnknown):
        await city.codes.statuses.publish(connection, shard)


async def test_the_shards_in_use_grow_with_the_codes(city: City, connection: Connection) -> None:
    await restart_counters(connection)
    assert await city.codes.statuses.list_shards(connection) == [0, 2, 4, 6]
    place = await city.codes.statuses.draw(connection)
    assert place.shard % 2 == 1
    assert (await published(city, connection, place.shard)).shard == place.shard
    assert await city.codes.statuses.list_shards(connection) == [0, 1, 2, 3, 4, 5, 6, 7]
    await connection.execute(f"alter sequence codes.grant_batch_number restart {1 << 19}")
    phone = await city.a_phone(connection)
    later = city.codes.statuses.pointers_of_batch(1 << 19)[0]
    assert phone.grants
    assert later.shard >= 8
    assert (await published(city, connection, later.shard)).shard == later.shard


async def test_drawn_places_differ(city: City, connection: Connection) -> None:
    places = [await city.codes.statuses.draw(connection) for _ in range(20)]
    assert len({(place.shard, place.index) for place in places}) == 20


async def test_expired_statuses_are_forgotten(city: City, connection: Connection, clock: ManualClock) -> None:
    await mark(city, connection, StatusPointer(shard=0, index=1), Status.INVALID)
    clock.advance((5 * 24 + 1) * 3600 + 1)
    await city.codes.statuses.forget_expired()
    assert await connection.fetchval("select count(*) from codes.status_entry") == 0
    assert await connection.fetchval("select count(*) from codes.status_history") == 0


PLACE = StatusPointer(shard=0, index=1)
CHANGES = st.lists(st.sampled_from(["suspend", "restore", "revoke"]), max_size=6)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(changes=CHANGES, stepped=st.booleans())
async def test_what_a_status_was_is_known_at_every_moment(
    city: City, connection: Connection, clock: ManualClock, changes: list[str], stepped: bool
) -> None:
    """Held against a list kept by hand: void is void for good, and only what was suspended is restored."""
    statuses, expires_at = city.codes.statuses, clock.now() + timedelta(days=1)
    savepoint = connection.transaction()
    await savepoint.start()
    status: Status | None = None
    expected: list[tuple[datetime, Status | None]] = []
    for change in changes:
        clock.advance(60)
        if change == "restore":
            await statuses.restore(connection, PLACE)
            status = Status.VALID if status is Status.SUSPENDED else status
        else:
            act, becomes = (
                (statuses.suspend, Status.SUSPENDED) if change == "suspend" else (statuses.revoke, Status.INVALID)
            )
            await act(connection, [PLACE], expires_at=expires_at, now=clock.now())
            status = Status.INVALID if status is Status.INVALID else becomes
        expected.append((clock.now(), status))
    if stepped:
        await city.codes.status_steps.take_when_due()
    changed = any(status is not None for _moment, status in expected)
    for moment, then in expected:
        found = await statuses.find_status_at(connection, PLACE, moment)
        assert found == (then or Status.VALID if changed else None)
    await savepoint.rollback()


class Interrupted:
    """A connection on which a change is told just while the entries are read."""

    def __init__(self, connection: Connection, interrupt: Callable[[], None]) -> None:
        self._connection = connection
        self._interrupt = interrupt

    async def fetch(self, *arguments: Any) -> Any:
        rows = await self._connection.fetch(*arguments)
        self._interrupt()
        return rows

    async def fetchrow(self, *arguments: Any) -> Any:
        return await self._connection.fetchrow(*arguments)


async def test_a_list_that_was_read_while_a_change_was_told_is_not_kept(city: City, connection: Connection) -> None:
    statuses = city.codes.statuses
    reading: Any = Interrupted(connection, lambda: statuses._forget("0"))
    first = await statuses.publish(reading, 0)
    assert await statuses.publish(connection, 0) is not first
    assert await statuses.publish(connection, 0) is await statuses.publish(connection, 0)


async def test_everything_is_forgotten_when_something_may_have_been_missed(city: City, connection: Connection) -> None:
    first = await city.codes.statuses.publish(connection, 0)
    city.codes.statuses._forget(None)
    assert await city.codes.statuses.publish(connection, 0) is not first
