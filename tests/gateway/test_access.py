"""Access rows go out in order, at the end of the loop's turn, whichever loop runs."""

import asyncio

import msgspec
import pytest

from app.kit.clock import SystemClock
from gateway.access import write_row
from gateway.trace import Trace


def write(*routes: str) -> None:
    for route in routes:
        trace = Trace()
        trace.route, trace.status = route, 200
        write_row(trace.row("GET", SystemClock().now()))


def routes_in(out: bytes) -> list[str]:
    return [msgspec.json.decode(line)["route"] for line in out.splitlines()]


async def test_rows_of_one_turn_go_out_in_order_before_the_next(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write("/a", "/b")
    await asyncio.sleep(0)
    write("/c")
    assert routes_in(capfdbinary.readouterr().out) == ["/a", "/b"]
    await asyncio.sleep(0)
    assert routes_in(capfdbinary.readouterr().out) == ["/c"]


def test_rows_of_a_loop_that_ended_go_out_with_the_next(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    ended = asyncio.new_event_loop()
    ended.run_until_complete(_write_last(ended))
    ended.close()

    async def go_on() -> None:
        write("/b")
        await asyncio.sleep(0)

    asyncio.run(go_on())
    assert routes_in(capfdbinary.readouterr().out) == ["/a", "/b"]


async def _write_last(loop: asyncio.AbstractEventLoop) -> None:
    loop.stop()  # nothing that is scheduled from here on has its turn
    write("/a")
