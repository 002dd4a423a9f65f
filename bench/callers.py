"""Callers who keep a steady pace, in a process of their own: what one of them reads must not delay another's clock.

`python -m bench.callers`: one JSON `Errand` on standard input; says "ready", waits for a line, calls, prints `Times`.
"""

import asyncio
import contextlib
import os
import sys
import time
from collections import Counter
from statistics import quantiles

import msgspec

from bench.load import read_answer

OK = 200
LONGEST_WAIT_SECONDS = 3.0
BEHIND_OTHERS = 10


class Times(msgspec.Struct):
    """What one kind of caller met: answers by status (0: none), and how long each took."""

    statuses: dict[int, int] = msgspec.field(default_factory=dict)
    seconds: list[float] = msgspec.field(default_factory=list)

    @property
    def errors(self) -> int:
        """Whatever was not a good answer."""
        return sum(self.statuses.values()) - self.statuses.get(OK, 0)

    @property
    def p99_ms(self) -> float:
        """In milliseconds."""
        return quantiles(self.seconds, n=100)[98] * 1000 if len(self.seconds) > 1 else 0.0

    def add(self, other: "Times") -> None:
        """Both together."""
        self.statuses = dict(Counter(self.statuses) + Counter(other.statuses))
        self.seconds += other.seconds


class Errand(msgspec.Struct, frozen=True):
    """What to send, how often, for how long.

    `pause` is the time from one call of a caller to its next; the callers come one by one within `arrival` seconds.
    """

    port: int
    request: bytes
    seconds: float
    callers: int
    pause: float
    arrival: float = 0.0


async def go(errand: Errand) -> Times:
    """All callers, until the time is over; whoever is not answered stops waiting."""
    seen, end = Times(), time.monotonic() + errand.seconds
    async with asyncio.TaskGroup() as group:
        for number in range(errand.callers):
            group.create_task(_call(errand, end, seen, number * errand.arrival / errand.callers))
    return seen


async def _call(errand: Errand, end: float, seen: Times, wait: float) -> None:
    await asyncio.sleep(wait)
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    with contextlib.ExitStack() as open_ones:
        while True:
            begin = time.monotonic()
            try:
                if connection is None:
                    connection = await asyncio.open_connection("127.0.0.1", errand.port)
                    open_ones.callback(connection[1].close)
                connection[1].write(errand.request)
                async with asyncio.timeout(max(end - begin, LONGEST_WAIT_SECONDS)):
                    status, _ = await read_answer(connection[0])
            except (OSError, TimeoutError, EOFError):
                status, connection = 0, None
            seen.statuses[status] = seen.statuses.get(status, 0) + 1
            seen.seconds.append(time.monotonic() - begin)
            if time.monotonic() + errand.pause >= end:
                return
            await asyncio.sleep(max(0.0, begin + errand.pause - time.monotonic()))


def main() -> None:
    """As a program; behind others, as callers elsewhere would be."""
    os.nice(BEHIND_OTHERS)
    errand = msgspec.json.decode(sys.stdin.buffer.readline(), type=Errand)
    print("ready", flush=True)
    sys.stdin.buffer.readline()
    print(msgspec.json.encode(asyncio.run(go(errand))).decode(), flush=True)


if __name__ == "__main__":
    main()
