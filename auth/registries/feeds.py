"""Following what a registry publishes: deaths, and companies that closed. Every worker asks; each word counts once.

No transaction is open while the registry is asked. Whoever comes back with news that another worker has written down
meanwhile drops them. A word that cannot be acted on is left in the audit log, so that it does not hold up the rest.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

import structlog

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.structs import Model, convert
from auth.registries.errors import RegistryUnavailable

log = structlog.get_logger()

Word_co = TypeVar("Word_co", covariant=True)
Word = TypeVar("Word")

ACTOR: Final = "system"


class News(Protocol[Word_co]):
    """An answer of a registry: what is new, and the cursor behind it."""

    @property
    def items(self) -> Sequence[Word_co]: ...

    @property
    def next(self) -> str: ...


class FeedState(Model):
    """How far a registry was heard, and since when it cannot be."""

    name: str
    cursor: str
    read_at: datetime | None
    failing_since: datetime | None


FIND_FEED = "select name, cursor, read_at, failing_since from auth.registry_feed where name = $1"
FIND_FEED_FOR_UPDATE = FIND_FEED + " for update"
LIST_FEEDS = "select name, cursor, read_at, failing_since from auth.registry_feed order by name"
MARK_READ = "update auth.registry_feed set cursor = $2, read_at = $3, failing_since = null where name = $1"
MARK_FAILING = "update auth.registry_feed set failing_since = coalesce(failing_since, $2) where name = $1"


async def list_feeds(connection: Connection) -> list[FeedState]:
    """Every feed, by name."""
    return [convert(row, FeedState) for row in await connection.fetch(LIST_FEEDS)]


class Feed(Generic[Word]):
    """One feed: whom to ask, and what to do at each word."""

    def __init__(
        self,
        name: str,
        *,
        database: Database,
        clock: Clock,
        ask: Callable[[str], Awaitable[News[Word]]],
        heed: Callable[[Connection, Word], Awaitable[object]],
    ) -> None:
        self._name = name
        self._database = database
        self._clock = clock
        self._ask = ask
        self._heed = heed

    async def follow(self) -> None:
        """Hears what is new and acts on it; a periodic job. A registry that does not answer is noted, not raised."""
        async with self._database.acquire() as connection:
            before = await self._find(connection, FIND_FEED)
        try:
            news = await self._ask(before.cursor)
        except RegistryUnavailable:
            async with self._database.transaction() as connection:
                await connection.execute(MARK_FAILING, self._name, self._clock.now())
            return
        async with self._database.transaction() as connection:
            await self._act(connection, before, news)

    async def _act(self, connection: Connection, before: FeedState, news: News[Word]) -> None:
        if (await self._find(connection, FIND_FEED_FOR_UPDATE)).cursor != before.cursor:
            return
        for position, word in enumerate(news.items):
            await self._heed_one(connection, word, position)
        await connection.execute(MARK_READ, self._name, news.next, self._clock.now())

    async def _heed_one(self, connection: Connection, word: Word, position: int) -> None:
        try:
            async with connection.transaction():
                await self._heed(connection, word)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one word, the next person's must be heard
            log.error("registry.word_unheeded", feed=self._name, error=type(error).__name__)  # noqa: TRY400 - no traces of words
            await audit.record(
                connection,
                clock_now=self._clock.now(),
                actor=ACTOR,
                action="registry.word_unheeded",
                subject=f"feed:{self._name}",
                detail={"position": position},
            )

    async def _find(self, connection: Connection, query: str) -> FeedState:
        row = await connection.fetchrow(query, self._name)
        assert row is not None  # a migration wrote it
        return convert(row, FeedState)
