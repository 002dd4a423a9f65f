"""The algorithm itself, and the buckets of one worker."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.limits.local import LocalLimits
from gateway.limits.models import Ask, Grant, Limit, look, take

TWO_A_SECOND = Limit(requests=2, per_seconds=1, burst=3)
ONE_A_SECOND = Limit(requests=1, per_seconds=1, burst=1)
LIMITS = st.builds(Limit, requests=st.integers(1, 100), per_seconds=st.floats(0.1, 100), burst=st.integers(1, 50))


class Clock:
    def __init__(self) -> None:
        self.us = 0

    def __call__(self) -> int:
        return self.us


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> LocalLimits:
    return LocalLimits(now_us=clock)


async def test_a_burst_is_let_in_then_an_even_rate(limits: LocalLimits, clock: Clock) -> None:
    asked = [("a", TWO_A_SECOND)]
    assert [await limits.admit(asked) for _ in range(5)] == [0, 0, 0, 0.5, 0.5]
    clock.us = 499_999
    assert await limits.admit(asked) > 0
    clock.us = 500_000
    assert [await limits.admit(asked) > 0 for _ in range(2)] == [False, True]


async def test_keys_are_apart(limits: LocalLimits) -> None:
    assert [await limits.admit([(key, ONE_A_SECOND)]) for key in "aabb"] == [0, 1, 0, 1]


async def test_who_is_refused_under_one_limit_is_counted_under_none(limits: LocalLimits) -> None:
    both = [("person", TWO_A_SECOND), ("route", ONE_A_SECOND)]
    assert [await limits.admit(both) for _ in range(9)] == [0] + [1] * 8
    assert [await limits.admit(both[:1]) for _ in range(3)] == [0, 0, 0.5]


async def test_memory_stays_small(limits: LocalLimits) -> None:
    small = LocalLimits(most_buckets=10, now_us=lambda: 0)
    for number in range(1000):
        await small.admit([(str(number), TWO_A_SECOND)])
    assert len(small._arrivals) <= 10


@given(LIMITS, st.lists(st.tuples(st.integers(0, 500_000), st.integers(1, 20)), min_size=1, max_size=200))
def test_no_limit_is_exceeded_in_any_window(limit: Limit, steps: list[tuple[int, int]]) -> None:
    arrival: int | None = None
    now, let_in = 0, list[tuple[int, int]]()
    for gap, wanted in steps:
        now += gap
        arrival, grant = take(limit, arrival, wanted, now)
        assert (grant.granted == 0) == (grant.wait_seconds > 0)
        let_in.append((now, grant.granted))
    for first, (began, _) in enumerate(let_in):
        span = let_in[-1][0] - began
        assert sum(granted for _, granted in let_in[first:]) <= limit.burst + span / limit.interval_us + 1e-6


@given(LIMITS, st.integers(1, 60), st.integers(0, 10**9))
def test_many_at_once_are_as_many_one_by_one(limit: Limit, wanted: int, now: int) -> None:
    at_once, grant = take(limit, None, wanted, now)
    arrival: int | None = None
    one_by_one = 0
    for _ in range(wanted):
        arrival, step = take(limit, arrival, 1, now)
        one_by_one += step.granted
    assert (grant.granted, at_once) == (one_by_one, arrival)


@given(LIMITS)
def test_after_the_wait_there_is_one(limit: Limit) -> None:
    arrival, _ = take(limit, None, limit.burst, 0)
    _, refused = take(limit, arrival, 1, 0)
    wait = round(refused.wait_seconds * 1_000_000)
    assert take(limit, arrival, 1, wait - 1)[1].granted == 0
    assert take(limit, arrival, 1, wait)[1] == Grant(granted=1)


@given(LIMITS)
def test_a_block_is_little_of_a_burst(limit: Limit) -> None:
    assert limit.block == 1 or limit.block * 10 <= limit.burst


async def test_a_store_of_one_grants_what_there_is(limits: LocalLimits) -> None:
    asks = [Ask(key=key, limit=TWO_A_SECOND, wanted=wanted) for key, wanted in zip("ab", (2, 9), strict=True)]
    assert [grant.granted for grant in await limits.take(asks)] == [2, 3]
    assert [grant.granted for grant in await limits.take(asks)] == [1, 0]
    assert list(itertools.chain(grant.wait_seconds for grant in await limits.take(asks))) == [0.5, 0.5]


@given(LIMITS, st.none() | st.integers(0, 10**9), st.integers(0, 10**9))
def test_looking_says_what_taking_one_would_give(limit: Limit, arrival: int | None, now: int) -> None:
    start, wait = look(limit, arrival, now)
    stored, grant = take(limit, arrival, 1, now)
    assert (grant.granted, grant.wait_seconds) == ((0, wait / 1_000_000) if wait else (1, 0.0))
    assert stored == (start if wait else start + limit.interval_us)
