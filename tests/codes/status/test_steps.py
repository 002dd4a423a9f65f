"""Steps on real tables: every change once, hidden among as many decoys, which no code ever has."""

from datetime import timedelta

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from codes.errors import ChangesForgotten
from codes.offline import status_list_key
from codes.status.changes import SMALLEST_STEP, VerifiedChanges, verify_changes
from codes.status.models import Status, StatusPointer
from codes.status.steps import KEPT_FOR, RESERVE_EVERY
from tests.codes.personal_city import SETTINGS, City

Place = tuple[int, int]


async def changes_after(city: City, connection: Connection, after: int) -> VerifiedChanges:
    trust_list = (await city.codes.trust_lists.current(connection)).verified
    now = city.clock.now()
    return verify_changes(
        (await city.codes.status_steps.publish(connection, after)).body,
        lambda message: status_list_key(trust_list, message, now),
        host=SETTINGS.code_format.host,
        environment=SETTINGS.code_format.environment,
    )


def flat(changes: VerifiedChanges) -> dict[Place, Status]:
    return {(shard, index): status for shard, each in changes.statuses.items() for index, status in each.items()}


async def step(city: City) -> None:
    await city.codes.status_steps.take_when_due()
    city.codes.status_steps._published.clear()  # what five seconds would do


async def revoke_batch(city: City, connection: Connection) -> set[Place]:
    """A phone is lost; where its eight codes stand."""
    phone = await city.a_phone(connection)
    number = await connection.fetchval("select max(number) from codes.grant_batch")
    await city.codes.grants.device_revoked(connection, phone.id, city.clock.now())
    return {(place.shard, place.index) for place in city.codes.statuses.pointers_of_batch(number)}


async def places_of_codes(city: City, connection: Connection) -> set[Place]:
    numbers = [row[0] for row in await connection.fetch("select number from codes.grant_batch")]
    return {(place.shard, place.index) for number in numbers for place in city.codes.statuses.pointers_of_batch(number)}


async def test_a_revocation_shows_once_among_as_many_decoys(city: City, connection: Connection) -> None:
    lost = await revoke_batch(city, connection)
    await step(city)
    shown = flat(await changes_after(city, connection, 0))
    assert len(shown) == SMALLEST_STEP
    assert set(shown.values()) == {Status.INVALID}
    assert lost < set(shown)
    assert set(shown) & await places_of_codes(city, connection) == lost
    await step(city)
    assert (await changes_after(city, connection, 0)).until == 1, "a step without a change is none"


async def test_two_steps_merge_into_what_counts_now(city: City, connection: Connection, clock: ManualClock) -> None:
    place, now = StatusPointer(shard=0, index=1), clock.now()
    await city.codes.statuses.suspend(connection, [place], expires_at=now + timedelta(days=1), now=now)
    await step(city)
    suspended = flat(await changes_after(city, connection, 0))
    assert await city.codes.statuses.restore(connection, place)
    await step(city)
    both = flat(await changes_after(city, connection, 0))
    restored = flat(await changes_after(city, connection, 1))
    assert suspended[0, 1] is Status.SUSPENDED
    assert both[0, 1] is restored[0, 1] is Status.VALID
    assert set(restored.values()) == {Status.VALID}
    assert len(restored) == len(suspended) == SMALLEST_STEP, "decoys are restored along with codes"
    assert (await changes_after(city, connection, 2)).statuses == {}


async def test_suspended_then_void_is_hidden_too(city: City, connection: Connection, clock: ManualClock) -> None:
    place, now = StatusPointer(shard=0, index=1), clock.now()
    await city.codes.statuses.suspend(connection, [place], expires_at=now + timedelta(days=1), now=now)
    await step(city)
    await city.codes.statuses.revoke(connection, [place], expires_at=now + timedelta(days=1), now=now)
    await step(city)
    voided = flat(await changes_after(city, connection, 1))
    assert (len(voided), set(voided.values())) == (SMALLEST_STEP, {Status.INVALID})
    assert set(voided) <= set(flat(await changes_after(city, connection, 0)))


async def test_the_lists_show_nothing_between_steps_and_decoys_with_them(city: City, connection: Connection) -> None:
    lost = await revoke_batch(city, connection)
    assert await shown_in_lists(connection) == {}
    assert await city.codes.statuses.find_status(connection, StatusPointer(**_named(min(lost)))) is Status.INVALID
    await step(city)
    assert await shown_in_lists(connection) == flat(await changes_after(city, connection, 0))


async def test_decoys_leave_the_lists_when_the_codes_do(city: City, connection: Connection, clock: ManualClock) -> None:
    await revoke_batch(city, connection)
    await step(city)
    clock.advance(5 * 24 * 3600)
    await city.codes.statuses.forget_expired()
    assert len(await shown_in_lists(connection)) == SMALLEST_STEP
    clock.advance(3601)
    await city.codes.statuses.forget_expired()
    assert await shown_in_lists(connection) == {}


async def test_a_change_that_is_taken_back_before_a_step_never_shows(
    city: City, connection: Connection, clock: ManualClock
) -> None:
    place, now = StatusPointer(shard=0, index=1), clock.now()
    await city.codes.statuses.suspend(connection, [place], expires_at=now + timedelta(days=1), now=now)
    assert await city.codes.statuses.restore(connection, place)
    await step(city)
    assert (await changes_after(city, connection, 0)).until == 0


async def test_the_reserve_fills_as_time_goes_by_and_is_spent_first(
    city: City, connection: Connection, clock: ManualClock
) -> None:
    for _ in range(5):
        await step(city)
        clock.advance(RESERVE_EVERY.total_seconds())
    await step(city)
    kept = {tuple(row) for row in await connection.fetch("select shard, index from codes.status_reserve")}
    assert len(kept) == 6 * 8
    lost = await revoke_batch(city, connection)
    await step(city)
    decoys = set(flat(await changes_after(city, connection, 0))) - lost
    assert decoys < kept
    assert await connection.fetchval("select count(*) from codes.status_reserve") == len(kept) - len(decoys)
    assert not kept & await places_of_codes(city, connection)


async def test_steps_that_were_forgotten_say_so(city: City, connection: Connection, clock: ManualClock) -> None:
    for _ in range(3):
        await revoke_batch(city, connection)
        await step(city)
        clock.advance(KEPT_FOR.total_seconds() / 2 + 1)
    await step(city)
    assert (await changes_after(city, connection, 2)).until == 3
    with pytest.raises(ChangesForgotten):
        await changes_after(city, connection, 0)
    with pytest.raises(ChangesForgotten):
        await changes_after(city, connection, 4)
    clock.advance(KEPT_FOR.total_seconds() * 100)
    await revoke_batch(city, connection)
    await step(city)
    assert (await changes_after(city, connection, 3)).until == 4, "numbers only rise, however long nothing happened"


async def shown_in_lists(connection: Connection) -> dict[Place, Status]:
    rows = await connection.fetch("select shard, index, shown from codes.status_entry where shown <> 0")
    return {(row["shard"], row["index"]): Status(row["shown"]) for row in rows}


def _named(place: Place) -> dict[str, int]:
    return {"shard": place[0], "index": place[1]}
