"""The services of a snapshot as one subject is served by them, and in the order of a place. Pure but for its memory.

A visitor's order is worked out once for a snapshot and a place; only services with a gray release are judged anew for
each subject, by the one function that also decides their calls.
"""

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias
from uuid import UUID

from gateway.routing import RouteTable
from gateway.snapshot import CompiledApp, RouteSnapshot, choose
from miniapps.zones.codes import nearness

MOST_ORDERS: Final = 1000

Rank: TypeAlias = tuple[bool, int, str]
Ranked: TypeAlias = tuple[Rank, CompiledApp]


class Shelf:
    """The services of one snapshot, ready to be looked up by place. Never changes but for what it remembers."""

    def __init__(self, snapshot: RouteSnapshot) -> None:
        self._published = snapshot.apps
        self._grays = [entry for entry in snapshot.entries.values() if entry.gray is not None]
        self._orders: dict[tuple[str, bool], list[Ranked]] = {}

    def see(self, subject_id: UUID | None, home_zone: str | None) -> "Seen":
        """What this subject, at home in `home_zone`, is served by; None is a visitor."""
        grays = [] if subject_id is None else self._grays
        return Seen(self, {entry.app_id: choose(entry, subject_id, home_zone) for entry in grays})

    def find(self, app_id: str) -> CompiledApp | None:
        """What a visitor sees of this service."""
        return self._published.get(app_id)

    def order(self, zone: str, *, elder: bool) -> list[Ranked]:
        """What a visitor finds in `zone`, in its order."""
        known = self._orders.get((zone, elder))
        if known is None:
            if len(self._orders) >= MOST_ORDERS:
                self._orders.clear()
            known = self._orders[zone, elder] = ranked(self._published.values(), zone, elder=elder)
        return known


class Seen:
    """What one subject is served by; `own` are the services of which that may differ from what a visitor sees."""

    def __init__(self, shelf: Shelf, own: Mapping[str, CompiledApp | None]) -> None:
        self._shelf = shelf
        self._own = own

    def find(self, app_id: str) -> CompiledApp | None:
        """The release of this service that serves the subject, None when there is none for them."""
        return self._own[app_id] if app_id in self._own else self._shelf.find(app_id)

    def find_all(self, app_ids: Iterable[str]) -> list[CompiledApp]:
        """Those of these services that there are for the subject, in the same order."""
        return [app for app_id in app_ids if (app := self.find(app_id)) is not None]

    def in_zone(self, zone: str, *, elder: bool = False) -> list[CompiledApp]:
        """What is offered in `zone`, the nearest first; for elders what is made for them before the others."""
        order = self._shelf.order(zone, elder=elder)
        if self._own:
            own = ranked((app for app in self._own.values() if app is not None), zone, elder=elder)
            order = sorted([*(each for each in order if each[1].app_id not in self._own), *own], key=_rank)
        return [app for _, app in order]


def ranked(apps: Iterable[CompiledApp], zone: str, *, elder: bool) -> list[Ranked]:
    """Those offered in `zone`, the nearest first, then by id; for elders what is made for them before the others."""
    known: dict[frozenset[str], int] = {}
    offered: list[Ranked] = []
    for app in apps:
        digits = known.get(app.zones)
        if digits is None:  # most services are of the whole city: worked out once
            digits = known[app.zones] = nearness(zone, app.zones)
        if digits:
            offered.append(((elder and not app.elder_ready, -digits, app.app_id), app))
    return sorted(offered, key=_rank)


def _rank(each: Ranked) -> Rank:
    return each[0]


class Shelves:
    """The shelf of the snapshot in force."""

    def __init__(self, table: RouteTable) -> None:
        self._table = table
        self._snapshot = table.snapshot
        self._shelf = Shelf(table.snapshot)

    @property
    def current(self) -> Shelf:
        """Made anew when another snapshot is in force."""
        if self._snapshot is not self._table.snapshot:
            self._snapshot = self._table.snapshot
            self._shelf = Shelf(self._snapshot)
        return self._shelf
