"""Puts the ways in by another house together, on the services of identity."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Router

from app.kit.database import Connection
from app.kit.floor import Floor
from auth.devices.service import Devices
from auth.login.citizens import CitizenSessions
from auth.login.upstream import repository, routes
from auth.login.upstream.links import Links
from auth.login.upstream.national import NationalProvider
from auth.login.upstream.network import NetworkLogin
from auth.login.upstream.service import NationalLogin
from auth.login.wiring import LoginRooms
from auth.messages.service import Messages
from auth.people.life.service import PersonLife
from auth.people.service import People
from auth.registries.ports import NetworkIdentity
from auth.sessions.service import Sessions
from auth.settings import AuthSettings


@dataclass(frozen=True, kw_only=True)
class UpstreamRooms:
    """Who vouches for citizens beside the city itself."""

    national: NationalLogin
    network: NetworkLogin
    links: Links
    provider: NationalProvider

    @property
    def injected(self) -> dict[str, Any]:
        """What the handlers ask for by name."""
        return {"national": self.national, "network": self.network, "links": self.links}

    def routers(self) -> list[Router]:
        """The routes of these rooms."""
        return [routes.router]

    async def forget(self, connection: Connection, now: datetime) -> None:
        """Deletes what is over; part of a periodic job."""
        await repository.delete_expired(connection, now)


def build_upstream(
    floor: Floor,
    settings: AuthSettings,
    *,
    login: LoginRooms,
    people: People,
    life: PersonLife,
    sessions: Sessions,
    devices: Devices,
    messages: Messages,
    platform: NetworkIdentity,
) -> UpstreamRooms:
    """These rooms on this floor. Links end with the account from here on."""
    links = Links(
        people=people,
        life=life,
        devices=devices,
        sessions=sessions,
        standing=login.standing,
        messages=messages,
        clock=floor.clock,
    )
    life.tell(links)
    citizens = CitizenSessions(sessions=sessions, people=people, clock=floor.clock, settings=settings)
    provider = NationalProvider(
        issuer=settings.national_identity_issuer,
        client_id=settings.national_identity_client_id,
        levels=settings.national_identity_levels,
        keyring=floor.keyring,
        clock=floor.clock,
        timeout_seconds=settings.registry_timeout_seconds,
        production=floor.environment == "production",
    )
    return UpstreamRooms(
        national=NationalLogin(
            database=floor.database,
            provider=provider,
            links=links,
            standing=login.standing,
            citizens=citizens,
            lockout=login.lockout,
            vault=floor.vault,
            clock=floor.clock,
            settings=settings,
        ),
        network=NetworkLogin(
            database=floor.database,
            platform=platform,
            links=links,
            standing=login.standing,
            citizens=citizens,
            lockout=login.lockout,
            vault=floor.vault,
            clock=floor.clock,
            settings=settings,
        ),
        links=links,
        provider=provider,
    )
