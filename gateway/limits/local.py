"""Limits in the memory of one worker: all that a single one needs, and the refuge of many when their store is away."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from gateway.limits.models import Ask, Grant, Limit, look, take

MOST_BUCKETS: Final = 100_000


def steady_us() -> int:
    """A clock that never goes back, in microseconds."""
    return time.monotonic_ns() // 1000


class LocalLimits:
    """Buckets by key."""

    def __init__(self, *, most_buckets: int = MOST_BUCKETS, now_us: Callable[[], int] = steady_us) -> None:
        self._arrivals: dict[str, int] = {}
        self._most_buckets = most_buckets
        self._now_us = now_us

    async def admit(self, limits: Sequence[tuple[str, Limit]]) -> float:
        """As `Limits.admit`. A request that one limit refuses is counted under none."""
        now_us, arrivals, longest = self._now_us(), self._arrivals, 0
        counted: list[tuple[str, int]] = []
        for key, limit in limits:
            start, wait = look(limit, arrivals.get(key), now_us)
            counted.append((key, start + limit.interval_us))
            longest = max(longest, wait)
        if longest:
            return longest / 1_000_000
        for key, arrival in counted:
            self._keep(key, arrival, now_us)
        return 0.0

    async def take(self, asks: Sequence[Ask]) -> list[Grant]:
        """As `Store.take`, for this worker alone."""
        now_us, grants = self._now_us(), list[Grant]()
        for ask in asks:
            arrival, grant = take(ask.limit, self._arrivals.get(ask.key), ask.wanted, now_us)
            self._keep(ask.key, arrival, now_us)
            grants.append(grant)
        return grants

    def _keep(self, key: str, arrival: int, now_us: int) -> None:
        if key not in self._arrivals and len(self._arrivals) >= self._most_buckets:
            self._forget(now_us)
        self._arrivals[key] = arrival

    def _forget(self, now_us: int) -> None:
        """Drops buckets that are full again; when all are in use, the oldest tenth."""
        self._arrivals = {key: arrival for key, arrival in self._arrivals.items() if arrival > now_us}
        if len(self._arrivals) >= self._most_buckets:
            for key in list(self._arrivals)[: max(1, self._most_buckets // 10)]:
                del self._arrivals[key]
