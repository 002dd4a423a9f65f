"""Keeps one department's trouble its own: a breaker that rests a failing backend, and a bulkhead that bounds its calls.

Pure state machines fed with time; they call nobody.
"""

from collections import deque
from typing import Final

from app.kit.structs import Model

WINDOW_SECONDS: Final = 5
SEVERAL: Final = 2


class BreakerSettings(Model):
    """Opens after `failures` within five seconds that are at least half of all calls; probes every `rest_seconds`."""

    failures: int = 5
    rest_seconds: float = 2.0


class Breaker:
    """Closed → open (resting) → half-open (one probe at a time) → closed.

    Guaranteed: at most one call reaches a resting department at a time; one success closes the breaker. While all that
    failed was one caller's, it rests from that caller alone: whoever knows a request that fails keeps nobody else out.
    """

    def __init__(self, settings: BreakerSettings) -> None:
        self._settings = settings
        self._seconds: deque[_Second] = deque(maxlen=WINDOW_SECONDS)
        self._opened_at: float | None = None
        self._from: frozenset[str | None] = frozenset()  # from whom it rests; of two or more, from everybody
        self._probing = False
        self.failing_since: float | None = None

    @property
    def resting(self) -> bool:
        """Whether the department is given rest, or probed after it."""
        return self._opened_at is not None

    def wait_seconds(self, now: float, caller: str | None = None) -> float:
        """0 when a call may go out now, else the seconds until one may. Let out of an open breaker, it is a probe."""
        if self._opened_at is None or (len(self._from) < SEVERAL and caller not in self._from):
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
            self._seconds.clear()
        self._opened_at = self.failing_since = None
        self._second(now).calls += 1

    def failed(self, now: float, caller: str | None = None) -> None:
        """A call of `caller` (None: the city itself) found nobody, took too long, or came back broken."""
        self.failing_since = self.failing_since or now
        second = self._second(now)
        second.calls, second.failures = second.calls + 1, second.failures + 1
        if len(second.callers) < SEVERAL:
            second.callers.add(caller)
        if self._opened_at is None:
            if self._is_bad(now):
                self._opened_at = now
                self._from = frozenset().union(*(each.callers for each in self._recent(now)))
            return
        if len(self._from) < SEVERAL:
            self._from |= {caller}
        if self._probing:
            self._opened_at, self._probing = now, False

    def abandoned(self) -> None:
        """A call ended without telling anything about the department: the caller left."""
        self._probing = False

    def _second(self, now: float) -> "_Second":
        if not self._seconds or self._seconds[-1].at != int(now):
            self._seconds.append(_Second(int(now)))
        return self._seconds[-1]

    def _is_bad(self, now: float) -> bool:
        recent = self._recent(now)
        failures = sum(second.failures for second in recent)
        return failures >= self._settings.failures and 2 * failures >= sum(second.calls for second in recent)

    def _recent(self, now: float) -> "list[_Second]":
        return [second for second in self._seconds if second.at > now - WINDOW_SECONDS]


class _Second:
    """How many calls ended within one second, how many of them failed, and whose those were."""

    __slots__ = ("at", "callers", "calls", "failures")

    def __init__(self, at: int) -> None:
        self.at = at
        self.callers: set[str | None] = set()
        self.calls = 0
        self.failures = 0


class Bulkhead:
    """At most `places` calls of one department at a time; the next is refused at once instead of queueing.

    At most `each` of them are one caller's, so that nobody keeps others out by what is slow, or by an hour's streams.
    """

    def __init__(self, places: int, each: int | None = None) -> None:
        self._places = places
        self._each = places if each is None else each
        self._taken = 0
        self._held: dict[str, int] = {}

    @property
    def taken(self) -> int:
        """How many places are taken."""
        return self._taken

    def enter(self, caller: str | None = None) -> bool:
        """Takes a place for `caller`, None being the city itself; False when there is none for them."""
        if self._taken >= self._places or self.is_used_up(caller):
            return False
        self._taken += 1
        if caller is not None:
            self._held[caller] = self._held.get(caller, 0) + 1
        return True

    def leave(self, caller: str | None = None) -> None:
        """Gives the place back."""
        self._taken -= 1
        if caller is not None:
            held = self._held.pop(caller) - 1
            if held:
                self._held[caller] = held

    def is_used_up(self, caller: str | None) -> bool:
        """Whether the caller has their own part already."""
        return caller is not None and self._held.get(caller, 0) >= self._each


class RetryBudget:
    """One call in five may be sent again, so that retries never make a bad moment worse; a few are in reserve."""

    def __init__(self, *, share: float = 0.2, reserve: float = 5.0) -> None:
        self._share = share
        self._reserve = reserve
        self._saved = reserve

    def earn(self) -> None:
        """A call is made for the first time."""
        self._saved = min(self._reserve, self._saved + self._share)

    def spend(self) -> bool:
        """Whether one more may be sent again."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


class Lane:
    """What stands between the gateway and one department."""

    __slots__ = ("breaker", "budget", "bulkhead")

    def __init__(self, settings: BreakerSettings, places: int, each: int | None = None) -> None:
        self.breaker = Breaker(settings)
        self.bulkhead = Bulkhead(places, each)
        self.budget = RetryBudget()


class Protection:
    """The lane of every department, made when first asked for."""

    def __init__(self, *, breaker: BreakerSettings, places: int, each: int | None = None) -> None:
        self._breaker_settings = breaker
        self._places = places
        self._each = each
        self._lanes: dict[str, Lane] = {}

    def lane(self, department: str) -> Lane:
        """The department's breaker, bulkhead and retries."""
        lane = self._lanes.get(department)
        if lane is None:
            lane = self._lanes[department] = Lane(self._breaker_settings, self._places, self._each)
        return lane

    def lanes(self) -> list[tuple[str, Lane]]:
        """Every department that was called so far, with its lane."""
        return list(self._lanes.items())
