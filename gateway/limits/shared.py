"""Limits of several workers together: each leases blocks from a store that all share, and spends them without asking.

Never lets in more than a limit allows: what is leased has been counted. A block that is not spent within a second is
lost, so that it can be a little less. While the store is away each worker counts for itself, and says so in its log
and in `rounds_alone`.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from gateway.limits.local import LocalLimits
from gateway.limits.models import Ask, Grant, Limit
from gateway.limits.ports import Store, StoreAway

log = structlog.get_logger()

LEASE_SECONDS: Final = 1.0
STORE_SECONDS: Final = 0.1
REST_SECONDS: Final = 1.0
ROUNDS: Final = 3
MOST_LEASES: Final = 100_000


class Lease:
    """What one worker may let in under one key without asking, until when; or until when it need not ask."""

    __slots__ = ("left", "refused_until", "until")

    def __init__(self) -> None:
        self.left = 0
        self.until = 0.0
        self.refused_until = 0.0

    def holds(self, now: float) -> bool:
        """Whether one more request may pass."""
        return self.left > 0 and now < self.until


class Asking:
    """One question to the store, for everybody who came while the one before was under way."""

    def __init__(self) -> None:
        self.asks: dict[str, Ask] = {}
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def add(self, key: str, limit: Limit) -> None:
        """A block for the first who asks, one request more for each further one."""
        known = self.asks.get(key)
        wanted = limit.block if known is None else min(known.wanted + 1, limit.burst)
        self.asks[key] = Ask(key=key, limit=limit, wanted=wanted)


class SharedLimits:
    """One for each worker, over a store that is one for all."""

    def __init__(
        self, store: Store, *, now: Callable[[], float] = time.monotonic, patience_seconds: float = STORE_SECONDS
    ) -> None:
        self._store = store
        self._patience_seconds = patience_seconds
        self._now = now
        self._local = LocalLimits(now_us=lambda: int(now() * 1_000_000))
        self._leases: dict[str, Lease] = {}
        self._next: Asking | None = None
        self._asker: asyncio.Task[None] | None = None
        self._away_until: float | None = None
        self.rounds_alone = 0

    @property
    def counts_alone(self) -> bool:
        """Whether this worker counts for itself at the moment, for want of the store."""
        return self._away_until is not None

    async def admit(self, limits: Sequence[tuple[str, Limit]]) -> float:
        """As `Limits.admit`. Asks the store only when a block is spent; all who wait meanwhile share one question."""
        for _ in range(ROUNDS):
            now = self._now()
            leases = [self._lease(key, now) for key, _ in limits]
            if not [lease for lease in leases if not lease.holds(now)]:
                for lease in leases:
                    lease.left -= 1
                return 0.0
            wait = max(lease.refused_until for lease in leases) - now
            if wait > 0:
                return wait
            await self._ask([limit for limit, lease in zip(limits, leases, strict=True) if not lease.holds(now)])
        return min(limit.interval_us for _, limit in limits) / 1_000_000

    def _lease(self, key: str, now: float) -> Lease:
        lease = self._leases.get(key)
        if lease is None:
            if len(self._leases) >= MOST_LEASES:
                self._leases = {key: lease for key, lease in self._leases.items() if lease.until > now}
            lease = self._leases[key] = Lease()
        return lease

    async def _ask(self, limits: Sequence[tuple[str, Limit]]) -> None:
        if self._next is None:
            self._next = Asking()
        asking = self._next
        for key, limit in limits:
            asking.add(key, limit)
        if self._asker is None or self._asker.done():
            self._asker = asyncio.create_task(self._answer_all())
        await asyncio.shield(asking.answered)

    async def _answer_all(self) -> None:
        await asyncio.sleep(0)  # whoever comes in the same turn of the loop asks along
        while self._next is not None:
            asking, self._next = self._next, None
            try:
                self._lend(asking, await self._take(list(asking.asks.values())))
            finally:
                asking.answered.set_result(None)

    def _lend(self, asking: Asking, grants: Sequence[Grant]) -> None:
        now = self._now()
        for key, grant in zip(asking.asks, grants, strict=True):
            lease = self._lease(key, now)
            lease.left = grant.granted + (lease.left if lease.holds(now) else 0)
            lease.until = now + LEASE_SECONDS
            lease.refused_until = now + grant.wait_seconds

    async def _take(self, asks: Sequence[Ask]) -> list[Grant]:
        if self._away_until is not None and self._now() < self._away_until:
            return await self._take_alone(asks)
        try:
            async with asyncio.timeout(self._patience_seconds):
                grants = await self._store.take(asks)
        except (StoreAway, TimeoutError) as error:
            self._note_away(error)
            return await self._take_alone(asks)
        if self._away_until is not None:
            self._away_until = None
            log.warning("limits.shared_again")
        return grants

    async def _take_alone(self, asks: Sequence[Ask]) -> list[Grant]:
        self.rounds_alone += 1
        return await self._local.take(asks)

    def _note_away(self, error: Exception) -> None:
        if self._away_until is None:
            log.error("limits.store_away", error=type(error).__name__)
        self._away_until = self._now() + REST_SECONDS
