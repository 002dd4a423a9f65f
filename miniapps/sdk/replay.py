"""Remembers what was already used, for as long as it could be used again. Nothing here outlives its process."""

import heapq
import threading
import time
from collections.abc import Callable
from typing import Protocol

MOST_REMEMBERED = 200_000


class Replay(Protocol):
    """One memory for all processes of a department: put it in a shared store when there are several."""

    def first_time(self, token: str, until: float) -> bool:
        """Whether `token` was never shown before; remembers it until `until` (seconds since 1970). Atomic."""
        ...


class MemoryReplay:
    """For a department of one process. Safe between threads.

    When it is full of tokens that could still be replayed it refuses newcomers: better no answer than two.
    """

    def __init__(self, *, now: Callable[[], float] = time.time, most: int = MOST_REMEMBERED) -> None:
        self._now = now
        self._most = most
        self._seen: set[str] = set()
        self._ends: list[tuple[float, str]] = []
        self._lock = threading.Lock()

    def first_time(self, token: str, until: float) -> bool:
        """Whether `token` is new."""
        with self._lock:
            self._forget_ended()
            if token in self._seen or len(self._seen) >= self._most:
                return False
            self._seen.add(token)
            heapq.heappush(self._ends, (until, token))
            return True

    def _forget_ended(self) -> None:
        now = self._now()
        while self._ends and self._ends[0][0] < now:
            self._seen.discard(heapq.heappop(self._ends)[1])
