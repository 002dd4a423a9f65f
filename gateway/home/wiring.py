"""Puts the home page together: choices, arrangement, cards, and what comes round by itself."""

from dataclasses import dataclass
from typing import Any

from app.kit.floor import Floor
from app.kit.jobs import Job
from gateway.home.cards import CardSource
from gateway.home.choices import CHANNEL, Choices
from gateway.home.layout import Layouts
from gateway.home.personal_cards import PersonalCards
from gateway.home.public_cards import PublicCards
from gateway.home.service import Home
from gateway.home.shelves import Shelves
from gateway.ports import Consents
from gateway.routing import RouteTable
from gateway.settings import GatewaySettings
from miniapps.zones.models import ZoneTree


@dataclass(frozen=True, kw_only=True)
class HomeRooms:
    """Everything of the home page that others use."""

    choices: Choices
    shelves: Shelves
    layouts: Layouts
    home: Home
    public_cards: PublicCards
    zones: ZoneTree

    def provided(self) -> dict[str, Any]:
        """What the routes are given, by name."""
        return {
            "home": self.home,
            "layouts": self.layouts,
            "choices": self.choices,
            "zones": self.zones,
        }

    def jobs(self) -> list[Job]:
        """What comes round by itself."""
        return [
            Job(name="gateway.public_cards", every_seconds=1, run=self.public_cards.refresh),
        ]


def build_home(
    floor: Floor,
    settings: GatewaySettings,
    *,
    table: RouteTable,
    source: CardSource,
    consents: Consents,
    zones: ZoneTree,
) -> HomeRooms:
    """The home page on this floor; hears of choices that are made on other workers."""
    choices, shelves = Choices(floor.database, floor.clock, zones), Shelves(table)
    floor.notifications.on(CHANNEL, choices.forget)
    public_cards = PublicCards(table=table, source=source, clock=floor.clock)
    home = Home(
        database=floor.database,
        clock=floor.clock,
        table=table,
        shelves=shelves,
        choices=choices,
        zones=zones,
        source=source,
        public_cards=public_cards,
        personal_cards=PersonalCards(source=source, consents=consents, clock=floor.clock),
        settings=settings,
    )
    return HomeRooms(
        choices=choices,
        shelves=shelves,
        layouts=Layouts(clock=floor.clock, shelves=shelves, choices=choices),
        home=home,
        public_cards=public_cards,
        zones=zones,
    )
