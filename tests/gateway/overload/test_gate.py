"""The gate as a state machine, and what it promises in the hours that matter."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.overload.gate import LENT_AFTER, Gate, OverloadSettings, Ticket
from gateway.overload.ranks import Rank, rank_of

SETTINGS = OverloadSettings()
BUSY = (Rank.FIRST, Rank.CITY, Rank.DEPARTMENT)


class Machine(RuleBasedStateMachine):
    """Anybody knocks, leaves, gives up, lends a place and takes it back, while the loop is early or late."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate(SETTINGS)
        self.now = 0.0
        self.inside = 0
        self.tickets: list[Ticket] = []
        self.lent: dict[int, float] = {}
        self.given_away: set[int] = set()

    @rule(rank=st.sampled_from(BUSY), times=st.integers(1, 200))
    def knock(self, rank: Rank, times: int) -> None:
        for _ in range(times):
            higher_waits = any(ticket.called is None and ticket.rank <= rank for ticket in self.tickets)
            admitted = self.gate.knock(rank, self.now)
            if admitted is True:
                assert not higher_waits
                assert self.inside < max(1, self.gate.limit * SETTINGS.share[rank])
                self.inside += 1
            elif admitted is False:
                assert higher_waits or self.inside >= SETTINGS.least * SETTINGS.share[rank]
            else:
                admitted.tell = self._told
                self.tickets.append(admitted)

    def _told(self, enter: bool) -> None:
        self.inside += enter

    @precondition(lambda self: self.inside > len(self.lent))
    @rule(times=st.integers(1, 100))
    def leave(self, times: int) -> None:
        for _ in range(min(times, self.inside - len(self.lent))):
            self.inside -= 1
            self.gate.leave()

    @precondition(lambda self: self.inside > len(self.lent))
    @rule()
    def lend(self) -> None:
        self.lent[self.gate.lend(self.now)] = self.now + LENT_AFTER

    @precondition(lambda self: self.lent or self.given_away)
    @rule(data=st.data(), done=st.booleans())
    def end_or_take_back(self, data: st.DataObject, *, done: bool) -> None:
        loan = data.draw(st.sampled_from([*self.lent, *sorted(self.given_away)]))
        was_inside = self.lent.pop(loan, None) is not None
        self.given_away.discard(loan)
        if done:
            self.inside -= was_inside
            self.gate.end(loan)
            self.gate.end(loan)  # may be said twice
        else:
            self.inside += not was_inside
            self.gate.take_back(loan)

    @rule(late=st.sampled_from([0.0, 0.005, 0.02, 0.3]), samples=st.integers(1, 30))
    def hear(self, late: float, samples: int) -> None:
        for _ in range(samples):
            self.now += 0.02 + late
            over = {loan for loan, until in self.lent.items() if until <= self.now}
            self.lent = {loan: until for loan, until in self.lent.items() if loan not in over}
            self.given_away |= over
            self.inside -= len(over)
            self.gate.observe(late, self.now)

    @precondition(lambda self: any(ticket.called is None for ticket in self.tickets))
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from([each for each in self.tickets if each.called is None]))
        self.gate.give_up(ticket)
        self.tickets.remove(ticket)

    @invariant()
    def counts_who_is_inside(self) -> None:
        assert self.gate.inside == self.inside
        assert self.gate.waiting == sum(ticket.called is None for ticket in self.tickets)

    @invariant()
    def health_always_comes_in(self) -> None:
        assert self.gate.knock(Rank.HEALTH, self.now) is True

    @invariant()
    def nobody_waits_for_a_free_place(self) -> None:
        if self.gate.waiting:
            rank = min(ticket.rank for ticket in self.tickets if ticket.called is None)
            assert self.inside >= max(1, self.gate.limit * SETTINGS.share[rank])

    @invariant()
    def the_limit_stays_in_its_bounds(self) -> None:
        assert SETTINGS.least <= self.gate.limit <= SETTINGS.most


TestGate = Machine.TestCase


def listen(gate: Gate, late: float, seconds: float, start: float = 0.0) -> float:
    now = start
    while now < start + seconds:
        now += 0.02 + late
        gate.observe(late, now)
    return now


def fill(gate: Gate, rank: Rank, times: int, now: float = 0.0) -> int:
    """How many of so many are let in at once."""
    return [gate.knock(rank, now) for _ in range(times)].count(True)


def at_a_rate(gate: Gate, per_second: int) -> float:
    """One after another for a second, so that the gate knows how many it does."""
    now = 0.0
    for number in range(per_second):
        assert gate.knock(Rank.FIRST, now) is True
        now = (number + 1) / per_second
        gate.observe(0.0, now)
        gate.leave()
    return now


