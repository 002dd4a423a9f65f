"""Ten times the callers, each of whom goes away when the answer takes too long: work done too late is done for nobody.

With the gate nearly all of a worker's work is in time; with the gate open, next to none. Both are shown, side by side.
"""

import asyncio
import time
from typing import Any

import pytest

from gateway.overload.gate import Gate, OverloadSettings
from gateway.overload.shield import Shield, listen

STEPS, STEP_SECONDS = 5, 0.001
CALLERS = 16
PATIENCE_SECONDS = 0.65
REFUSED_REST_SECONDS = 0.1
SHORT = OverloadSettings(patience=(0.0, 0.15, 0.15, 0.15))  # far from where callers give up: machines stall
OPEN = OverloadSettings(most=100_000, late_seconds=1e9)


async def work(_scope: Any, _receive: Any, send: Any) -> None:
    """Some rounds of the loop, with the processor busy in each."""
    for _ in range(STEPS):
        until = time.perf_counter() + STEP_SECONDS
        while time.perf_counter() < until:
            pass
        await asyncio.sleep(0)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class Crowd:
    """Callers who come again and again, and what became of their calls."""

    def __init__(self, shield: Shield) -> None:
        self._shield = shield
        self.in_time = 0
        self.late = 0
        self.refusals: list[float] = []

    async def press(self, callers: int, seconds: float) -> float:
        """Calls a second that were answered in time."""
        self.in_time, until = 0, time.perf_counter() + seconds
        await asyncio.gather(*(self._call_until(until) for _ in range(callers)))
        return self.in_time / seconds

    async def _call_until(self, until: float) -> None:
        while (began := time.perf_counter()) < until:
            statuses: list[int] = []

            async def send(message: dict[str, Any], statuses: list[int] = statuses) -> None:
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            await self._shield({"type": "http", "raw_path": b"/apps/a/b", "headers": []}, _nothing, send)
            spent = time.perf_counter() - began
            if statuses == [503]:
                self.refusals.append(spent)
                await asyncio.sleep(REFUSED_REST_SECONDS)
            elif spent <= PATIENCE_SECONDS:
                self.in_time += 1
            else:
                self.late += 1


async def _nothing() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def _for_ever(gate: Gate) -> None:
    while True:
        await listen(gate)


async def goodput(settings: OverloadSettings) -> tuple[float, Crowd]:
    """What is done in time of ten times the load, as a share of what is done at most."""
    gate = Gate(settings)
    crowd = Crowd(Shield(work, gate, apps_host="apps.localhost"))
    ear = asyncio.ensure_future(_for_ever(gate))
    try:
        peak = await crowd.press(CALLERS, 0.8)
        await crowd.press(10 * CALLERS, 1.0)  # until the gate has found its measure
        crowd.refusals.clear()
        return await crowd.press(10 * CALLERS, 1.2) / peak, crowd
    finally:
        ear.cancel()


@pytest.mark.timeout(60)
async def test_ten_times_the_load_is_done_in_time_or_refused_at_once() -> None:
    share, crowd = await goodput(SHORT)
    assert share > 0.4
    assert crowd.refusals
    assert sorted(crowd.refusals)[len(crowd.refusals) * 9 // 10] < 0.05
    without, _ = await goodput(OPEN)
    assert without < share / 2
