"""What is known of how a release fares: counts of calls and of what went wrong with them. Pure; judged in `halting`."""

from collections.abc import Iterable
from typing import Final

from app.kit.structs import Model

BOUNDS_MS: Final = (50, 100, 200, 400, 800, 1600, 3200, 6400)
"""Upper ends of the classes of duration, in milliseconds; a ninth class holds what took longer."""
NO_DURATIONS: Final = (0,) * (len(BOUNDS_MS) + 1)


class Health(Model):
    """Calls of one release in some span. `faults` are answers of 500 and more, broken ones and none at all.

    A call counts in one of `faults`, `timeouts` and `bad_signatures` at most: the department did not believe that the
    city had signed it. `durations` counts all calls by class.
    """

    calls: int = 0
    faults: int = 0
    timeouts: int = 0
    bad_signatures: int = 0
    durations: tuple[int, ...] = NO_DURATIONS

    @property
    def p95_ms(self) -> int | None:
        """The upper end of the class in which the 95th percentile lies; None without calls or beyond every class."""
        behind = 0
        for bound, count in zip(BOUNDS_MS, self.durations, strict=False):
            behind += count
            if self.calls and behind * 100 >= self.calls * 95:
                return bound
        return None

    def slower_than(self, bound_ms: int) -> int:
        """How many calls took longer than `bound_ms`, which is one of `BOUNDS_MS`."""
        return sum(self.durations[BOUNDS_MS.index(bound_ms) + 1 :])


def together(parts: Iterable[Health]) -> Health:
    """All of them as one."""
    known = list(parts) or [Health()]
    return Health(
        calls=sum(part.calls for part in known),
        faults=sum(part.faults for part in known),
        timeouts=sum(part.timeouts for part in known),
        bad_signatures=sum(part.bad_signatures for part in known),
        durations=tuple(sum(counts) for counts in zip(*(part.durations for part in known), strict=True)),
    )
