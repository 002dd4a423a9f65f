"""Puts identity together: its services, routers, periodic jobs and the handler of its outbox topic."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from litestar import Request, Router
from litestar.di import Provide

from app.kit.addresses import client_address, networks_of
from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.jobs import Job
from auth.attempts import delete_ended_attempts
from auth.consents import wiring as consents_wiring
from auth.consents.service import Consents
from auth.consents.wiring import ConsentRooms
from auth.devices import repository as devices_repository
from auth.devices import routes as devices_routes
from auth.devices.service import Devices
from auth.login import wiring as login_wiring
from auth.login.upstream.wiring import UpstreamRooms, build_upstream
from auth.login.wiring import LoginRooms
from auth.mandates import wiring as mandates_wiring
from auth.mandates.guardians import Guardians
from auth.mandates.merging import MandatesFollow
from auth.mandates.service import Mandates
from auth.mandates.wiring import MandateRooms
from auth.messages.service import Messages
from auth.messages.wiring import MessageCentre, build_messages
from auth.officials import routes as officials_routes
from auth.officials.passwords import Passwords
from auth.officials.service import Officials
from auth.organizations import routes as organizations_routes
from auth.organizations import tree
from auth.organizations.claims import OrganizationClaims
from auth.organizations.service import Organizations
from auth.pairwise import Names
from auth.people import routes as people_routes
from auth.people.real_name import RealName
from auth.people.service import People
from auth.people.wiring import PeopleRooms, build_people_rooms
from auth.privacy.wiring import PrivacyRooms, build_privacy
from auth.provider import wiring as provider_wiring
from auth.provider.wiring import Provider, build_provider
from auth.registries.adapter import HttpRegistry
from auth.sessions import repository as sessions_repository
from auth.sessions import routes as sessions_routes
from auth.sessions.app_tokens import AppTokens
from auth.sessions.middleware import AuthenticationMiddleware, Authenticator, provide_principal
from auth.sessions.refresh_tokens import RefreshTokens
from auth.sessions.service import Sessions
from auth.sessions.tokens import AccessTokens, RevokedSessions
from auth.settings import AuthSettings
from auth.subject_keys.service import SubjectVault

FORGET_EVERY_SECONDS = 60
LOOK_FOR_ENDS_EVERY_SECONDS = 0.25
CLOCKS_DIFFER = timedelta(seconds=60)
KEEP = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class AuthServices:
    """Everything identity offers to the other packages and to the front door."""

    settings: AuthSettings
    access_tokens: AccessTokens
    app_tokens: AppTokens
    authenticator: Authenticator
    revoked_sessions: RevokedSessions
    sessions: Sessions
    people: People
    subject_vault: SubjectVault
    real_name: RealName
    people_rooms: PeopleRooms
    privacy: PrivacyRooms
    devices: Devices
    mandates: Mandates
    mandate_rooms: MandateRooms
    guardians: Guardians
    organizations: Organizations
    organization_claims: OrganizationClaims
    officials: Officials
    login: LoginRooms
    upstream: UpstreamRooms
    consents: Consents
    consent_rooms: ConsentRooms
    messages: Messages
    provider: Provider
    message_centre: MessageCentre
    closers: tuple[Callable[[], Awaitable[None]], ...]

    @property
    def middleware(self) -> AuthenticationMiddleware:
        """Sets `scope["user"]`."""
        return AuthenticationMiddleware(self.authenticator)

    async def open(self) -> None:
        """Learns which sessions ended lately, before the first request is let in; with the database open."""
        await self.revoked_sessions.refresh()

    async def close(self) -> None:
        """Ends the HTTP clients; at the end of the lifespan."""
        for close in self.closers:
            await close()


def build_auth(floor: Floor, settings: AuthSettings) -> AuthServices:
    """Identity on this floor, unopened. In production an SMS vendor must be set; else `RuntimeError`."""
    revoked = RevokedSessions(
        floor.database, floor.clock, keep=timedelta(seconds=settings.access_token_seconds) + CLOCKS_DIFFER
    )
    revoked.listen(floor.notifications)
    access_tokens = AccessTokens(
        floor.keyring, revoked, floor.clock, issuer=settings.issuer, lifetime_seconds=settings.access_token_seconds
    )
    names = Names(floor.vault)
    app_tokens = AppTokens(
        keyring=floor.keyring,
        revoked=revoked,
        vault=floor.vault,
        names=names,
        issuer=settings.issuer,
    )
    sessions = Sessions(
        access_tokens=access_tokens,
        refresh_tokens=RefreshTokens(floor.vault),
        clock=floor.clock,
        grace=timedelta(seconds=settings.refresh_grace_seconds),
    )
    city_offset = timedelta(seconds=settings.city_utc_offset_seconds)
    subject_vault = SubjectVault(floor.vault, floor.clock)
    people = People(floor.vault, subject_vault, floor.clock, city_offset=city_offset)
    message_centre = build_messages(floor, settings, people=people, subject_vault=subject_vault)
    messages = message_centre.messages
    devices = Devices(
        people=people,
        sessions=sessions,
        messages=messages,
        subject_vault=subject_vault,
        clock=floor.clock,
        settings=settings,
    )
    core = mandates_wiring.build_core(floor, sessions=sessions, messages=messages, people=people)
    organizations = Organizations(
        mandates=core.mandates, engine=core.engine, sessions=sessions, acts=core.acts, clock=floor.clock
    )
    passwords = Passwords(threads=settings.password_threads, queue=settings.password_queue)
    officials = Officials(
        organizations=organizations,
        sessions=sessions,
        passwords=passwords,
        vault=floor.vault,
        clock=floor.clock,
        settings=settings,
    )
    registry = HttpRegistry(
        population_url=settings.population_registry_url,
        enterprise_url=settings.enterprise_registry_url,
        timeout_seconds=settings.registry_timeout_seconds,
        face_url=settings.face_service_url,
        network_identity_url=settings.network_identity_url,
    )
    mandate_rooms = mandates_wiring.build_rooms(
        floor,
        settings,
        core,
        people=people,
        organizations=organizations,
        sessions=sessions,
        messages=messages,
        subject_vault=subject_vault,
        registry=registry,
    )
    login = login_wiring.build_login(
        floor,
        settings,
        people=people,
        sessions=sessions,
        devices=devices,
        officials=officials,
        passwords=passwords,
        messages=messages,
        subject_vault=subject_vault,
    )
    consent_rooms = consents_wiring.build_consents(
        floor,
        settings,
        organizations=organizations,
        people=people,
        guardians=mandate_rooms.guardians,
        messages=messages,
    )
    people_rooms = build_people_rooms(
        floor,
        settings,
        people=people,
        organizations=organizations,
        sessions=sessions,
        devices=devices,
        messages=messages,
        subject_vault=subject_vault,
        registry=registry,
        listeners=(core.mandates, message_centre),
        return_listeners=(core.mandates,),
        followers=(MandatesFollow(sessions),),
    )
    upstream = build_upstream(
        floor,
        settings,
        login=login,
        people=people,
        life=people_rooms.life,
        sessions=sessions,
        devices=devices,
        messages=messages,
        platform=registry,
    )
    real_name = RealName(
        database=floor.database,
        people=people,
        devices=devices,
        sessions=sessions,
        recoveries=people_rooms.recoveries,
        registry=registry,
        clock=floor.clock,
        settings=settings,
    )
    privacy = build_privacy(
        floor,
        settings,
        people=people,
        life=people_rooms.life,
        devices=devices,
        mandates=core.mandates,
        consents=consent_rooms.consents,
        messages=messages,
        subject_vault=subject_vault,
        lookups=people_rooms.lookups,
        authority=registry,
    )
    people_rooms.merging.follow(privacy.exports)
    return AuthServices(
        settings=settings,
        access_tokens=access_tokens,
        app_tokens=app_tokens,
        authenticator=Authenticator(access_tokens, app_tokens, floor.clock, origin=settings.issuer),
        revoked_sessions=revoked,
        sessions=sessions,
        people=people,
        subject_vault=subject_vault,
        real_name=real_name,
        people_rooms=people_rooms,
        privacy=privacy,
        devices=devices,
        mandates=core.mandates,
        mandate_rooms=mandate_rooms,
        guardians=mandate_rooms.guardians,
        organizations=organizations,
        organization_claims=OrganizationClaims(
            database=floor.database,
            people=people,
            sessions=sessions,
            organizations=organizations,
            registry=registry,
            clock=floor.clock,
            settings=settings,
        ),
        officials=officials,
        login=login,
        upstream=upstream,
        consents=consent_rooms.consents,
        consent_rooms=consent_rooms,
        messages=messages,
        provider=build_provider(
            floor,
            settings,
            sessions=sessions,
            revoked=revoked,
            login=login,
            people=people,
            devices=devices,
            messages=messages,
            subject_vault=subject_vault,
            consent_rooms=consent_rooms,
            access_tokens=access_tokens,
            app_tokens=app_tokens,
            names=names,
            upstream=upstream,
            real_name=real_name,
        ),
        message_centre=message_centre,
        closers=(registry.close, upstream.provider.close, *message_centre.closers, passwords.close),
    )


def dependencies() -> dict[str, Provide]:
    """What any handler of the product may ask for by name: `principal`."""
    return {"principal": Provide(provide_principal, sync_to_thread=False)}


def routers(services: AuthServices, given: Mapping[str, Any] | None = None) -> list[Router]:
    """Every route of identity; the demo inbox only with the development stand-in for SMS.

    What handlers ask for by name is looked up in `given` at each request; by default it is `provided(services)`.
    """
    parts = [
        *provider_wiring.routers(),
        *login_wiring.routers(),
        *services.upstream.routers(),
        people_routes.router,
        *services.people_rooms.routers(),
        *services.privacy.routers(),
        sessions_routes.router,
        devices_routes.router,
        organizations_routes.router,
        tree.router,
        *mandates_wiring.routers(),
        officials_routes.router,
        *consents_wiring.routers(),
        *services.message_centre.routers(),
    ]
    found = provided(services) if given is None else given
    injected = {name: Provide(_looked_up(found, name), sync_to_thread=False) for name in found}
    injected["address"] = Provide(_address_by(found), sync_to_thread=False)
    return [Router(path="/", route_handlers=parts, dependencies=injected)]


def provided(services: AuthServices) -> dict[str, Any]:
    """What the handlers of identity may ask for by name, beside the house's own."""
    by_name: dict[str, Any] = {
        "trusted_networks": networks_of(services.settings.trusted_proxies),
        "auth_settings": services.settings,
        "authenticator": services.authenticator,
        "sessions": services.sessions,
        "people": services.people,
        "real_name": services.real_name,
        "devices": services.devices,
        "organizations": services.organizations,
        "officials": services.officials,
        "organization_claims": services.organization_claims,
    }
    for room in (
        services.message_centre,
        services.provider,
        services.mandate_rooms,
        services.consent_rooms,
        services.people_rooms,
        services.privacy,
        services.login,
        services.upstream,
    ):
        by_name |= room.injected
    return by_name


