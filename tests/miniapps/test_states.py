"""The life cycles: every step of the paper is there, and no other."""

import itertools

import hypothesis.strategies as st
import pytest
from hypothesis import given

from miniapps.errors import StateConflict
from miniapps.states import APP, RELEASE, VERSION, LifeCycle

CYCLES = [APP, VERSION, RELEASE]


@pytest.mark.parametrize("cycle", CYCLES, ids=lambda cycle: cycle.name)
def test_every_state_that_follows_is_a_state(cycle: LifeCycle) -> None:
    assert set().union(*cycle.follows.values()) <= set(cycle.follows)


@pytest.mark.parametrize("cycle", CYCLES, ids=lambda cycle: cycle.name)
def test_every_state_can_be_reached_from_the_first_and_nothing_returns_to_it(cycle: LifeCycle) -> None:
    first, *others = cycle.follows
    reached, waiting = {first}, [first]
    while waiting:
        for state in cycle.follows[waiting.pop()] - reached:
            reached.add(state)
            waiting.append(state)

    assert reached == set(cycle.follows)
    assert all(first not in cycle.follows[state] for state in others)


@pytest.mark.parametrize(
    ("cycle", "path"),
    [
        (APP, ["registered", "active", "suspended", "active", "retiring", "retired"]),
        (VERSION, ["draft", "submitted", "checking", "reviewing", "approved"]),
        (VERSION, ["draft", "submitted", "checking", "reviewing", "changes_requested"]),
        (VERSION, ["draft", "submitted", "checking", "reviewing", "rejected"]),
        (RELEASE, ["internal", "gray", "published", "superseded"]),
        (RELEASE, ["internal", "gray", "published", "rolled_back"]),
        (RELEASE, ["internal", "gray", "halted"]),
    ],
)
def test_the_roads_of_the_paper_are_open(cycle: LifeCycle, path: list[str]) -> None:
    cycle.walk(*path)
    with pytest.raises(StateConflict):
        cycle.walk(*reversed(path))


@pytest.mark.parametrize(
    ("cycle", "path"),
    [
        (APP, ["registered", "suspended"]),
        (APP, ["retired", "active"]),
        (APP, ["retiring", "active"]),
        (VERSION, ["draft", "reviewing"]),
        (VERSION, ["draft", "approved"]),
        (VERSION, ["submitted", "approved"]),
        (VERSION, ["rejected", "approved"]),
        (VERSION, ["approved", "rejected"]),
        (VERSION, ["changes_requested", "approved"]),
        (RELEASE, ["internal", "published"]),
        (RELEASE, ["halted", "published"]),
        (RELEASE, ["superseded", "published"]),
    ],
)
def test_other_roads_are_closed(cycle: LifeCycle, path: list[str]) -> None:
    with pytest.raises(StateConflict) as refused:
        cycle.walk(*path)

    assert refused.value.extensions == {"of": cycle.name, "state": path[-2], "wanted": path[-1]}


@given(st.sampled_from(CYCLES), st.data())
def test_a_walk_is_allowed_exactly_when_each_step_is(cycle: LifeCycle, data: st.DataObject) -> None:
    path = data.draw(st.lists(st.sampled_from(list(cycle.follows)), min_size=2, max_size=6))
    allowed = all(cycle.allows(current, target) for current, target in itertools.pairwise(path))
    try:
        cycle.walk(*path)
    except StateConflict:
        assert not allowed
    else:
        assert allowed
