"""Public cards: the same for everybody in a place, asked for in the background, kept with their age.

Carries no assertion, so that no department learns who looks. When a department falls silent its last cards stay for an
hour, marked stale. A service is asked for each zone that its manifest names: for the first of them ahead of
anybody, for the others from when somebody looked.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from heapq import nsmallest
from typing import Final, TypeAlias
from uuid import UUID

from msgspec import structs

from app.kit.clock import Clock
from app.kit.structs import Model
from gateway.home.cards import CardsMissing, CardSource
from gateway.home.models import Card, Degraded
from gateway.routing import RouteTable
from gateway.snapshot import CompiledApp, RouteSnapshot
from miniapps.manifest import Widget

STALE_FOR: Final = timedelta(hours=1)
WANTED_FOR: Final = timedelta(minutes=30)
RETRY_AFTER: Final = timedelta(seconds=2)
SHORTEST_TTL: Final = timedelta(seconds=5)
AT_ONCE: Final = 20
ZONES_AHEAD: Final = 4

Key: TypeAlias = tuple[UUID, str]
"""A release and one of its zones."""


class Kept(Model):
    """What is known of one app's public cards, and when to ask again."""

    cards: tuple[Card, ...]
    due_at: datetime
    degraded: Degraded | None


class PublicCards:
    """Refreshes by a periodic job; readers never wait."""

    def __init__(self, *, table: RouteTable, source: CardSource, clock: Clock) -> None:
        self._table = table
        self._source = source
        self._clock = clock
        self._kept: dict[Key, Kept] = {}
        self._wanted: dict[Key, datetime] = {}

    def read(self, app: CompiledApp, zone: str | None) -> tuple[list[Card], Degraded | None]:
        """The cards in hand for one of the app's zones, and the trouble if there is one. Nothing of another release."""
        if zone is None or app.suspension is not None or not public_widgets(app):
            return [], None
        key, now = (app.release_id, zone), self._clock.now()
        self._wanted[key] = now
        kept = self._kept.get(key)
        if kept is None:
            return [], None
        if kept.degraded is None:
            return list(kept.cards), None
        lately = [structs.replace(card, stale=True) for card in kept.cards if now - card.as_of <= STALE_FOR]
        return lately, kept.degraded

    async def refresh(self) -> None:
        """Asks every department whose cards are due; a periodic job."""
        now, apps = self._clock.now(), {app.release_id: app for app in _showing(self._table.snapshot)}
        self._wanted = {key: at for key, at in self._wanted.items() if key[0] in apps and now - at <= WANTED_FOR}
        keys = {(release_id, zone) for release_id, app in apps.items() for zone in nsmallest(ZONES_AHEAD, app.zones)}
        keys |= self._wanted.keys()
        self._kept = {key: kept for key, kept in self._kept.items() if key in keys}
        gate = asyncio.Semaphore(AT_ONCE)

        async def ask(key: Key) -> None:
            async with gate:
                await self._ask(apps[key[0]], key)

        await asyncio.gather(*(ask(key) for key in sorted(keys) if self._is_due(key, now)))

    def _is_due(self, key: Key, now: datetime) -> bool:
        kept = self._kept.get(key)
        return kept is None or kept.due_at <= now

    async def _ask(self, app: CompiledApp, key: Key) -> None:
        widgets = public_widgets(app)
        try:
            cards = await self._source.fetch(app, widgets, principal=None, zone=key[1], why="public")
        except CardsMissing as missing:
            known = self._kept.get(key)
            self._kept[key] = Kept(
                cards=known.cards if known is not None else (),
                due_at=self._clock.now() + RETRY_AFTER,
                degraded=self._source.degraded(app, missing.trouble),
            )
            return
        shortest = min(timedelta(seconds=widget.ttl_s) for widget in widgets.values())
        self._kept[key] = Kept(
            cards=tuple(cards), due_at=self._clock.now() + max(shortest, SHORTEST_TTL), degraded=None
        )


def public_widgets(app: CompiledApp) -> dict[str, Widget]:
    """The widgets that are the same for everybody."""
    return {widget.id: widget for widget in app.widgets if not widget.personal}


def _showing(snapshot: RouteSnapshot) -> Iterable[CompiledApp]:
    """Every release that somebody is served by, and that has public cards; none of a suspended app."""
    for entry in snapshot.entries.values():
        for app in (entry.published, entry.gray.app if entry.gray is not None else None):
            if app is not None and app.suspension is None and public_widgets(app):
                yield app
