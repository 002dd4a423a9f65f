"""Messages leave after the commit, at least once, and survive a handler that fails."""

import asyncio
from typing import Any

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.outbox import ATTEMPTS, PLACES, Outbox
from app.kit.vault import Vault


class Handler:
    """Remembers what it was given; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.got: list[dict[str, Any]] = []

    async def __call__(self, payload: dict[str, Any]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError
        self.got.append(payload)


@pytest.fixture
def outbox(race_database: Database, vault: Vault, clock: ManualClock) -> Outbox:
    return Outbox(race_database, vault, clock)


async def test_deliver_hands_over_the_payload_once(outbox: Outbox, race_database: Database, clock: ManualClock) -> None:
    outbox.handle("t", handler := Handler())
    await enqueue(outbox, race_database, clock)
    assert await outbox.deliver_due() == 1
    assert await outbox.deliver_due() == 0
    assert handler.got == [{"to": "someone"}]


async def test_message_of_a_rolled_back_transaction_is_never_sent(
    outbox: Outbox, race_database: Database, clock: ManualClock
) -> None:
    outbox.handle("t", handler := Handler())
    with pytest.raises(ZeroDivisionError):
        async with race_database.transaction() as connection:
            await outbox.enqueue(connection, topic="t", payload={}, now=clock.now())
            raise ZeroDivisionError
    assert await outbox.deliver_due() == 0
    assert handler.got == []


async def test_failed_delivery_waits_and_is_tried_again(
    outbox: Outbox, race_database: Database, clock: ManualClock
) -> None:
    outbox.handle("t", handler := Handler(failures=1))
    await enqueue(outbox, race_database, clock)
    assert await outbox.deliver_due() == 1
    assert await outbox.deliver_due() == 0
    clock.advance(3)
    assert await outbox.deliver_due() == 1
    assert handler.got == [{"to": "someone"}]


async def test_message_that_always_fails_is_kept_but_no_longer_tried(
    outbox: Outbox, race_database: Database, clock: ManualClock
) -> None:
    outbox.handle("t", Handler(failures=100))
    await enqueue(outbox, race_database, clock)
    for _ in range(ATTEMPTS + 3):
        await outbox.deliver_due()
        clock.advance(3600)
    async with race_database.acquire() as connection:
        row = await connection.fetchrow("select attempts, failed_at, last_error from kit.outbox")
    assert row is not None
    assert row["attempts"] == ATTEMPTS
    assert row["failed_at"] is not None
    assert row["last_error"] == "ConnectionError"


async def test_slow_message_holds_nobody_up(outbox: Outbox, race_database: Database, clock: ManualClock) -> None:
    released = asyncio.Event()

    async def slow(_payload: dict[str, Any]) -> None:
        await released.wait()

    outbox.handle("slow", slow)
    outbox.handle("t", handler := Handler())
    async with race_database.transaction() as connection:
        await outbox.enqueue(connection, topic="slow", payload={}, now=clock.now())
    await outbox.deliver_when_due()
    await enqueue(outbox, race_database, clock)
    await outbox.deliver_when_due()
    async with asyncio.timeout(5):
        while not handler.got:
            await asyncio.sleep(0.01)
    assert not released.is_set()
    released.set()


async def test_place_that_is_free_is_taken_at_once(outbox: Outbox, race_database: Database, clock: ManualClock) -> None:
    """Not at the next tick of a second: ten times as many messages as there are places would take as many."""
    outbox.handle("t", handler := Handler())
    async with race_database.transaction() as connection:
        for number in range(10 * PLACES):
            await outbox.enqueue(connection, topic="t", payload={"to": number}, now=clock.now())
    async with asyncio.timeout(6):
        while len(handler.got) < 10 * PLACES:
            await outbox.deliver_when_due()
    assert sorted(payload["to"] for payload in handler.got) == list(range(10 * PLACES))


async def test_message_that_was_given_up_is_forgotten_after_a_week(
    outbox: Outbox, race_database: Database, clock: ManualClock
) -> None:
    outbox.handle("t", Handler(failures=100))
    await enqueue(outbox, race_database, clock)
    for _ in range(ATTEMPTS):
        await outbox.deliver_due()
        clock.advance(700)
    await outbox.forget_failed()
    async with race_database.acquire() as connection:
        assert await connection.fetchval("select count(*) from kit.outbox") == 1
    clock.advance(8 * 86400)
    await outbox.forget_failed()
    async with race_database.acquire() as connection:
        assert await connection.fetchval("select count(*) from kit.outbox") == 0


async def test_two_workers_share_the_messages(race_database: Database, vault: Vault, clock: ManualClock) -> None:
    workers = [Outbox(race_database, vault, clock) for _ in range(2)]
    handler = Handler()
    for worker in workers:
        worker.handle("t", handler)
    for _ in range(30):
        await enqueue(workers[0], race_database, clock)
    counts = [await worker.deliver_due() for worker in workers]
    assert sum(counts) == 30
    assert len(handler.got) == 30


async def test_payload_is_not_readable_in_the_database(
    outbox: Outbox, race_database: Database, clock: ManualClock
) -> None:
    await enqueue(outbox, race_database, clock)
    async with race_database.acquire() as connection:
        dump = await connection.fetchval("select outbox::text || encode(sealed, 'escape') from kit.outbox")
    assert "someone" not in dump


async def enqueue(outbox: Outbox, database: Database, clock: ManualClock) -> None:
    async with database.transaction() as connection:
        await outbox.enqueue(connection, topic="t", payload={"to": "someone"}, now=clock.now())


async def test_enqueue_shares_the_transaction(outbox: Outbox, connection: Connection, clock: ManualClock) -> None:
    await outbox.enqueue(connection, topic="t", payload={}, now=clock.now())
    assert await connection.fetchval("select count(*) from kit.outbox") == 1
