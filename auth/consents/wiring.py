"""Puts the consents together: a person's own, and those of children that their guardians decide on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from litestar import Router

from app.kit.database import Connection
from app.kit.floor import Floor
from auth.consents import child_routes, repository, routes
from auth.consents.ages import Birthdays
from auth.consents.children import ChildConsents
from auth.consents.ports import KnowsGuardians
from auth.consents.service import Consents
from auth.messages.service import Messages
from auth.organizations.service import Organizations
from auth.people.service import People
from auth.settings import AuthSettings

KEEP_REQUESTS: Final = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class ConsentRooms:
    """What the consents offer to identity."""

    consents: Consents
    children: ChildConsents

    @property
    def injected(self) -> dict[str, Any]:
        """What its handlers ask for by name."""
        return {"consents": self.consents, "child_consents": self.children}


def build_consents(
    floor: Floor,
    settings: AuthSettings,
    *,
    organizations: Organizations,
    people: People,
    guardians: KnowsGuardians,
    messages: Messages,
) -> ConsentRooms:
    """The consents. Purposes are as phones say until `consents.find_purposes_in` says where they are registered."""
    birthdays = Birthdays(people, city_offset=timedelta(seconds=settings.city_utc_offset_seconds))
    consents = Consents(organizations=organizations, birthdays=birthdays, clock=floor.clock)
    children = ChildConsents(
        consents=consents, guardians=guardians, organizations=organizations, messages=messages, clock=floor.clock
    )
    return ConsentRooms(consents=consents, children=children)


def routers() -> list[Router]:
    """Every route of consents."""
    return [routes.router, child_routes.router]


async def forget(connection: Connection, now: datetime) -> None:
    """Deletes requests that are long over; part of a periodic job."""
    await repository.delete_old_requests(connection, now - KEEP_REQUESTS)
