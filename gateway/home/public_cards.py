"""Public cards: the same for everybody in a zone, asked for in the background, kept with their age.

Carries no assertion, so that no department learns who looks. When a department falls silent its last cards stay for an
hour, marked stale.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from msgspec import structs

from app.kit.clock import Clock
from app.kit.structs import Model
from gateway.home.cards import CardsMissing, CardSource
from gateway.home.models import Card, Degraded
from gateway.routing import RouteTable
from gateway.snapshot import CompiledApp
from miniapps.manifest import Widget

STALE_FOR: Final = timedelta(hours=1)
RETRY_AFTER: Final = timedelta(seconds=2)
SHORTEST_TTL: Final = timedelta(seconds=5)
AT_ONCE: Final = 20


class Kept(Model):
    """What is known of one app's public cards, and when to ask again."""

    release_key: tuple[str, ...]
    cards: tuple[Card, ...]
    due_at: datetime
    degraded: Degraded | None


class PublicCards:
    """Refreshes by a periodic job; readers never wait."""

    def __init__(self, *, table: RouteTable, source: CardSource, clock: Clock) -> None:
        self._table = table
        self._source = source
        self._clock = clock
        self._kept: dict[str, Kept] = {}

    def read(self, app: CompiledApp) -> tuple[list[Card], Degraded | None]:
        """The cards in hand, and the trouble if there is one. Nothing from another release."""
        kept, now = self._kept.get(app.app_id), self._clock.now()
        if kept is None or kept.release_key != _release_key(app):
            return [], None
        if kept.degraded is None:
            return list(kept.cards), None
        fresh = [structs.replace(card, stale=True) for card in kept.cards if now - card.as_of <= STALE_FOR]
        return fresh, kept.degraded

    async def refresh(self) -> None:
        """Asks every department whose cards are due; a periodic job."""
        now, apps = self._clock.now(), self._table.snapshot.apps
        self._kept = {app_id: kept for app_id, kept in self._kept.items() if app_id in apps}
        due = [app for app in apps.values() if self._is_due(app, now)]
        gate = asyncio.Semaphore(AT_ONCE)

        async def ask(app: CompiledApp) -> None:
            async with gate:
                await self._ask(app)

        await asyncio.gather(*(ask(app) for app in due))

    def _is_due(self, app: CompiledApp, now: datetime) -> bool:
        if app.suspension is not None or not public_widgets(app):
            return False
        kept = self._kept.get(app.app_id)
        return kept is None or kept.release_key != _release_key(app) or kept.due_at <= now

    async def _ask(self, app: CompiledApp) -> None:
        widgets, key = public_widgets(app), _release_key(app)
        try:
            cards = await self._source.fetch(app, widgets, principal=None, zone=_zone_of(app), why="public")
        except CardsMissing as missing:
            known = self._kept.get(app.app_id)
            self._kept[app.app_id] = Kept(
                release_key=key,
                cards=known.cards if known is not None and known.release_key == key else (),
                due_at=self._clock.now() + RETRY_AFTER,
                degraded=self._source.degraded(app, missing.trouble),
            )
            return
        shortest = min(timedelta(seconds=widget.ttl_s) for widget in widgets.values())
        self._kept[app.app_id] = Kept(
            release_key=key,
            cards=tuple(cards),
            due_at=self._clock.now() + max(shortest, SHORTEST_TTL),
            degraded=None,
        )


def public_widgets(app: CompiledApp) -> dict[str, Widget]:
    """The widgets that are the same for everybody."""
    return {widget.id: widget for widget in app.widgets if not widget.personal}


def _release_key(app: CompiledApp) -> tuple[str, ...]:
    return (str(app.release_id), "suspended" if app.suspension else "active")


def _zone_of(app: CompiledApp) -> str:
    return min(app.zones)
