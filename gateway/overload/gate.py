"""How much a worker takes on at once: as much as its event loop carries without falling behind. Pure, fed with time.

The limit falls by a fifth whenever the loop was late throughout a tenth of a second, and grows by a tenth otherwise.
Who does not fit waits if their turn comes soon, by rank, and is refused at once if it does not. Refuses to guess at
costs: a department that is slow but keeps nobody's processor busy lowers no limit.
"""

import itertools
from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

from app.kit.structs import Model
from gateway.overload.ranks import Rank

Tell: TypeAlias = Callable[[bool], None]

WINDOW_SECONDS: Final = 0.1
LEAST_SAMPLES: Final = 4
SHRINK: Final = 0.8
GROW: Final = 1.1
RATE_WEIGHT: Final = 0.5
LONGEST_ADVICE: Final = 3
LENT_AFTER: Final = 0.1  # seconds


class OverloadSettings(Model):
    """`late_seconds`: how late the loop may be. `share`: the part of the limit a rank may fill. `patience`: how long it
    may wait for its turn, in seconds; each by rank, of which the first is health.
    """

    most: int = 512
    least: int = 8
    late_seconds: float = 0.01
    share: tuple[float, ...] = (1.0, 1.0, 0.9, 0.75)
    patience: tuple[float, ...] = (0.0, 1.0, 0.5, 0.4)


class Ticket:
    """A place in the queue. `tell` hears once whether its holder may go in, who is then counted as inside."""

    __slots__ = ("called", "rank", "tell", "until")

    def __init__(self, rank: Rank, until: float) -> None:
        self.rank = rank
        self.until = until
        self.called: bool | None = None
        self.tell: Tell = _nobody

    def call(self, *, enter: bool) -> None:
        """It is decided."""
        self.called = enter
        self.tell(enter)


def _nobody(_enter: bool) -> None:
    """Nobody waits."""


class Gate:
    """Counts who is inside. Whoever was let in leaves by `leave`, exactly once, or by `end` after `lend`; health is
    never counted.

    Guaranteed: nobody enters before somebody of a higher rank who waits; nobody is refused while fewer than `least`
    times their share are inside.
    """

    def __init__(self, settings: OverloadSettings) -> None:
        self._settings = settings
        self._queues: dict[Rank, deque[Ticket]] = {rank: deque() for rank in Rank if rank is not Rank.HEALTH}
        self._loans: dict[int, float] = {}
        self._last_loan = 0
        self._least_delay = float("inf")
        self._samples = 0
        self._window_began = 0.0
        self._left = 0
        self._per_second = 0.0
        self.refused = dict.fromkeys(Rank, 0)
        self.limit = float(settings.most)
        self.inside = 0
        self.delay = 0.0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._queues.values()))

    def knock(self, rank: Rank, now: float) -> bool | Ticket:
        """True: come in. False: not now. A ticket: wait to be called."""
        if rank is Rank.HEALTH:
            return True
        if self._fits(rank) and not self._ahead(rank):
            self.inside += 1
            return True
        if self._ahead(rank) + 1 > self._per_second * self._settings.patience[rank]:
            self.refused[rank] += 1
            return False
        ticket = Ticket(rank, now + 4 * self._settings.patience[rank])
        self._queues[rank].append(ticket)
        return ticket

    def leave(self) -> None:
        """One is done: the next may come in."""
        self.inside -= 1
        self._left += 1
        self._call_in()

    def lend(self, now: float) -> int:
        """One who is inside only waits for somebody: in a moment the place is another's. The number is for `end`."""
        self._last_loan += 1
        self._loans[self._last_loan] = now + LENT_AFTER
        return self._last_loan

    def take_back(self, loan: int) -> None:
        """There is work for them: they count, whoever else is inside by now. Never refused, having been let in."""
        if self._loans.pop(loan, None) is None:
            self.inside += 1

    def end(self, loan: int) -> None:
        """They are done, or wait for good; may be said twice."""
        if self._loans.pop(loan, None) is not None:
            self.leave()

    def observe(self, delay: float, now: float) -> None:
        """The loop was `delay` seconds late just now. Whoever has waited for too long is told so."""
        self._least_delay = min(self._least_delay, delay)
        self._samples += 1
        if now - self._window_began >= WINDOW_SECONDS and self._samples >= LEAST_SAMPLES:
            self._adapt(self._least_delay)
            self._note_rate(now - self._window_began)
            self._window_began, self._samples, self._least_delay = now, 0, float("inf")
        self._expire(now)
        self._give_away(now)
        self._call_in()

    def give_up(self, ticket: Ticket) -> None:
        """Whoever held the ticket waits no more, and is not inside."""
        if ticket.called is None:
            self._queues[ticket.rank].remove(ticket)
        elif ticket.called:
            self.inside -= 1
            self._call_in()

    def retry_after(self) -> int:
        """What to tell who is refused: not all the same, or they would all come back together."""
        return 1 + sum(self.refused.values()) % LONGEST_ADVICE

    def _adapt(self, delay: float) -> None:
        self.delay = delay
        if delay > self._settings.late_seconds:
            # From what is really inside: a limit that nobody reached would take seconds to mean anything.
            self.limit = max(self._settings.least, min(self.limit, self.inside) * SHRINK)
        else:
            self.limit = min(self._settings.most, self.limit * GROW)

    def _note_rate(self, seconds: float) -> None:
        if self._left or self.inside:  # an idle hour says nothing about how many a second can do
            self._per_second += (self._left / seconds - self._per_second) * RATE_WEIGHT
            self._left = 0

    def _fits(self, rank: Rank) -> bool:
        return self.inside < max(1.0, self.limit * self._settings.share[rank])

    def _ahead(self, rank: Rank) -> int:
        if not any(self._queues.values()):  # as it nearly always is
            return 0
        return sum(len(queue) for other, queue in self._queues.items() if other <= rank)

    def _call_in(self) -> None:
        for rank, queue in self._queues.items():
            while queue and self._fits(rank):
                self.inside += 1
                queue.popleft().call(enter=True)
            if queue:
                return

    def _give_away(self, now: float) -> None:
        over = list(itertools.takewhile(lambda loan: self._loans[loan] <= now, self._loans))
        for loan in over:
            self.end(loan)

    def _expire(self, now: float) -> None:
        for queue in self._queues.values():
            while queue and queue[0].until <= now:
                self.refused[queue[0].rank] += 1
                queue.popleft().call(enter=False)
