"""How long a scan may know whom it concerned: as long as its scenario says, and no longer.

Afterwards holder, replay guard and the scanner's request id leave the row. What stays is the receipt's counterpart:
when, which scanner, which scenario and basis, which attributes by name, verdict and reason; nobody can be found by it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.structs import Model
from codes.scenarios.catalogue import Scenarios
from codes.verification import repository
from codes.verification.models import Retention

AT_ONCE = timedelta(hours=1)
"""Scans of one hour lose their holders in one transaction, so that none grows with the city's day."""
LONGEST_LEAP = timedelta(days=30)
"""Where nobody was scanned, stretches grow."""


class Stretch(Model):
    """Scans that lose their holders together."""

    scenarios: tuple[int, ...]
    since: datetime
    until: datetime


class Forgetting:
    """A periodic job; any worker may run it, and one that dies loses at most one stretch."""

    def __init__(self, database: Database, clock: Clock, scenarios: Scenarios) -> None:
        self._database = database
        self._clock = clock
        self._scenarios = scenarios

    async def run(self) -> None:
        """Goes on from where any worker stopped, stretch by stretch, until nothing is due."""
        async with self._database.transaction() as connection:
            await self._learn_days(connection)
        span = AT_ONCE
        while (scans := await self._forget_next(span)) is not None:
            span = AT_ONCE if scans else min(2 * span, LONGEST_LEAP)

    async def _learn_days(self, connection: Connection) -> None:
        """Takes over the catalogue's days. A scenario that left the catalogue goes on by the last ones it had."""
        if not await repository.try_retention_lock(connection):
            return
        days = {scenario.number: scenario.retention_days for scenario in self._scenarios}
        known = await repository.list_retention(connection)
        # A scenario that is new to the catalogue has no scans yet. The first time of all, every scenario is new.
        oldest = None if known else await repository.find_oldest_scan(connection)
        await repository.upsert_retention(connection, beginnings(days, oldest, self._clock.now()))

    async def _forget_next(self, span: timedelta) -> int | None:
        """How many scans lost their holders; None when nothing is due, or another worker is at it."""
        async with self._database.transaction() as connection:
            if not await repository.try_retention_lock(connection):
                return None
            stretch = next(due(await repository.list_retention(connection), self._clock.now(), span), None)
            if stretch is None:
                return None
            return await repository.mark_holders_forgotten(connection, stretch.scenarios, stretch.since, stretch.until)


def beginnings(days: Mapping[int, int], oldest: datetime | None, now: datetime) -> list[Retention]:
    """Where each scenario starts that nothing was forgotten of yet: at the oldest scan, if that is overdue. Pure."""
    return [
        Retention(scenario=number, days=kept, forgotten_until=min(oldest or now, forgotten_by(now, kept)))
        for number, kept in sorted(days.items())
    ]


def due(known: Iterable[Retention], now: datetime, span: timedelta = AT_ONCE) -> Iterator[Stretch]:
    """The next stretch, of at most `span`, of each group of scenarios that stand at the same place. Pure.

    A day's scans are forgotten once the youngest of them is as old as its scenario allows.
    """
    groups: defaultdict[tuple[datetime, datetime], list[int]] = defaultdict(list)
    for one in known:
        groups[one.forgotten_until, forgotten_by(now, one.days)].append(one.scenario)
    for (since, until), scenarios in sorted(groups.items()):
        if since < until:
            yield Stretch(scenarios=tuple(sorted(scenarios)), since=since, until=min(until, since + span))


def forgotten_by(now: datetime, days: int) -> datetime:
    """Scans before this midnight may not know their holders at `now`."""
    return datetime.combine(now.astimezone(UTC).date(), time(), UTC) - timedelta(days=days)
