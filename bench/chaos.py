"""One department misbehaves in every way it can while its neighbour is measured: added errors, and the p99 beside.

The neighbour is called at a steady pace; so is the bad one, in turns as it should be and as it should not, so that only
the misbehaviour differs. Bounded, loopback only.
"""

import asyncio
import contextlib
import itertools
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import msgspec

from app.demo.chapters.department import CHAOS, LIBRARY, bring_live
from app.demo.city import City, department_program, desk_of
from app.demo.journey import RunningHouse, running_house
from app.demo.phone import Phone
from app.demo.registries import RESIDENTS
from app.demo.stage import Stage
from app.demo.story import Story
from app.kit.processes import free_port
from app.settings import read_settings
from bench.callers import OK, Errand, Times, go
from bench.load import request_bytes
from bench.result import Row, as_json, table
from bench.served import ROUTES, _bearer, _pin_tree
from miniapps.departments.misbehaviour import MODES

BAD = tuple(mode for mode in MODES if mode != "good")
TURN_SECONDS = 1.0
TURNS = 3
SAME_TURNS = 5
OUT = Path("bench/out/chaos.json")
CALLERS = 8
CALLER_PAUSE_SECONDS = 0.2
NEIGHBOURS = 4
NEIGHBOUR_PAUSE_SECONDS = 0.02
CROWD = 600  # more than the gateway has connections for all departments together
HEALS_SECONDS = 10.0
PROMISED_SHARE = 1.10


class Street:
    """A running city with two departments, and somebody who calls both."""

    def __init__(self, house: RunningHouse, token: str) -> None:
        self._port = house.settings.port
        self._lab = desk_of(house.settings, house.city, "chaos", "lab")
        headers = {"authorization": f"Bearer {token}"}
        host = house.settings.apps_host
        self.neighbour = request_bytes("GET", f"/apps/{LIBRARY}/loans", host, headers)
        self.bad = request_bytes("GET", f"/apps/{CHAOS}/calls", host, headers)

    async def turn(self, mode: str, *, seconds: float = TURN_SECONDS) -> tuple[Times, Times]:
        """Neighbour and bad department while the latter is in `mode`."""
        bad = self._errand(self.bad, seconds=seconds, callers=CALLERS, pause=CALLER_PAUSE_SECONDS)
        return await self._beside(mode, bad)

    async def crowd(self, mode: str, *, seconds: float) -> tuple[Times, Times]:
        """The same with many callers, who come one by one and call once."""
        crowd = self._errand(self.bad, seconds=seconds, callers=CROWD, pause=seconds)
        return await self._beside(mode, msgspec.structs.replace(crowd, arrival=seconds / 2))

    async def _beside(self, mode: str, bad: Errand) -> tuple[Times, Times]:
        await self.choose(mode)
        seconds = bad.seconds
        neighbour = self._errand(self.neighbour, seconds=seconds, callers=NEIGHBOURS, pause=NEIGHBOUR_PAUSE_SECONDS)
        async with _elsewhere(bad) as begin:
            their_times = begin()
            return await go(neighbour), await their_times

    def _errand(self, request: bytes, *, seconds: float, callers: int, pause: float) -> Errand:
        return Errand(port=self._port, request=request, seconds=seconds, callers=callers, pause=pause)

    async def knock(self, callers: int) -> Times:
        """So many call the bad department once."""
        return await go(self._errand(self.bad, seconds=0, callers=callers, pause=0))

    async def choose(self, mode: str) -> None:
        """From the next call on."""
        status, said = await self._lab.post("/desk/mode", {"part": "calls", "mode": mode})
        assert status == OK, said

    async def heal(self) -> float:
        """How long it takes until the department, which behaves again, is called again."""
        await self.choose("good")
        begin = time.monotonic()
        while time.monotonic() - begin < HEALS_SECONDS:
            seen = await self.knock(1)
            if not seen.errors:
                return time.monotonic() - begin
            await asyncio.sleep(0.05)
        raise TimeoutError(f"not called again within {HEALS_SECONDS} s")


