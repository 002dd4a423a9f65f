"""Whether a worker should be sent people: one look a second however many ask, and no longer than a caller waits."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from app import health
from app.health import Pulse
from app.kit.database import Connection, Database, Notifications


class Watched(Database):
    """Counts who takes a connection; gives none while it is `full`, and none at all when `away`."""

    def __init__(self) -> None:
        super().__init__("")
        self.taken = 0
        self.away = False
        self.room = asyncio.Event()
        self.room.set()

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        self.taken += 1
        if self.away:
            raise ConnectionRefusedError
        await self.room.wait()
        yield Answering()  # type: ignore[misc]  # it stands in for a connection


class Answering:
    async def fetchval(self, _query: str) -> bool:
        return True


class Listening(Notifications):
    def __init__(self) -> None:
        super().__init__("")
        self.well = True

    def healthy_within(self, _seconds: float) -> bool:
        return self.well


@pytest.fixture
def database() -> Watched:
    return Watched()


@pytest.fixture
def listening() -> Listening:
    return Listening()


@pytest.fixture
def pulse(database: Watched, listening: Listening) -> Pulse:
    return Pulse(database, listening)


async def test_a_thousand_who_ask_take_one_connection(pulse: Pulse, database: Watched) -> None:
    found = await asyncio.gather(*(pulse.feel() for _ in range(1000)))
    assert {each.status for each in found} == {"ok"}
    assert database.taken == 1
    await pulse.feel()
    assert database.taken == 1


async def test_what_is_missing_is_seen_a_second_later(
    pulse: Pulse, database: Watched, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LOOK_EVERY_SECONDS", 0.0)
    assert (await pulse.feel()).status == "ok"
    database.away = True
    assert (await pulse.feel()).checks == {"database": "missing", "notifications": "ok"}
    database.away, listening.well = False, False
    found = await pulse.feel()
    assert (found.status, found.checks) == ("not ready", {"database": "ok", "notifications": "missing"})


async def test_a_database_without_room_is_not_waited_for(
    pulse: Pulse, database: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.02)
    database.room.clear()
    assert (await asyncio.wait_for(pulse.feel(), 1)).checks["database"] == "missing"


async def test_who_leaves_takes_nobodys_answer_away(pulse: Pulse, database: Watched) -> None:
    database.room.clear()
    hasty, patient = (asyncio.create_task(pulse.feel()) for _ in range(2))
    await asyncio.sleep(0)
    hasty.cancel()
    await asyncio.sleep(0)
    database.room.set()
    assert (await patient).status == "ok"
    assert database.taken == 1
