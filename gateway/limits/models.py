"""The generic cell rate algorithm (ITU-T I.371, annex A): pure, in whole microseconds, so that all stores agree."""

from functools import cached_property

from app.kit.structs import Model


class Limit(Model, dict=True):
    """`requests` in `per_seconds`, evenly, with a burst of `burst` at once. What follows from them is reckoned once."""

    requests: int
    per_seconds: float
    burst: int

    @cached_property
    def interval_us(self) -> int:
        """The time after which one more request is due, in microseconds; at least one."""
        return max(1, round(self.per_seconds * 1_000_000 / self.requests))

    @cached_property
    def tolerance_us(self) -> int:
        """How far ahead of its time a request may come, in microseconds."""
        return (self.burst - 1) * self.interval_us

    @cached_property
    def block(self) -> int:
        """How many requests a worker asks for at once: a tenth of a second's worth, and never a tenth of the burst."""
        return max(1, min(self.burst // 10, int(self.requests / self.per_seconds / 10)))


class Ask(Model):
    """How many requests under one key somebody wants to let in."""

    key: str
    limit: Limit
    wanted: int = 1


class Grant(Model):
    """How many may be let in; if none, in how many seconds there will be one."""

    granted: int
    wait_seconds: float = 0.0


def look(limit: Limit, arrival_us: int | None, now_us: int) -> tuple[int, int]:
    """From when one request would count, and how long it has to wait, in microseconds; 0 when it may pass.

    `arrival_us` is what was stored last, None for the first request.
    """
    start = now_us if arrival_us is None or arrival_us < now_us else arrival_us
    return start, max(0, start - now_us - limit.tolerance_us)


def take(limit: Limit, arrival_us: int | None, wanted: int, now_us: int) -> tuple[int, Grant]:
    """The theoretical arrival time to store next, and what is granted of `wanted`; `arrival_us` as for `look`.

    Who gets nothing changes nothing.
    """
    start, wait = look(limit, arrival_us, now_us)
    room = (now_us + limit.burst * limit.interval_us - start) // limit.interval_us
    granted = max(0, min(wanted, room))
    if granted:
        return start + granted * limit.interval_us, Grant(granted=granted)
    return start, Grant(granted=0, wait_seconds=wait / 1_000_000)
