"""The home page: cards of the services a citizen pinned or used, public cards of the place, and what is missing.

Never waits longer than its deadline, never fails because of a department, and tells a department of a citizen only when
the citizen pinned or used its service.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Final

from msgspec import structs

from app.kit.clock import Clock
from app.kit.database import Database
from app.kit.structs import Model
from auth.principal import Principal
from gateway.home import repository
from gateway.home.arrangement import (
    Place,
    arrange,
    endings_of,
    has_own_page,
    may_be_named,
    personal_widgets,
    sections_of,
    zone_told,
)
from gateway.home.cards import CardSource
from gateway.home.choices import Choices
from gateway.home.models import UNCHOSEN, Card, Choice, Degraded, Favourites, HomeView, Profile
from gateway.home.personal_cards import PersonalCards
from gateway.home.public_cards import PublicCards
from gateway.home.shelves import Seen, Shelves
from gateway.home.usage import KEPT_FOR
from gateway.routing import RouteTable
from gateway.settings import GatewaySettings
from miniapps.manifest import Widget
from miniapps.zones.errors import ZoneUnknown
from miniapps.zones.models import ZoneTree

ELDER_CARDS: Final = 1
ELDER_LINES: Final = 3


class Part(Model):
    """What one service adds to the page."""

    place: Place
    cards: list[Card]
    degraded: Degraded | None


class Page(Model):
    """Whose page it is, and for where."""

    principal: Principal | None
    choice: Choice
    zone: str
    profile: Profile


class Home:
    """Gathers the page."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        table: RouteTable,
        shelves: Shelves,
        choices: Choices,
        zones: ZoneTree,
        source: CardSource,
        public_cards: PublicCards,
        personal_cards: PersonalCards,
        settings: GatewaySettings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._table = table
        self._shelves = shelves
        self._choices = choices
        self._zones = zones
        self._source = source
        self._public_cards = public_cards
        self._personal_cards = personal_cards
        self._settings = settings

    async def gather(
        self, principal: Principal | None, zone: str | None = None, profile: Profile | None = None
    ) -> HomeView:
        """The page for `principal` (None: for anybody); `zone` and `profile` in place of what they chose.

        Holds no connection while departments are asked. Raises `ZoneUnknown`.
        """
        if zone is not None and zone not in self._zones:
            raise ZoneUnknown(zone=zone)
        await self._table.ready()
        page = await self._open(principal if has_own_page(principal) else None, zone, profile)
        snapshot = self._table.snapshot
        arrangement = arrange(
            self._see(page), await self._favourites(page.principal), zone=page.zone, profile=page.profile
        )
        parts = await self._fill(arrangement.places, page)
        if self._table.snapshot is not snapshot:
            parts = self._judge_again(parts, self._see(page))
        return HomeView(
            zone=page.zone,
            profile=page.profile,
            large_text=page.profile == "elder",
            sections=sections_of([part.place for part in parts], arrangement.totals),
            cards=[card for part in parts for card in _shortened(part.cards, page.profile)],
            degraded=[part.degraded for part in parts if part.degraded is not None],
            ending=endings_of(part.place for part in parts),
            generated_at=self._clock.now(),
        )

    async def _open(self, principal: Principal | None, zone: str | None, profile: Profile | None) -> Page:
        choice = UNCHOSEN if principal is None else await self._choices.find_choice(principal.subject_id)
        return Page(
            principal=principal,
            choice=choice,
            zone=zone or choice.zone or self._settings.region,
            profile=profile or choice.profile,
        )

    def _see(self, page: Page) -> Seen:
        """By where the subject is at home, whichever place they look at: their calls are decided by that too."""
        subject_id = None if page.principal is None else page.principal.subject_id
        return self._shelves.current.see(subject_id, page.choice.zone)

    async def _favourites(self, principal: Principal | None) -> Favourites:
        if principal is None:
            return Favourites()
        since = self._clock.now() - KEPT_FOR
        async with self._database.acquire() as connection:
            return await repository.list_favourites(
                connection, principal.subject_id, since=since, limit=self._settings.most_personal_apps
            )

    async def _fill(self, places: Sequence[Place], page: Page) -> list[Part]:
        """All departments at once, the first of them in the citizen's name and no more than are allowed."""
        asked = 0
        parts: list[Awaitable[Part]] = []
        for place in places:
            widgets = self._own_widgets(place, page) if asked < self._settings.most_personal_apps else {}
            asked += bool(widgets)
            parts.append(self._part(place, page, widgets))
        return list(await asyncio.gather(*parts))

    def _own_widgets(self, place: Place, page: Page) -> dict[str, Widget]:
        if page.principal is None or place.why == "public" or place.app.suspension is not None:
            return {}
        return personal_widgets(place.app, page.principal, page.profile) if may_be_named(page.principal) else {}

    async def _part(self, place: Place, page: Page, widgets: dict[str, Widget]) -> Part:
        app = place.app
        if app.suspension is not None:
            return Part(place=place, cards=[], degraded=self._source.degraded(app, "suspended"))
        zone = zone_told(app, page.zone)
        kept, degraded = self._public_cards.read(app, zone)
        public = [structs.replace(card, why=place.why) for card in kept]
        if not widgets or page.principal is None:
            return Part(place=place, cards=public, degraded=degraded)
        own, trouble = await self._personal_cards.read(
            app,
            widgets,
            page.principal,
            zone=zone or self._settings.region,
            elder=page.profile == "elder",
            why=place.why,
        )
        return Part(place=place, cards=[*own, *public], degraded=trouble or degraded)

    def _judge_again(self, parts: Sequence[Part], seen: Seen) -> list[Part]:
        """Something was published or suspended while departments were asked: nothing of another release is shown."""
        judged: list[Part] = []
        for part in parts:
            app = seen.find(part.place.app.app_id)
            if app is None:
                continue
            if app.suspension is not None:
                judged.append(Part(place=part.place, cards=[], degraded=self._source.degraded(app, "suspended")))
            elif app.release_id != part.place.app.release_id:
                judged.append(Part(place=part.place, cards=[], degraded=None))
            else:
                judged.append(part)
        return judged


def _shortened(cards: list[Card], profile: Profile) -> list[Card]:
    """For elders the first card of a service, with its first lines."""
    if profile == "standard":
        return cards
    return [structs.replace(card, lines=card.lines[:ELDER_LINES]) for card in cards[:ELDER_CARDS]]
