"""Which services a citizen uses: written together once a second, forgotten after 90 days."""

from datetime import timedelta
from typing import Any

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.ids import new_id
from gateway.home import repository
from gateway.home.usage import Usage


async def test_usage_is_written_once_an_hour_and_forgotten_after_90_days(
    floor: Floor, connection: Connection, clock: ManualClock
) -> None:
    usage, subject_id = Usage(floor.database, clock), new_id()

    async def favourites() -> list[str]:
        since = clock.now() - timedelta(days=365)
        found = await repository.list_favourites(connection, subject_id, since=since, limit=20)
        return list(found.used)

    usage.note(subject_id, "cn.example.a")
    usage.note(subject_id, "cn.example.a")
    assert len(usage._waiting) == 1
    await usage.write()
    usage.note(subject_id, "cn.example.a")
    assert usage._waiting == {}
    clock.advance(3601)
    usage.note(subject_id, "cn.example.a")
    usage.note(subject_id, "cn.example.b")
    await usage.write()
    assert await favourites() == ["cn.example.a", "cn.example.b"]
    clock.advance(89 * 86400)
    await usage.forget()
    assert len(await favourites()) == 2
    clock.advance(2 * 86400)
    await usage.forget()
    assert await favourites() == []


async def test_usage_waits_when_the_database_is_away(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = Usage(floor.database, floor.clock)
    usage.note(new_id(), "cn.example.a")

    def away() -> Any:
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr(floor.database, "transaction", away)
        with pytest.raises(OSError):  # noqa: PT011 - whatever a database that is away raises
            await usage.write()
    assert len(usage._waiting) == 1
    await usage.write()
    assert usage._waiting == {}
