"""One department misbehaves in every way it can; whoever calls another one notices nothing. Real processes, one worker.

Times on a shared machine are worthless; here they are held against those of the same city a moment before, generously.
`python -m bench.chaos` measures the promise itself.
"""

import time
from collections.abc import Iterator

import httpx
import pytest

from app.demo.journey import RunningHouse
from bench.callers import OK, Times
from bench.chaos import BAD, CROWD, HEALS_SECONDS, Street, house_of_two, open_street

SHORT_SECONDS = 0.3
EVERY_FIFTH = 5
GENEROUS = 4.0
LEAST_MS = 150.0  # below this a neighbour's busy moment is all that is seen
PATIENCE_SECONDS = 1.0
RESTS_SECONDS = 5.0  # as long as calls that went well before still count
# What breaks off like another one that is tried here; the bench tries all of them.
LIKE_OTHERS = frozenset({"truncated", "header-flood", "hints"})


@pytest.fixture(scope="module")
def house() -> Iterator[RunningHouse]:
    with house_of_two() as house:
        yield house


async def test_no_misbehaviour_of_one_is_felt_by_others(house: RunningHouse) -> None:
    async with httpx.AsyncClient(base_url=house.settings.public_origin, timeout=20) as http:
        street = await open_street(house, http)
        await _try_every_mode(street)
        await _send_a_crowd(street)
        assert await street.heal() < HEALS_SECONDS


async def _try_every_mode(street: Street) -> None:
    before, during, refusals = Times(), Times(), set()
    for number, mode in enumerate(mode for mode in BAD if mode not in LIKE_OTHERS):
        if number % EVERY_FIFTH == 0:
            before.add((await street.turn("good", seconds=2 * SHORT_SECONDS))[0])
        neighbour, bad = await street.turn(mode, seconds=SHORT_SECONDS)
        during.add(neighbour)
        assert neighbour.errors == 0, f"{mode}: {neighbour.statuses}"
        refusals |= {status for status in bad.statuses if status != OK}
        if bad.errors:
            assert await street.heal() < HEALS_SECONDS, mode
    assert before.errors == 0
    assert refusals >= {502, 503, 504}, "nothing went wrong: the bad department is too good for this test"
    assert during.p99_ms < max(GENEROUS * before.p99_ms, LEAST_MS), (during.p99_ms, before.p99_ms)


async def _send_a_crowd(street: Street) -> None:
    """More callers than the gateway has connections: those who find no place at the department are told at once."""
    neighbour, crowd = await street.crowd("hang", seconds=3.0)
    assert neighbour.errors == 0, neighbour.statuses
    assert crowd.statuses.get(503, 0) > CROWD / 3, crowd.statuses
    assert max(neighbour.seconds) < PATIENCE_SECONDS
    failed_since = time.monotonic()
    while (await street.knock(4)).statuses.get(503, 0) < 3:  # once it rests, one caller at most tries it
        assert time.monotonic() - failed_since < RESTS_SECONDS, "it is asked on and on, and everybody waits for nothing"
