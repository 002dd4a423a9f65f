"""Rate limits (GCRA) in the memory of one worker. Refuses nothing by itself: it only says how long to wait.

Several workers each keep their own buckets, so a limit is per worker until blocks are leased from a shared store.
"""

from collections.abc import Hashable
from typing import Final

from app.kit.structs import Model

MOST_BUCKETS: Final = 100_000


class Limit(Model):
    """`requests` in `per_seconds`, evenly, with a burst of `burst` at once."""

    requests: int
    per_seconds: float
    burst: int

    @property
    def interval_seconds(self) -> float:
        """The time after which one more request is due."""
        return self.per_seconds / self.requests


def next_arrival(limit: Limit, arrival: float | None, now: float) -> tuple[float, float]:
    """The generic cell rate algorithm: (theoretical arrival time to store, seconds to wait; 0 = let it in).

    `arrival` is what was stored last, None for the first request. A refused request changes nothing.
    """
    earliest = now if arrival is None else max(arrival, now)
    wait = earliest - now - limit.interval_seconds * (limit.burst - 1)
    if wait > _ROUNDING:
        return earliest, wait
    return earliest + limit.interval_seconds, 0.0


_ROUNDING = 1e-9


class RateLimiter:
    """Buckets by key. Times are seconds of any steady clock."""

    def __init__(self, *, most_buckets: int = MOST_BUCKETS) -> None:
        self._arrivals: dict[Hashable, float] = {}
        self._most_buckets = most_buckets

    def wait_seconds(self, key: Hashable, limit: Limit, now: float) -> float:
        """0 when the request may pass (it is then counted), else the seconds until it may."""
        arrival, wait = next_arrival(limit, self._arrivals.get(key), now)
        if wait == 0:
            if key not in self._arrivals and len(self._arrivals) >= self._most_buckets:
                self._forget(now)
            self._arrivals[key] = arrival
        return wait

    def _forget(self, now: float) -> None:
        """Drops buckets that are full again; when all are in use, the oldest tenth."""
        self._arrivals = {key: arrival for key, arrival in self._arrivals.items() if arrival > now}
        if len(self._arrivals) >= self._most_buckets:
            for key in list(self._arrivals)[: max(1, self._most_buckets // 10)]:
                del self._arrivals[key]
