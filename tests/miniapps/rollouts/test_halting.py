"""When a release is halted: by a burst of anything bad, never by a handful, never for being no worse than the other."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from miniapps.releases.health import BOUNDS_MS, Health, together
from miniapps.rollouts.halting import ENOUGH_CALLS, STRIKES, Seen, judge, stand, strikes_after, surely_more_than

QUICK, MIDDLING, STUCK = 0, 3, len(BOUNDS_MS)


def seen(calls: int, *, at: int = QUICK, ratings: int = 0, bad_ratings: int = 0, **counts: int) -> Seen:
    durations = [0] * (len(BOUNDS_MS) + 1)
    durations[at] = calls
    return Seen(
        health=Health(calls=calls, durations=tuple(durations), **counts), ratings=ratings, bad_ratings=bad_ratings
    )


def measures(gray: Seen, published: Seen | None = None) -> list[str]:
    return [found.measure for found in judge(gray, published)]


WELL = seen(10_000, faults=10)


@pytest.mark.parametrize(
    ("gray", "measure"),
    [
        (seen(100, faults=30), "faults"),
        (seen(100, timeouts=30), "timeouts"),
        (seen(100, bad_signatures=20), "bad_signatures"),
        (seen(100, at=STUCK), "slow"),
        (seen(0, ratings=20, bad_ratings=18), "bad_ratings"),
        (seen(40, faults=40), "faults"),
    ],
)
@pytest.mark.parametrize("published", [None, WELL, seen(3)])
def test_a_burst_is_too_bad_with_and_without_comparison(gray: Seen, measure: str, published: Seen | None) -> None:
    assert measures(gray, published) == [measure]


@pytest.mark.parametrize(
    "gray",
    [
        seen(0),
        seen(ENOUGH_CALLS - 1, faults=ENOUGH_CALLS - 1),
        seen(100, faults=1),
        seen(100, faults=2, timeouts=2, bad_signatures=1),
        seen(1000, faults=30),  # three in a hundred, where thirty in a thousand calls may be chance
        seen(0, ratings=9, bad_ratings=9),
        seen(0, ratings=20, bad_ratings=5),
    ],
)
def test_a_handful_is_not(gray: Seen) -> None:
    assert measures(gray, WELL) == []


def test_a_release_is_measured_by_the_published_one() -> None:
    gray = seen(2000, faults=120)
    assert measures(gray, seen(10_000, faults=100)) == ["faults"]
    assert measures(gray, seen(10_000, faults=600)) == []


def test_no_comparison_excuses_more_than_the_cap() -> None:
    assert measures(seen(2000, faults=600), seen(10_000, faults=5000)) == ["faults"]


def test_slow_is_twice_as_slow_as_the_published_one() -> None:
    assert measures(seen(200, at=MIDDLING), seen(1000, at=QUICK)) == ["slow"]
    assert measures(seen(200, at=MIDDLING), seen(1000, at=MIDDLING)) == []
    assert measures(seen(200, at=MIDDLING + 1), seen(1000, at=MIDDLING)) == []
    assert measures(seen(200, at=MIDDLING + 2), seen(1000, at=MIDDLING)) == ["slow"]
    assert measures(seen(200, at=STUCK), seen(1000, at=STUCK)) == ["slow"]  # what hangs is no excuse for hanging


def test_one_bad_look_is_forgiven_and_three_in_a_row_are_not() -> None:
    strikes = 0
    for bad in (True, True, False, True, False, False):
        strikes = strikes_after(strikes, bad=bad)
        assert strikes < STRIKES
    for _ in range(STRIKES):
        strikes = strikes_after(strikes, bad=True)
    assert strikes == STRIKES
    assert strikes_after(0, bad=False) == 0


def stands(*voices: Health, published: Seen | None = WELL) -> bool:
    """Whether anything found of them all together is found without any one of them as well."""
    gray = Seen(health=together(voices))
    found = judge(gray, published)
    return bool(stand(found, gray, published, voices))


def voice(calls: int, faults: int = 0) -> Health:
    return seen(calls, faults=faults).health


def test_one_citizen_is_not_everybody() -> None:
    assert not stands(voice(200, 200))
    assert not stands(voice(200, 200), *[voice(20) for _ in range(5)])
    assert not stands(voice(200, 200), voice(29, 29))  # the others are too few to say


def test_what_any_two_citizens_meet_is_found() -> None:
    assert stands(voice(40, 40), voice(40, 40))
    assert stands(*[voice(10, 4) for _ in range(16)])
    assert stands(*[voice(10, 4) for _ in range(15)], voice(1000))  # nobody hides it either by calling a great deal


def test_ratings_are_one_voice_each_already() -> None:
    gray = Seen(ratings=20, bad_ratings=18)
    assert stand(judge(gray, None), gray, None, [voice(1)])


few = st.integers(0, 60)


@given(st.lists(st.tuples(few, few), max_size=8), few, few, st.booleans())
def test_no_single_voice_turns_the_scale(others: list[tuple[int, int]], calls: int, bad: int, compared: bool) -> None:
    published = WELL if compared else None
    rest = [voice(calls, min(calls, bad)) for calls, bad in others]
    if not judge(Seen(health=together(rest)), published):
        assert not stands(*rest, voice(calls, min(calls, bad)), published=published)


counts = st.integers(0, 500)


@given(counts, counts, st.sampled_from(["faults", "timeouts", "bad_signatures"]), st.booleans())
def test_more_of_the_bad_never_makes_it_better(calls: int, bad: int, measure: str, compared: bool) -> None:
    bad = min(bad, calls)
    published = WELL if compared else None
    fewer: dict[str, Any] = {measure: bad}
    more: dict[str, Any] = {measure: min(bad + 5, calls)}
    if measures(seen(calls, **fewer), published):
        assert measures(seen(calls, **more), published)


@given(st.integers(1, 5000), st.data())
def test_chance_gets_the_benefit(of: int, data: st.DataObject) -> None:
    bad = data.draw(st.integers(0, of))
    assert 0.0 <= surely_more_than(bad, of) <= bad / of


@given(st.integers(0, 5000))
def test_a_spotless_release_is_never_halted(calls: int) -> None:
    assert measures(seen(calls, ratings=calls), WELL) == []
    assert measures(seen(calls, ratings=calls)) == []


def test_the_percentile_is_the_end_of_its_class() -> None:
    assert Health().p95_ms is None
    assert seen(100).health.p95_ms == 50
    assert seen(100, at=MIDDLING).health.p95_ms == 400
    assert seen(100, at=STUCK).health.p95_ms is None
    mixed = Health(calls=100, durations=(94, 0, 6, 0, 0, 0, 0, 0, 0))
    assert mixed.p95_ms == 200
    assert Health(calls=100, durations=(95, 0, 5, 0, 0, 0, 0, 0, 0)).p95_ms == 50
    assert (mixed.slower_than(50), mixed.slower_than(200)) == (6, 0)
