"""The pool: connections come back without a transaction, and the listener finds its way back after a cut."""

import asyncio
import contextlib

import asyncpg
import pytest

from app.kit.database import Database, Notifications, notify


async def test_connection_comes_back_without_its_open_transaction(race_dsn: str) -> None:
    database = Database(race_dsn, max_size=1)
    await database.open()
    async with database.acquire() as connection:
        await connection.execute("create table thing (n int)")
    async with database.acquire() as connection:
        await connection.execute("begin")
        await connection.execute("insert into thing values (1)")
    async with database.acquire() as connection:
        assert not connection.is_in_transaction()
        assert await connection.fetchval("select count(*) from thing") == 0
    await database.close()


async def test_cancelled_request_leaves_a_usable_connection(race_dsn: str) -> None:
    database = Database(race_dsn, max_size=1)
    await database.open()

    async def slow() -> None:
        async with database.transaction() as connection:
            await connection.execute("create table half (n int)")
            await connection.execute("select pg_sleep(10)")

    task = asyncio.create_task(slow())
    await asyncio.sleep(0.2)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    async with database.acquire() as connection:
        assert await connection.fetchval("select to_regclass('half')") is None
    await database.close()


async def test_transaction_that_fails_writes_nothing(race_database: Database) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with race_database.transaction() as connection:
            await connection.execute("create table gone (n int)")
            await connection.execute("select 1 / 0")
    async with race_database.acquire() as connection:
        assert await connection.fetchval("select to_regclass('gone')") is None


async def test_database_that_is_not_open_says_so(race_dsn: str) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        async with Database(race_dsn).acquire():
            pass


async def test_jsonb_goes_in_and_comes_out_as_objects(race_database: Database) -> None:
    value = {"zh": "随申码", "n": [1, None, True]}
    async with race_database.acquire() as connection:
        assert await connection.fetchval("select $1::jsonb", value) == value


class Heard:
    """Remembers what a callback was told."""

    def __init__(self) -> None:
        self.payloads: list[str | None] = []

    def __call__(self, payload: str | None) -> None:
        self.payloads.append(payload)

    async def until(self, payload: str | None) -> None:
        async with asyncio.timeout(10):
            while payload not in self.payloads:
                await asyncio.sleep(0.02)


async def test_listener_hears_commits_and_not_rollbacks(race_database: Database, race_dsn: str) -> None:
    notifications = Notifications(race_dsn)
    notifications.on("test", heard := Heard())
    await notifications.open()
    await heard.until(None)
    with contextlib.suppress(ZeroDivisionError):
        async with race_database.transaction() as connection:
            await notify(connection, "test", "rolled back")
            raise ZeroDivisionError
    async with race_database.transaction() as connection:
        await notify(connection, "test", "committed")
    await heard.until("committed")
    assert heard.payloads == [None, "committed"]
    await notifications.close()


async def test_listener_that_was_cut_off_comes_back_and_says_reload(race_database: Database, race_dsn: str) -> None:
    notifications = Notifications(race_dsn, heartbeat_seconds=0.1)
    notifications.on("test", heard := Heard())
    await notifications.open()
    await heard.until(None)
    heard.payloads.clear()
    async with race_database.acquire() as connection:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid() and query like '%select 1%'"
        )
    await heard.until(None)
    async with race_database.transaction() as connection:
        await notify(connection, "test", "after")
    await heard.until("after")
    assert notifications.healthy_within(5)
    await notifications.close()


async def test_listener_without_a_server_is_not_healthy() -> None:
    notifications = Notifications("postgresql://nobody@127.0.0.1:1/none", heartbeat_seconds=0.05)
    await notifications.open()
    await asyncio.sleep(0.2)
    assert not notifications.healthy_within(1)
    await notifications.close()