@contextlib.asynccontextmanager
async def _elsewhere(errand: Errand) -> AsyncIterator[Callable[[], Awaitable[Times]]]:
    """Callers in a process of their own, ready to begin when they are told."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.callers", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(msgspec.json.encode(errand) + b"\n")
    await process.stdout.readline()

    def begin() -> Awaitable[Times]:
        return asyncio.ensure_future(_finish(process))

    yield begin
    await process.wait()


async def _finish(process: asyncio.subprocess.Process) -> Times:
    told, _ = await process.communicate(b"\n")
    return msgspec.json.decode(told, type=Times)


@contextlib.contextmanager
def house_of_two() -> Iterator[RunningHouse]:
    """A city of its own, with the library and the bad department as programs of theirs."""
    folder = tempfile.mkdtemp(prefix="suishen-chaos-")
    Path(folder).chmod(0o755)
    settings = read_settings({"SUISHEN_DATA_DIRECTORY": folder, "SUISHEN_CALLS_PER_PERSON": "100000"})
    city = City(departments={name: department_program(name, free_port()) for name in ("library", "chaos")})
    pictures = settings.data_directory / "pictures"
    with running_house(settings, pictures=pictures, workers=1, tell=_say_nothing, city=city) as house:
        _pin_tree(house.pid, 0)
        yield house


async def open_street(house: RunningHouse, http: httpx.AsyncClient) -> Street:
    """Both departments live, and a citizen with a token."""
    stage = Stage(
        story=Story(_say_nothing),
        settings=house.settings,
        city=house.city,
        staff=house.staff,
        http=http,
        pictures=house.settings.data_directory / "pictures",
        citizen=Phone(http),
    )
    reviewer = await stage.staff.sign_in(http, "demo-reviewer")
    await bring_live(stage, "library", reviewer, routes=ROUTES)
    await bring_live(stage, "chaos", reviewer)
    tokens = await _bearer(stage, "19900000301", RESIDENTS[0])
    street = Street(house, tokens["access_token"])
    await street.heal()  # published, and everything warm
    for _ in range(2):
        await street.turn("good", seconds=0.5)
    return street


def rows() -> list[Row]:
    """The worst mode's p99 beside that of a well-behaved department, and the errors added in all modes together."""
    with house_of_two() as house:
        return asyncio.run(_measure(house, print))


async def _measure(house: RunningHouse, tell: Callable[[str], None]) -> list[Row]:
    async with httpx.AsyncClient(base_url=house.settings.public_origin, timeout=20) as http:
        street = await open_street(house, http)
        spread = await _spread(street)
        worst, worst_mode, errors, heals = 0.0, "", 0, 0.0
        for mode in BAD:
            good, bad = Times(), Times()
            for _ in range(TURNS):
                heals = max(heals, await street.heal())
                good.add((await street.turn("good"))[0])
                bad.add((await street.turn(mode))[0])
            share = bad.p99_ms / good.p99_ms
            errors += bad.errors - good.errors
            tell(f"  {mode:<15} p99 {bad.p99_ms:6.1f} ms to {good.p99_ms:6.1f}: x {share:.2f}; errors {bad.errors}")
            worst, worst_mode = max((worst, worst_mode), (share, mode))
    promise = max(PROMISED_SHARE, spread)
    return [
        Row(
            row="neighbours of a bad one",
            unit="x",
            ours=promise / worst,
            limit=1.0,
            limit_is="p99 allowed beside a good department, by p99 in the worst mode",
            promise=1.0,
            note=f"{errors} added errors in {len(BAD)} modes; worst {worst_mode}: p99 x {worst:.2f}; the same twice "
            f"differs by x {spread:.2f}; called again {heals:.1f} s after it healed, at worst",
        )
    ]


async def _spread(street: Street) -> float:
    """How much the same differs from itself: the largest p99 of five turns by the smallest."""
    p99s = [(await street.turn("good"))[0].p99_ms for _ in itertools.repeat(None, SAME_TURNS)]
    return max(p99s) / min(p99s)


def _say_nothing(_line: str) -> None:
    """The story is not what is told here."""


def main() -> None:
    """Prints every mode as it is measured, then the row; writes it to `bench/out/chaos.json`."""
    found = rows()
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode([as_json(row) for row in found])) + b"\n")
    print(table(found), *(row.note for row in found), sep="\n")


if __name__ == "__main__":
    main()
