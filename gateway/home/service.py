"""The home page: cards of the services a citizen pinned or used, public cards of the zone, and what is missing.

Never waits longer than its deadline, never fails because of a department, and tells a department of a citizen only when
the citizen pinned or used its service.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from msgspec import structs

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.structs import Model
from auth.principal import Principal
from gateway.errors import UnknownService
from gateway.home import repository
from gateway.home.cards import CardsMissing, CardSource
from gateway.home.errors import TooManyPins
from gateway.home.models import (
    SECTION_TITLES,
    Card,
    Degraded,
    Favourite,
    HomeView,
    Pin,
    PinView,
    Section,
    Why,
    covers,
)
from gateway.home.public_cards import PublicCards
from gateway.home.usage import KEPT_FOR
from gateway.policy import AUDIENCE_OF
from gateway.routing import RouteTable
from gateway.settings import GatewaySettings
from gateway.snapshot import CompiledApp
from miniapps.manifest import Widget

MOST_PINS: Final = 50


class Part(Model):
    """What one app adds to the page."""

    app: CompiledApp
    why: Why
    cards: list[Card]
    degraded: Degraded | None


class Home:
    """Gathers the page."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        table: RouteTable,
        source: CardSource,
        public_cards: PublicCards,
        settings: GatewaySettings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._table = table
        self._source = source
        self._public_cards = public_cards
        self._settings = settings

    async def gather(self, principal: Principal | None, zone: str | None) -> HomeView:
        """The page for `principal` (None: for anybody) in `zone`. Holds no connection while departments are asked."""
        await self._table.ready()
        zone = zone or self._settings.region
        chosen = self._choose(await self._favourites(principal), zone)
        parts = await asyncio.gather(*(self._part(app, why, principal, zone) for app, why in chosen))
        return HomeView(
            sections=_sections(parts),
            cards=[card for part in parts for card in part.cards],
            degraded=[part.degraded for part in parts if part.degraded is not None],
            generated_at=self._clock.now(),
        )

    async def pin(self, connection: Connection, principal: Principal, app_id: str) -> PinView:
        """Keeps a service at hand. Twice is once. Raises `UnknownService` and `TooManyPins`."""
        if app_id not in self._table.snapshot.apps:
            raise UnknownService(app_id=app_id)
        if await repository.count_other_pins(connection, principal.subject_id, app_id) >= MOST_PINS:
            raise TooManyPins(most=MOST_PINS)
        wanted = Pin(subject_id=principal.subject_id, app_id=app_id, pinned_at=self._clock.now())
        pin = await repository.insert_pin(connection, wanted)
        return PinView(app_id=pin.app_id, pinned_at=pin.pinned_at)

    async def unpin(self, connection: Connection, principal: Principal, app_id: str) -> None:
        """Puts a service back among the others, whether or not it was pinned."""
        await repository.delete_pin(connection, principal.subject_id, app_id)

    async def _favourites(self, principal: Principal | None) -> list[Favourite]:
        if principal is None or principal.subject_type == "official":
            return []
        since = self._clock.now() - KEPT_FOR
        async with self._database.acquire() as connection:
            return await repository.list_favourites(
                connection, principal.subject_id, since=since, limit=self._settings.most_personal_apps
            )

    def _choose(self, favourites: list[Favourite], zone: str) -> list[tuple[CompiledApp, Why]]:
        """Which apps, in which order: pinned, used, then the zone's others by id."""
        apps = self._table.snapshot.apps
        chosen: dict[str, Why] = {favourite.app_id: favourite.why for favourite in favourites}
        in_zone = (app_id for app_id, app in sorted(apps.items()) if any(covers(own, zone) for own in app.zones))
        for app_id in in_zone:
            chosen.setdefault(app_id, "public")
        return [(apps[app_id], why) for app_id, why in chosen.items() if app_id in apps]

    async def _part(self, app: CompiledApp, why: Why, principal: Principal | None, zone: str) -> Part:
        if app.suspension is not None:
            return Part(app=app, why=why, cards=[], degraded=self._source.degraded(app, "suspended"))
        kept, degraded = self._public_cards.read(app)
        public = [_because(card, why) for card in kept]
        widgets = _personal_widgets(app, principal) if principal is not None and why != "public" else {}
        if not widgets:
            return Part(app=app, why=why, cards=public, degraded=degraded)
        try:
            personal = await self._source.fetch(app, widgets, principal=principal, zone=zone, why=why)
        except CardsMissing as missing:
            degraded = self._source.degraded(app, missing.trouble)
            return Part(app=app, why=why, cards=public, degraded=degraded)
        return Part(app=app, why=why, cards=[*personal, *public], degraded=degraded)


def _personal_widgets(app: CompiledApp, principal: Principal) -> dict[str, Widget]:
    if AUDIENCE_OF[principal.subject_type] not in app.audience:
        return {}
    return {widget.id: widget for widget in app.widgets if widget.personal and principal.ial >= widget.min_ial}


def _because(card: Card, why: Why) -> Card:
    return structs.replace(card, why=why)


def _sections(parts: Iterable[Part]) -> list[Section]:
    grouped: dict[Why, list[str]] = {}
    for part in parts:
        grouped.setdefault(part.why, []).append(part.app.app_id)
    return [Section(id=why, title=SECTION_TITLES[why], app_ids=app_ids) for why, app_ids in grouped.items()]
