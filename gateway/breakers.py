"""Keeps one department's trouble its own: a breaker that rests a failing backend, and a bulkhead that bounds its calls.

Pure state machines fed with time; they call nobody.
"""

from typing import Final

from app.kit.structs import Model

WINDOW_SECONDS: Final = 5.0


class BreakerSettings(Model):
    """Opens after `failures` within five seconds that are at least half of all calls; probes every `rest_seconds`."""

    failures: int = 5
    rest_seconds: float = 2.0


class Breaker:
    """Closed → open (resting) → half-open (one probe at a time) → closed.

    Guaranteed: at most one call reaches a resting department at a time; one success closes the breaker.
    """

    def __init__(self, settings: BreakerSettings) -> None:
        self._settings = settings
        self._calls: list[tuple[float, bool]] = []
        self._opened_at: float | None = None
        self._probing = False
        self.failing_since: float | None = None

    def wait_seconds(self, now: float) -> float:
        """0 when a call may go out now, else the seconds until one may. Let out of an open breaker, it is a probe."""
        if self._opened_at is None:
            return 0.0
        if self._probing:
            return self._settings.rest_seconds
        rest = self._opened_at + self._settings.rest_seconds - now
        if rest > 0:
            return rest
        self._probing = True
        return 0.0

    def succeeded(self, now: float) -> None:
        """A call came back as it should."""
        self._probing = False
        if self._opened_at is not None:
            self._calls.clear()
        self._opened_at = self.failing_since = None
        self._remember(now, failed=False)

    def failed(self, now: float) -> None:
        """A call found nobody, took too long, or came back broken."""
        self.failing_since = self.failing_since or now
        self._remember(now, failed=True)
        if self._opened_at is None:
            self._opened_at = now if self._is_bad() else None
        elif self._probing:
            self._opened_at, self._probing = now, False

    def abandoned(self) -> None:
        """A call ended without telling anything about the department: the caller left."""
        self._probing = False

    def _remember(self, now: float, *, failed: bool) -> None:
        self._calls = [call for call in self._calls if now - call[0] <= WINDOW_SECONDS][-MOST_REMEMBERED:]
        self._calls.append((now, failed))

    def _is_bad(self) -> bool:
        failures = sum(failed for _, failed in self._calls)
        return failures >= self._settings.failures and 2 * failures >= len(self._calls)


MOST_REMEMBERED: Final = 199


class Bulkhead:
    """At most `places` calls of one department at a time; the next is refused at once instead of queueing."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken = 0

    def enter(self) -> bool:
        """Takes a place; False when there is none."""
        if self._taken >= self._places:
            return False
        self._taken += 1
        return True

    def leave(self) -> None:
        """Gives the place back."""
        self._taken -= 1


class Protection:
    """Breaker and bulkhead of every department, made when first asked for."""

    def __init__(self, *, breaker: BreakerSettings, places: int) -> None:
        self._breaker_settings = breaker
        self._places = places
        self._breakers: dict[str, Breaker] = {}
        self._bulkheads: dict[str, Bulkhead] = {}

    def breaker(self, department: str) -> Breaker:
        """The department's breaker."""
        if department not in self._breakers:
            self._breakers[department] = Breaker(self._breaker_settings)
        return self._breakers[department]

    def bulkhead(self, department: str) -> Bulkhead:
        """The department's bulkhead."""
        if department not in self._bulkheads:
            self._bulkheads[department] = Bulkhead(self._places)
        return self._bulkheads[department]