def background(floor: Floor, services: AuthServices) -> list[Job]:
    """Periodic jobs: ends of sessions reread, what is over forgotten."""

    async def forget() -> None:
        async with floor.database.transaction() as connection:
            await _forget(connection, services, floor)

    return [
        Job(
            name="auth.revoked_sessions",
            every_seconds=LOOK_FOR_ENDS_EVERY_SECONDS,
            run=services.revoked_sessions.refresh,
        ),
        *services.message_centre.jobs,
        Job(name="auth.forget", every_seconds=FORGET_EVERY_SECONDS, run=forget),
        *mandates_wiring.background(floor, services.mandate_rooms),
        *services.people_rooms.jobs(),
        *services.privacy.jobs(),
        *login_wiring.jobs(floor, services.login),
    ]


async def _forget(connection: Connection, services: AuthServices, floor: Floor) -> None:
    now = floor.clock.now()
    await delete_ended_attempts(connection, now)
    await login_wiring.forget(connection, now, KEEP)
    await services.upstream.forget(connection, now)
    await devices_repository.delete_expired_challenges(connection, now)
    await sessions_repository.delete_expired_sessions(connection, now - KEEP)
    await sessions_repository.delete_ended_sessions(connection, now - sessions_repository.ENDED_KEPT)
    await consents_wiring.forget(connection, now)
    await provider_wiring.forget(connection, now)
    await services.message_centre.forget(connection, now, now - KEEP)
    await services.people_rooms.forget(connection)
    await services.privacy.forget(connection, now)


def _address_by(given: Mapping[str, Any]) -> Callable[[Request[Any, Any, Any]], str]:
    def provide(request: Request[Any, Any, Any]) -> str:
        peer = request.client.host if request.client else ""
        return client_address(peer, ",".join(request.headers.getall("x-forwarded-for", [])), given["trusted_networks"])

    return provide


def _looked_up(given: Mapping[str, Any], name: str) -> Callable[[], Any]:
    return lambda: given[name]
