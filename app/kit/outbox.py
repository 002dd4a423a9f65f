"""Messages that leave the house: written with the deed, sent after the commit, at least once.

A message is leased, sent with no transaction open, then deleted. Payloads are sealed, because most are personal.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
import structlog

from app.kit.clock import Clock
from app.kit.database import Connection, Database, Notifications
from app.kit.ids import new_id
from app.kit.structs import Model, convert
from app.kit.vault import Vault

Handler: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]

CHANNEL = "kit_outbox"
SEAL_PURPOSE = "outbox"
PLACES = 20  # messages under way at once in one worker
HANDLER_SECONDS = 8
LEASE = timedelta(seconds=10)  # longer than a handler may take; what a killed worker held waits this long
ATTEMPTS = 8
FAILED_LIVE = timedelta(days=7)
LONGEST_WAIT_SECONDS = 600

log = structlog.get_logger()


class LeasedMessage(Model):
    """A message that this worker may send until its lease ends."""

    id: UUID
    topic: str
    sealed: bytes
    attempts: int


# With the word to all workers in one statement: that goes out with the commit, like the row.
INSERT_MESSAGE = """
with message as (insert into kit.outbox (id, topic, sealed, due_at) values ($1, $2, $3, $4))
select pg_notify($5, '')
"""

LEASE_DUE = """
update kit.outbox set attempts = attempts + 1, due_at = $2
 where id in (select id from kit.outbox where due_at <= $1 and failed_at is null
               order by due_at limit $3 for update skip locked)
returning id, topic, sealed, attempts
"""

DELETE_MESSAGE = "delete from kit.outbox where id = $1"

MARK_RETRY = "update kit.outbox set due_at = $2, last_error = $3 where id = $1"

MARK_FAILED = "update kit.outbox set failed_at = $2, last_error = $3 where id = $1"


MEASURE = "select count(*) as waiting, min(due_at) as due_at from kit.outbox where failed_at is null"

DELETE_FAILED = "delete from kit.outbox where failed_at < $1"


class Outbox:
    """Enqueues in the caller's transaction; delivers to the handler of the topic."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._handlers: dict[str, Handler] = {}
        self._due = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._more_may_wait = False
        self.waiting = 0
        self.late_seconds = 0.0

    def handle(self, topic: str, handler: Handler) -> None:
        """Registers the one handler of `topic`. It may be called twice with the same message."""
        self._handlers[topic] = handler

    def listen(self, notifications: Notifications) -> None:
        """Wakes this worker when a message was committed anywhere."""
        notifications.on(CHANNEL, lambda _payload: self._due.set())

    async def enqueue(self, connection: Connection, *, topic: str, payload: dict[str, Any], now: datetime) -> None:
        """Adds a message to the caller's transaction."""
        message_id = new_id()
        sealed = self._vault.seal(SEAL_PURPOSE, msgspec.json.encode(payload), context=message_id.bytes)
        await connection.execute(INSERT_MESSAGE, message_id, topic, sealed, now, CHANNEL)

    async def deliver_when_due(self) -> None:
        """Waits for a wake-up, or a second, then begins to deliver whatever there is a place for; the round of a job.

        Waits for no handler: a slow one takes a place and nothing else.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._due.wait(), timeout=1)
        self._due.clear()
        free = PLACES - len(self._under_way)
        messages = await self._lease(free) if free else []
        self._more_may_wait = len(messages) == free
        for message in messages:
            task = asyncio.create_task(self._deliver(message))
            self._under_way.add(task)
            task.add_done_callback(self._end)

    async def deliver_due(self) -> int:
        """Delivers what is due and waits until it is; returns how many messages were tried. For tests and tools."""
        messages = await self._lease(PLACES)
        await asyncio.gather(*(self._deliver(message) for message in messages))
        return len(messages)

    async def forget_failed(self) -> None:
        """Deletes messages that were given up on a week ago; they are sealed, and still personal. A periodic job."""
        async with self._database.acquire() as connection:
            await connection.execute(DELETE_FAILED, self._clock.now() - FAILED_LIVE)

    async def measure(self) -> None:
        """How many messages wait, and for how long the oldest has been due; a periodic job."""
        now = self._clock.now()
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(MEASURE)
        assert row is not None
        self.waiting = row["waiting"]
        self.late_seconds = max(0.0, (now - row["due_at"]).total_seconds()) if row["due_at"] else 0.0

    async def _lease(self, most: int) -> list[LeasedMessage]:
        now = self._clock.now()
        async with self._database.acquire() as connection:
            rows = await connection.fetch(LEASE_DUE, now, now + LEASE, most)
        return [convert(row, LeasedMessage) for row in rows]

    def _end(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if self._more_may_wait:  # for the place that is free now
            self._due.set()
        if not task.cancelled() and (error := task.exception()):
            log.warning("outbox.not_recorded", error=type(error).__name__)

    async def _deliver(self, message: LeasedMessage) -> None:
        try:
            payload = msgspec.json.decode(self._vault.open(SEAL_PURPOSE, message.sealed, context=message.id.bytes))
            async with asyncio.timeout(HANDLER_SECONDS):
                await self._handlers[message.topic](payload)
        except Exception as error:  # noqa: BLE001 - whatever a handler meets, the message stays and is tried again
            await self._keep_for_later(message, type(error).__name__)
            return
        async with self._database.acquire() as connection:
            await connection.execute(DELETE_MESSAGE, message.id)

    async def _keep_for_later(self, message: LeasedMessage, error: str) -> None:
        log.warning("outbox.not_delivered", topic=message.topic, attempts=message.attempts, error=error)
        now = self._clock.now()
        async with self._database.acquire() as connection:
            if message.attempts >= ATTEMPTS:
                log.error("outbox.given_up", topic=message.topic, message=str(message.id))
                await connection.execute(MARK_FAILED, message.id, now, error)
                return
            wait = timedelta(seconds=min(2**message.attempts, LONGEST_WAIT_SECONDS))
            await connection.execute(MARK_RETRY, message.id, now + wait, error)
