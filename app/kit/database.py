"""The door to PostgreSQL: one pool, transactions, and a listener for notifications. Knows no table."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
import msgspec
import structlog

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    # What Litestar sees when it reads annotations; a pool's proxy passes as an instance of it.
    Connection = asyncpg.Connection

ACQUIRE_SECONDS = 5
# A worker that froze in the middle of a transaction must not hold its locks, and the sealer, until TCP gives up on it.
SERVER_SETTINGS = {
    "application_name": "suishen",
    "lock_timeout": "5000",
    "idle_in_transaction_session_timeout": "15000",
}

log = structlog.get_logger()


async def prepare_connection(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Makes `jsonb` arrive as objects instead of text; every connection of ours passes here."""
    await connection.set_type_codec(
        "jsonb",
        encoder=lambda value: b"\x01" + msgspec.json.encode(value),
        decoder=lambda data: msgspec.json.decode(data[1:]),
        schema="pg_catalog",
        format="binary",
    )


async def _leave_as_it_is(_connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """What happens to a connection on its way back to the pool, after asyncpg has ended any open transaction.

    By default the whole session would be reset each time: a round trip that nothing of ours needs. Locks are the
    transaction's, and nobody listens, declares or sets anything on a pooled connection.
    """


class Database:
    """A pool that is made with the program and opened with its event loop."""

    def __init__(self, dsn: str, *, min_size: int = 0, max_size: int = 10) -> None:
        self.dsn = dsn
        self._min_size = min_size
        self._max_size = max_size
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Connects; raises `OSError` or `asyncpg.PostgresError` when the server is not there."""
        self._pool = await asyncpg.create_pool(
            self.dsn,
            min_size=self._min_size,
            max_size=self._max_size,
            init=prepare_connection,
            reset=_leave_as_it_is,
            command_timeout=30,
            server_settings=SERVER_SETTINGS,
        )

    async def close(self) -> None:
        """Waits up to 5 s for connections in use, then cuts them."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            await asyncio.wait_for(pool.close(), timeout=5)
        except TimeoutError:
            pool.terminate()

    @property
    def used(self) -> int:
        """How many connections somebody uses."""
        return 0 if self._pool is None else self._pool.get_size() - self._pool.get_idle_size()

    @property
    def idle(self) -> int:
        """How many are open and wait for somebody."""
        return 0 if self._pool is None else self._pool.get_idle_size()

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """A connection outside any transaction; raises `TimeoutError` when all are in use for too long."""
        async with self._opened().acquire(timeout=ACQUIRE_SECONDS) as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a transaction: commits at the end, rolls back on an exception."""
        # Not `self.acquire()`: one context manager less around most requests of the house.
        async with self._opened().acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            yield connection

    def _opened(self) -> "asyncpg.Pool[asyncpg.Record]":
        if self._pool is None:
            raise RuntimeError("The database is not open.")
        return self._pool


async def notify(connection: Connection, channel: str, payload: str = "") -> None:
    """Tells every listener of `channel`, when (and only if) the transaction commits."""
    await connection.execute("select pg_notify($1, $2)", channel, payload)


class Notifications:
    """One connection that listens for all of a process.

    A callback gets the payload, or None when something may have been missed (first connection, reconnection): reload.
    """

    def __init__(self, dsn: str, *, heartbeat_seconds: float = 0.5) -> None:
        self._dsn = dsn
        self._heartbeat_seconds = heartbeat_seconds
        self._callbacks: dict[str, list[Callable[[str | None], None]]] = {}
        self._task: asyncio.Task[None] | None = None
        self._last_heartbeat = float("-inf")

    def on(self, channel: str, callback: Callable[[str | None], None]) -> None:
        """Registers `callback` for `channel`; only before `open`."""
        self._callbacks.setdefault(channel, []).append(callback)

    def healthy_within(self, seconds: float) -> bool:
        """Whether the listening connection answered during the last `seconds`."""
        return time.monotonic() - self._last_heartbeat <= seconds

    async def open(self) -> None:
        """Starts listening in the background; keeps trying while the database is away."""
        self._task = asyncio.create_task(self._listen_for_ever())

    async def close(self) -> None:
        """Stops listening."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("notifications.lost", error=type(error).__name__)
                await asyncio.sleep(self._heartbeat_seconds)

    async def _listen_once(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=5)
        try:
            for channel in self._callbacks:
                await connection.add_listener(channel, self._deliver)
            self._deliver_missed()
            while True:
                await connection.execute("select 1", timeout=5)
                self._last_heartbeat = time.monotonic()
                await asyncio.sleep(self._heartbeat_seconds)
        finally:
            connection.terminate()

    def _deliver(self, _connection: Any, _pid: int, channel: str, payload: object) -> None:
        for callback in self._callbacks.get(channel, []):
            callback(str(payload))

    def _deliver_missed(self) -> None:
        for callbacks in self._callbacks.values():
            for callback in callbacks:
                callback(None)
