"""How quickly one department's long answers are read: a greedy one takes its own time, and not the worker's.

Pure: fed with time. Short answers, which come with their head, are not counted.
"""

from typing import Final

MEBIBYTE: Final = 1024 * 1024
BYTES_A_SECOND: Final = 16 * MEBIBYTE
AT_ONCE: Final = 2 * MEBIBYTE
LEAST_WAIT: Final = 0.05  # waiting often and briefly costs more than what is waited for


class Pace:
    """A bucket of bytes for one department in one worker. It may be overdrawn; then whoever reads waits."""

    __slots__ = ("_at", "_left")

    def __init__(self) -> None:
        self._left: float = AT_ONCE
        self._at: float | None = None

    def wait_seconds(self, size: int, now: float) -> float:
        """How long to wait after `size` bytes were read at `now` (seconds of any steady clock)."""
        passed = 0.0 if self._at is None else max(0.0, now - self._at)
        self._left = min(AT_ONCE, self._left + passed * BYTES_A_SECOND) - size
        self._at = now
        wait = -self._left / BYTES_A_SECOND
        return wait if wait >= LEAST_WAIT else 0.0
