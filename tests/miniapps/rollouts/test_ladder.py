"""The ladder: steps in their order, each lived through, and nobody who has a release loses it by growth."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec import structs

from app.kit.errors import SuishenError
from app.kit.ids import new_id
from gateway.exposure import Rule
from miniapps.errors import StateConflict, StepNotNext, StepTooSoon, ZonesNarrowed
from miniapps.releases.models import Release
from miniapps.rollouts.ladder import STEPS, is_within, next_percent, refuse_publication, refuse_step
from miniapps.states import RELEASE
from miniapps.zones.codes import lies_in

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DWELL = timedelta(minutes=10)
CITY, EAST, WEST, EAST_STREET = "190100", "190102", "190103", "190102001"


def a_release(**changes: Any) -> Release:
    facts: dict[str, Any] = {
        "id": new_id(),
        "app_id": "cn.example.library",
        "version_id": new_id(),
        "version_code": 2,
        "state": "internal",
        "percent": 0,
        "created_by": new_id(),
        "created_at": NOW,
        "stage_at": NOW,
    }
    return Release(**(facts | changes))


def gray(percent: int, *zones: str, since: timedelta = DWELL) -> Release:
    return a_release(state="gray", percent=percent, zones=zones, stage_at=NOW - since)


def step(release: Release, percent: int, *zones: str) -> None:
    refuse_step(release, percent, zones, now=NOW, dwell=DWELL)


def refusal_of(release: Release, percent: int, *zones: str) -> SuishenError | None:
    try:
        step(release, percent, *zones)
    except SuishenError as refusal:
        return refusal
    return None


def test_every_step_follows_the_one_before_and_publication_the_last() -> None:
    assert next_percent(a_release()) == 1
    assert [next_percent(gray(percent)) for percent in STEPS] == [5, 20, 50, 100, None]
    step(a_release(), 1)
    for before, after in itertools.pairwise(STEPS):
        step(gray(before), after)
    refuse_publication(gray(100), now=NOW, dwell=DWELL)


@pytest.mark.parametrize(("release", "percent"), [(a_release(), 5), (gray(1), 20), (gray(20), 5), (gray(5), 100)])
def test_no_step_is_skipped_or_taken_back(release: Release, percent: int) -> None:
    with pytest.raises(StepNotNext) as refused:
        step(release, percent)
    assert refused.value.extensions == {"next": next_percent(release)}


def test_the_same_step_twice_is_none() -> None:
    with pytest.raises(StepNotNext):
        step(gray(5), 5)
    with pytest.raises(StepNotNext):
        step(gray(5, EAST), 5, EAST)


def test_the_same_share_in_more_zones_is_a_step() -> None:
    wider = [(EAST, (EAST, WEST)), (EAST, ()), (EAST_STREET, (EAST,))]
    assert [refusal_of(gray(5, had), 5, *wanted) for had, wanted in wider] == [None] * 3


@pytest.mark.parametrize(
    ("had", "wanted"), [((), (EAST,)), ((EAST,), (WEST,)), ((EAST,), (EAST_STREET,)), ((EAST, WEST), (EAST,))]
)
def test_no_zone_is_left_behind(had: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    with pytest.raises(ZonesNarrowed):
        step(gray(5, *had), 20, *wanted)


def test_a_step_is_lived_through_before_the_next() -> None:
    for early in (timedelta(), DWELL - timedelta(seconds=1)):
        with pytest.raises(StepTooSoon):
            step(gray(1, since=early), 5)
        with pytest.raises(StepTooSoon):
            refuse_publication(gray(100, since=early), now=NOW, dwell=DWELL)
    step(a_release(), 1)  # testers hand over when they are done


@pytest.mark.parametrize("state", ["published", "superseded", "rolled_back", "halted"])
def test_what_is_over_grows_no_more(state: Any) -> None:
    for percent in STEPS:
        with pytest.raises(StateConflict):
            step(a_release(state=state, percent=50), percent)


def test_everybody_of_one_district_is_not_everybody() -> None:
    release = gray(100, EAST_STREET)
    assert next_percent(release) == 100
    with pytest.raises(StepNotNext) as refusal:
        refuse_publication(release, now=NOW, dwell=DWELL)
    assert refusal.value.extensions["next"] == 100
    with pytest.raises(StepNotNext):
        step(release, 100, EAST_STREET)  # where it stands already
    step(release, 100)


@pytest.mark.parametrize("release", [a_release(), *(gray(percent) for percent in STEPS[:-1]), gray(100, EAST)])
def test_nothing_is_published_before_it_reached_everybody(release: Release) -> None:
    with pytest.raises((StepNotNext, StateConflict)):
        refuse_publication(release, now=NOW, dwell=DWELL)


@pytest.mark.parametrize(
    ("zone", "whole", "inside"),
    [
        (EAST, "190000", True),
        (EAST, CITY, True),
        (EAST, EAST, True),
        (EAST_STREET, EAST, True),
        (EAST_STREET, CITY, True),
        (EAST_STREET, EAST_STREET, True),
        (EAST, EAST_STREET, False),
        (EAST, WEST, False),
        (CITY, EAST, False),
        ("190200", CITY, False),
    ],
)
def test_a_place_lies_in_another(zone: str, whole: str, *, inside: bool) -> None:
    assert lies_in(zone, whole) is inside


ZONES = st.sets(st.sampled_from(["190000", CITY, EAST, WEST, EAST_STREET, "190200"]), max_size=3)


@given(ZONES, ZONES)
def test_wider_means_that_nobody_is_left_out(before: set[str], after: set[str]) -> None:
    if not is_within(before, after):
        return
    for home in (None, "190000", CITY, EAST, WEST, EAST_STREET, "190200"):
        then, now = Rule(percent=1, zones=frozenset(before)), Rule(percent=1, zones=frozenset(after))
        assert not then._reaches(home) or now._reaches(home)


class Course(RuleBasedStateMachine):
    """Any acts at any time: whatever is allowed keeps the promises."""

    @initialize(subjects=st.lists(st.uuids(), min_size=1, max_size=30, unique=True))
    def begin(self, subjects: list[UUID]) -> None:
        self.now = NOW
        self.release = a_release()
        self.subjects = subjects
        self.had: set[tuple[UUID, str | None]] = set()
        self.percents = [0]

    @rule(minutes=st.integers(0, 15))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(percent=st.sampled_from(STEPS), zones=ZONES)
    def grow(self, percent: int, zones: set[str]) -> None:
        early = self.release.state == "gray" and self.now < self.release.stage_at + DWELL
        try:
            refuse_step(self.release, percent, zones, now=self.now, dwell=DWELL)
        except SuishenError:
            return
        assert not early
        assert RELEASE.allows(self.release.state, "gray") or self.release.state == "gray"
        self.release = structs.replace(
            self.release, state="gray", percent=percent, zones=tuple(sorted(zones)), stage_at=self.now
        )
        self.percents.append(percent)

    @rule()
    def publish(self) -> None:
        try:
            refuse_publication(self.release, now=self.now, dwell=DWELL)
        except SuishenError:
            return
        self.release = structs.replace(self.release, state="published", percent=100, zones=(), stage_at=self.now)

    @rule(end=st.sampled_from(["superseded", "rolled_back", "halted"]))
    def end(self, end: Any) -> None:
        if RELEASE.allows(self.release.state, end):
            self.release = structs.replace(self.release, state=end)

    @invariant()
    def nobody_loses_by_growth(self) -> None:
        if self.release.state not in {"gray", "published"}:
            return
        rule_now = Rule(percent=self.release.percent, zones=frozenset(self.release.zones))
        homes = (None, "190000", CITY, EAST, WEST, EAST_STREET)
        has = {
            (subject, home)
            for subject in self.subjects
            for home in homes
            if rule_now.takes(subject, self.release.app_id, self.release.id, home)
        }
        assert self.had <= has
        self.had = has

    @invariant()
    def shares_grow_step_by_step(self) -> None:
        distinct = list(dict.fromkeys(self.percents))
        assert distinct == [0, *STEPS][: len(distinct)]
        if self.release.state == "published":
            assert distinct == [0, *STEPS]


TestCourse = Course.TestCase
TestCourse.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
