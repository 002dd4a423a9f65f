"""Ten times the load: what is still done of it, how quickly the rest is refused, and how soon all is as before.

One worker on one core. The load is proxied calls; beside it a few callers ask for what outranks them. Callers who are
refused come back when they were told to (polite), or at once (rude). `python -m bench overload`.
"""

import asyncio
import itertools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

import httpx

from app.demo.chapters.department import LIBRARY, bring_live
from app.demo.city import City, Program
from app.demo.journey import RunningHouse, running_house
from app.demo.phone import Phone
from app.demo.registries import RESIDENTS
from app.demo.stage import Stage
from app.demo.story import Story
from app.kit.processes import free_port
from app.settings import read_settings
from bench.load import CONNECTIONS, press, request_bytes
from bench.result import Row
from bench.served import ROUTES, _bearer, _pin_tree

TIMES = 10
TURNS = 3
TURN_SECONDS = 3.0
SETTLE_SECONDS = 1.5
FIRST_CALLERS = 2
NORMAL_WITHIN_SECONDS = 10.0
REFUSED = 503


class Watch:
    """Times by what became of a request, in seconds."""

    def __init__(self) -> None:
        self.done: list[float] = []
        self.refused: list[float] = []
        self.other = 0

    def note(self, status: int, seconds: float) -> None:
        """One answer."""
        if status == REFUSED:
            self.refused.append(seconds)
        elif status < REFUSED and status // 100 == 2:
            self.done.append(seconds)
        else:
            self.other += 1


def rows() -> list[Row]:
    """Goodput at ten times the load, polite and rude."""
    settings = read_settings(
        {
            "SUISHEN_DATA_DIRECTORY": tempfile.mkdtemp(prefix="suishen-bench-"),
            "SUISHEN_CALLS_PER_PERSON": "100000",
            "SUISHEN_CALLS_PER_APP": "100000",
        }
    )
    Path(settings.data_directory).chmod(0o755)
    city = City(departments={"library": Program(name="library", module="bench.upstream", port=free_port())})
    with running_house(
        settings, pictures=settings.data_directory / "pictures", workers=1, tell=lambda _line: None, city=city
    ) as house:
        _pin_tree(house.pid, 0)
        return asyncio.run(_measure(house))


async def _measure(house: RunningHouse) -> list[Row]:
    async with httpx.AsyncClient(base_url=house.settings.public_origin, timeout=20) as http:
        stage = Stage(
            story=Story(lambda _line: None),
            settings=house.settings,
            city=house.city,
            staff=house.staff,
            http=http,
            pictures=house.settings.data_directory / "pictures",
            citizen=Phone(http),
        )
        reviewer = await stage.staff.sign_in(http, "demo-reviewer")
        await bring_live(stage, "library", reviewer, routes=ROUTES)
        tokens = await _bearer(stage, "19900000301", RESIDENTS[0])
        headers = {"authorization": f"Bearer {tokens['access_token']}"}
        call = request_bytes("GET", f"/apps/{LIBRARY}/loans", house.settings.apps_host, headers)
        first = request_bytes("GET", "/v1/trust-list", http.base_url.netloc.decode(), {})
        await asyncio.sleep(2)  # published everywhere
        return [await _row(house.settings.port, call, first, polite=polite) for polite in (True, False)]


async def _row(port: int, call: bytes, first: bytes, *, polite: bool) -> Row:
    peaks: list[float] = []
    goods: list[float] = []
    calls, firsts, back = Watch(), Watch(), 0.0
    await press(port, itertools.repeat(call), seconds=1.0)
    alone = (await press(port, itertools.repeat(call), seconds=1.0, connections=1)).p50_ms
    for _ in range(TURNS):
        peak = await press(port, itertools.repeat(call), seconds=TURN_SECONDS)
        assert peak.all_ok, peak.statuses
        peaks.append(peak.rate)
        goods.append(await _overload(port, call, first, calls, firsts, polite=polite))
        back = max(back, await _until_normal(port, call, 2 * alone))
    return Row(
        row=f"ten times the load, {'polite' if polite else 'rude'}",
        unit="1/s",
        ours=median(goods),
        limit=median(peaks),
        limit_is="peak with a tenth of the callers, in turn",
        promise=0.9,
        note=(
            f"refused {len(calls.refused)}, done {len(calls.done)}; refusals p99 {_p99(calls.refused):.0f} ms; "
            f"served p99 {_p99(calls.done):.0f} ms; of {len(firsts.done) + len(firsts.refused)} trust lists meanwhile "
            f"{len(firsts.refused)} refused, p99 {_p99(firsts.done):.0f} ms; normal again after {back:.1f} s; "
            f"neither done nor refused: {calls.other + firsts.other}"
        ),
    )


async def _overload(port: int, call: bytes, first: bytes, calls: Watch, firsts: Watch, *, polite: bool) -> float:
    """Goodput of calls a second, once the gate has found its measure."""
    settled = time.perf_counter() + SETTLE_SECONDS
    until = settled + TURN_SECONDS
    done = 0

    def note(status: int, seconds: float) -> None:
        nonlocal done
        if time.perf_counter() >= settled:
            calls.note(status, seconds)
            done += status == 200

    await asyncio.gather(
        *(_caller(port, call, until, note, polite=polite) for _ in range(TIMES * CONNECTIONS)),
        *(_caller(port, first, until, firsts.note, polite=True) for _ in range(FIRST_CALLERS)),
    )
    return done / TURN_SECONDS


async def _caller(port: int, request: bytes, until: float, note: Callable[[int, float], None], *, polite: bool) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (began := time.perf_counter()) < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        await reader.readexactly(int(lower.partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
        status = int(head[9:12])
        note(status, time.perf_counter() - began)
        if polite and status == REFUSED:
            await asyncio.sleep(min(until - began, int(lower.partition(b"retry-after:")[2].split(b"\r\n", 1)[0])))
    writer.close()


async def _until_normal(port: int, call: bytes, milliseconds: float) -> float:
    """Seconds until a lone caller is served as quickly as before, all of ten times in a row."""
    began = time.perf_counter()
    while (spent := time.perf_counter() - began) < NORMAL_WITHIN_SECONDS:
        outcome = await press(port, iter([call] * 10), seconds=1.0, connections=1)
        if outcome.all_ok and outcome.p50_ms <= milliseconds:
            return spent
    return spent


def _p99(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[98] * 1000 if len(seconds) > 1 else 0.0