def test_what_matters_finds_room_that_departments_may_not_take() -> None:
    gate = Gate(SETTINGS)
    assert fill(gate, Rank.DEPARTMENT, 1000) == 384
    assert fill(gate, Rank.CITY, 1000) == 77
    assert fill(gate, Rank.FIRST, 1000) == 51
    assert gate.knock(Rank.HEALTH, 0) is True


def test_slow_departments_are_no_overload() -> None:
    """Who waits for an answer elsewhere keeps nobody here from working."""
    gate = Gate(SETTINGS)
    fill(gate, Rank.DEPARTMENT, 300)
    listen(gate, late=0.004, seconds=5)
    assert gate.limit == SETTINGS.most


def test_one_long_breath_is_no_overload() -> None:
    gate = Gate(SETTINGS)
    fill(gate, Rank.DEPARTMENT, 50)
    now = listen(gate, late=0.0, seconds=1)
    gate.observe(0.5, now + 0.5)  # a collection of garbage, a neighbour's moment
    listen(gate, late=0.0, seconds=1, start=now + 0.5)
    assert gate.limit == SETTINGS.most


def test_a_late_loop_takes_on_less_within_a_second_and_more_again_within_ten() -> None:
    gate = Gate(SETTINGS)
    fill(gate, Rank.DEPARTMENT, 160)
    now = listen(gate, late=0.04, seconds=0.5)
    assert gate.limit < 0.8 * 160
    for _ in range(150):
        gate.leave()
    now = listen(gate, late=0.04, seconds=2, start=now)
    assert gate.limit == SETTINGS.least
    listen(gate, late=0.0, seconds=10, start=now)
    assert gate.limit == SETTINGS.most


def test_who_waits_is_called_by_rank() -> None:
    gate = Gate(OverloadSettings(most=10, least=1))
    told: list[str] = []
    now = at_a_rate(gate, 50)
    fill(gate, Rank.FIRST, 10, now)
    for rank in (Rank.DEPARTMENT, Rank.CITY, Rank.FIRST):
        ticket = gate.knock(rank, now)
        assert isinstance(ticket, Ticket)
        ticket.tell = lambda enter, rank=rank: told.append(f"{rank.name} {enter}")  # type: ignore[misc]
    for _ in range(5):
        gate.leave()
    assert told == ["FIRST True", "CITY True", "DEPARTMENT True"]


def test_who_waited_too_long_is_told() -> None:
    gate = Gate(OverloadSettings(most=4, least=1))
    now = at_a_rate(gate, 50)
    fill(gate, Rank.FIRST, 4, now)
    told: list[bool] = []
    ticket = gate.knock(Rank.FIRST, now)
    assert isinstance(ticket, Ticket)
    ticket.tell = told.append
    gate.observe(0.0, now + 3.9)
    assert told == []
    gate.observe(0.0, now + 4.0)
    assert told == [False]
    gate.leave()
    assert told == [False]


def test_nobody_waits_where_nobody_leaves() -> None:
    gate = Gate(OverloadSettings(most=4))
    assert fill(gate, Rank.FIRST, 4) == 4
    assert gate.knock(Rank.FIRST, 0.0) is False


def test_those_refused_are_not_all_told_the_same_second() -> None:
    gate = Gate(OverloadSettings(most=1, least=1))
    fill(gate, Rank.CITY, 1)
    told = set()
    for _ in range(9):
        assert gate.knock(Rank.CITY, 0.0) is False
        told.add(gate.retry_after())
    assert told == {1, 2, 3}


@pytest.mark.parametrize(
    ("path", "rank"),
    [
        (b"/health/live", Rank.HEALTH),
        (b"/health/ready", Rank.HEALTH),
        (b"/health/live/", Rank.CITY),
        (b"/health/anything", Rank.CITY),
        (b"/v1/verifications", Rank.FIRST),
        (b"/v1/codes/grants", Rank.FIRST),
        (b"/v1/login/otp/tokens", Rank.FIRST),
        (b"/oauth/token", Rank.FIRST),
        (b"/v1/trust-list", Rank.FIRST),
        (b"/apps/cn.example.library/loans", Rank.DEPARTMENT),
        (b"/apps/cn.example.library/health/live", Rank.DEPARTMENT),
        (b"/v1/home", Rank.CITY),
        (b"/", Rank.CITY),
        (b"", Rank.CITY),
        (b"/HEALTH/live", Rank.CITY),
    ],
)
def test_rank_of(path: bytes, rank: Rank) -> None:
    assert rank_of(path) is rank
