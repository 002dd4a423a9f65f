"""Breakers and bulkheads as state machines over time."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from gateway.breakers import Breaker, BreakerSettings, Bulkhead, Protection


def a_breaker() -> Breaker:
    return Breaker(BreakerSettings(failures=3, rest_seconds=2.0))


def opened() -> Breaker:
    breaker = a_breaker()
    for _ in range(3):
        assert breaker.wait_seconds(10.0) == 0
        breaker.failed(10.0)
    return breaker


def test_breaker_opens_after_failures() -> None:
    assert opened().wait_seconds(10.1) == pytest.approx(1.9)


def test_breaker_stays_closed_with_few_failures() -> None:
    breaker = a_breaker()
    for _ in range(2):
        breaker.failed(10.0)
    assert breaker.wait_seconds(10.0) == 0


def test_breaker_stays_closed_when_most_calls_succeed() -> None:
    breaker = a_breaker()
    for number in range(30):
        breaker.succeeded(10.0)
        if number % 3 == 0:
            breaker.failed(10.0)
    assert breaker.wait_seconds(10.0) == 0


def test_breaker_forgets_old_failures() -> None:
    breaker = a_breaker()
    for second in (0.0, 10.0, 20.0, 30.0):
        breaker.failed(second)
    assert breaker.wait_seconds(30.0) == 0


def test_breaker_lets_one_probe_out_at_a_time() -> None:
    breaker = opened()
    assert breaker.wait_seconds(12.0) == 0
    assert breaker.wait_seconds(12.0) > 0
    breaker.failed(12.5)
    assert breaker.wait_seconds(14.0) == pytest.approx(0.5)
    assert breaker.wait_seconds(14.5) == 0


def test_breaker_closes_after_a_good_probe() -> None:
    breaker = opened()
    assert breaker.failing_since == 10.0
    assert breaker.wait_seconds(12.0) == 0
    breaker.succeeded(12.0)
    assert breaker.failing_since is None
    assert [breaker.wait_seconds(12.0) for _ in range(5)] == [0] * 5
    breaker.failed(12.1)
    assert breaker.wait_seconds(12.1) == 0


def test_breaker_probes_again_when_a_probe_was_abandoned() -> None:
    breaker = opened()
    assert breaker.wait_seconds(12.0) == 0
    breaker.abandoned()
    assert breaker.wait_seconds(12.0) == 0


def test_breaker_is_not_kept_open_by_calls_that_began_before() -> None:
    breaker = opened()
    breaker.failed(11.9)
    assert breaker.wait_seconds(12.0) == 0


def failing(*callers: str) -> Breaker:
    breaker = a_breaker()
    for caller in callers:
        assert breaker.wait_seconds(10.0, caller) == 0
        breaker.failed(10.0, caller)
    return breaker


def test_breaker_rests_from_the_one_whose_calls_fail() -> None:
    breaker = failing("one", "one", "one")
    assert breaker.wait_seconds(10.1, "one") == pytest.approx(1.9)
    assert [breaker.wait_seconds(10.1, "other") for _ in range(5)] == [0] * 5
    breaker.failed(10.2, "one")  # one that was under way
    assert breaker.wait_seconds(10.2, "other") == 0


@pytest.mark.parametrize("callers", [("one", "one", "other"), ("one", "one", "one", "other")])
def test_breaker_rests_from_everybody_once_a_second_caller_failed(callers: tuple[str, ...]) -> None:
    breaker = failing(*callers)
    for who in ("one", "other", "third", None):
        assert breaker.wait_seconds(10.1, who) == pytest.approx(1.9)
    assert breaker.wait_seconds(12.0, "third") == 0  # the probe
    breaker.failed(12.5, "third")
    assert breaker.wait_seconds(12.5, "fourth") == pytest.approx(2.0)
    assert breaker.wait_seconds(14.5, "fourth") == 0
    breaker.succeeded(14.5)
    assert breaker.wait_seconds(14.5, "one") == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0, 1)), max_size=80))
def test_breaker_never_keeps_out_who_alone_does_well(calls: list[tuple[str, bool, float]]) -> None:
    """Whatever others do, "z" is let in until somebody besides the one who fails has failed as well."""
    breaker, now = a_breaker(), 100.0
    for who, fails, passed in calls:
        now += passed
        if breaker.wait_seconds(now, who) == 0:
            if fails and who == "a":
                breaker.failed(now, who)
            else:
                breaker.succeeded(now)
        assert breaker.wait_seconds(now, "z") == 0


def test_bulkhead_refuses_when_full() -> None:
    bulkhead = Bulkhead(2)
    assert [bulkhead.enter() for _ in range(3)] == [True, True, False]
    bulkhead.leave()
    assert bulkhead.enter()


def test_protection_keeps_departments_apart() -> None:
    protection = Protection(breaker=BreakerSettings(failures=1), places=1)
    protection.lane("a").breaker.failed(0.0)
    assert protection.lane("a").breaker.wait_seconds(0.0) > 0
    assert protection.lane("b").breaker.wait_seconds(0.0) == 0
    assert protection.lane("a").bulkhead.enter()
    assert protection.lane("b").bulkhead.enter()
    assert not protection.lane("a").bulkhead.enter()
