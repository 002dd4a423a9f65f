"""Puts the provider together on the services of identity."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from litestar import Router

from app.kit.database import Connection
from app.kit.floor import Floor
from auth.browser.cookies import Cookies
from auth.browser.service import BrowserSessions
from auth.consents.wiring import ConsentRooms
from auth.devices.service import Devices
from auth.login.scan import repository as scan_repository
from auth.login.scan import routes as scan_routes
from auth.login.scan.service import ScanLogin
from auth.login.upstream.wiring import UpstreamRooms
from auth.login.wiring import LoginRooms
from auth.messages.service import Messages
from auth.pairwise import Names
from auth.people.real_name import RealName
from auth.people.service import People
from auth.provider import metadata
from auth.provider.authorize import consent_routes, second_proof_routes, sign_in_routes, upstream_routes
from auth.provider.authorize import repository as requests_repository
from auth.provider.authorize import routes as authorize_routes
from auth.provider.authorize.consent import ConsentDesk
from auth.provider.authorize.desk import Desk
from auth.provider.authorize.models import Way
from auth.provider.authorize.pushing import Pushing
from auth.provider.authorize.second_proof import NameDesk
from auth.provider.authorize.service import Authorizing
from auth.provider.authorize.sign_in import SigningIn
from auth.provider.authorize.sign_in_ends import SignInEnds
from auth.provider.authorize.upstream import UpstreamDesk
from auth.provider.clients import repository as clients_repository
from auth.provider.clients.authentication import ClientAuthentication
from auth.provider.clients.published_keys.service import TOPIC as KEYS_TOPIC
from auth.provider.clients.published_keys.service import PublishedKeys
from auth.provider.clients.service import Clients
from auth.provider.inspection import routes as inspection_routes
from auth.provider.inspection.service import TokenDesk
from auth.provider.launch import routes as launch_routes
from auth.provider.launch.service import Launches
from auth.provider.logout import routes as logout_routes
from auth.provider.logout.backchannel import TOPIC, BackchannelLogout
from auth.provider.logout.service import Logout
from auth.provider.tokens import routes as tokens_routes
from auth.provider.tokens.access_tokens import ClientTokens
from auth.provider.tokens.endpoint import TokenEndpoint
from auth.provider.tokens.exchange import Exchange
from auth.provider.tokens.id_tokens import IdTokens
from auth.provider.tokens.service import ClientGrants
from auth.sessions.app_tokens import AppTokens
from auth.sessions.overview.service import SessionOverview
from auth.sessions.service import Sessions
from auth.sessions.tokens import AccessTokens, RevokedSessions
from auth.settings import AuthSettings
from auth.subject_keys.service import SubjectVault

KEEP = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Provider:
    """What the provider offers to the front door: where clients are told of, and how they are reached."""

    clients: Clients
    keys: PublishedKeys
    backchannel: BackchannelLogout
    token_desk: TokenDesk
    injected: dict[str, Any]


def build_provider(
    floor: Floor,
    settings: AuthSettings,
    *,
    sessions: Sessions,
    revoked: RevokedSessions,
    login: LoginRooms,
    people: People,
    devices: Devices,
    messages: Messages,
    subject_vault: SubjectVault,
    consent_rooms: ConsentRooms,
    access_tokens: AccessTokens,
    app_tokens: AppTokens,
    names: Names,
    upstream: UpstreamRooms,
    real_name: RealName,
) -> Provider:
    """The provider. It has no clients until `clients.find_in` says where they are."""
    issuer, clock = settings.issuer, floor.clock
    clients = Clients(sessions)
    desk = ConsentDesk(consent_rooms.consents, consent_rooms.children, messages, clock)
    consent_rooms.consents.tell(SignInEnds(sessions, clock))
    keys = PublishedKeys(database=floor.database, outbox=floor.outbox, clients=clients, clock=clock)
    floor.outbox.handle(KEYS_TOPIC, keys.fetch)
    authentication = ClientAuthentication(clients, keys, clock, issuer=issuer)
    id_tokens = IdTokens(floor.keyring, names, clock, issuer=issuer)
    tokens = ClientTokens(
        keyring=floor.keyring,
        revoked=revoked,
        names=names,
        clock=clock,
        issuer=issuer,
        lifetime_seconds=settings.access_token_seconds,
    )
    grants = ClientGrants(
        clients=clients,
        sessions=sessions,
        tokens=tokens,
        id_tokens=id_tokens,
        desk=desk,
        vault=floor.vault,
        clock=clock,
        lifetime=timedelta(seconds=settings.browser_session_seconds),
    )
    backchannel = BackchannelLogout(
        database=floor.database,
        outbox=floor.outbox,
        keyring=floor.keyring,
        clients=clients,
        names=names,
        clock=clock,
        issuer=issuer,
    )
    sessions.tell(backchannel)
    floor.outbox.handle(TOPIC, backchannel.send)
    scan_login = ScanLogin(
        sessions=sessions,
        messages=messages,
        lockout=login.lockout,
        vault=floor.vault,
        clock=clock,
        settings=settings,
    )
    browser_sessions = BrowserSessions(sessions=sessions, vault=floor.vault, clock=clock, settings=settings)
    authorizing = Authorizing(
        clients=clients,
        people=people,
        desk=desk,
        names=names,
        clock=clock,
        devices=devices,
        issuer=issuer,
        offered=_ways_offered(upstream),
    )
    token_desk = TokenDesk(
        app_tokens=app_tokens,
        authentication=authentication,
        clients=clients,
        sessions=sessions,
        tokens=tokens,
        grants=grants,
        desk=desk,
        names=names,
        people=people,
        clock=clock,
        issuer=issuer,
    )
    browser_desk = Desk(
        authorizing=authorizing,
        signing_in=SigningIn(
            browser_sessions=browser_sessions,
            otp=login.otp,
            scan_login=scan_login,
            passkeys=login.passkeys,
            passkey_login=login.passkey_login,
            phones=login.phones,
            people=people,
            links=upstream.links,
            network=upstream.network,
        ),
        browser_sessions=browser_sessions,
        people=people,
        cookies=Cookies(issuer),
        settings=settings,
    )
    injected: dict[str, Any] = {
        "pushing": Pushing(floor.database, authentication, id_tokens, clock),
        "desk": browser_desk,
        "name_desk": NameDesk(database=floor.database, desk=browser_desk, real_name=real_name),
        "upstream_desk": UpstreamDesk(
            database=floor.database, desk=browser_desk, national=upstream.national, network=upstream.network
        ),
        "token_endpoint": TokenEndpoint(
            database=floor.database,
            authentication=authentication,
            grants=grants,
            exchange=Exchange(access_tokens=access_tokens, app_tokens=app_tokens, clients=clients, clock=clock),
            sessions=sessions,
        ),
        "token_desk": token_desk,
        "scan_login": scan_login,
        "session_overview": SessionOverview(devices=devices, clients=clients, subject_vault=subject_vault, clock=clock),
        "launches": Launches(clients=clients, desk=desk, clock=clock, issuer=issuer),
        "logout": Logout(clients=clients, sessions=sessions, id_tokens=id_tokens, browser_sessions=browser_sessions),
    }
    return Provider(clients=clients, keys=keys, backchannel=backchannel, token_desk=token_desk, injected=injected)


def _ways_offered(upstream: UpstreamRooms) -> frozenset[Way]:
    """What the operator connected, beside what the city has by itself."""
    there = {Way.UPSTREAM: upstream.national.configured, Way.NETWORK: upstream.network.configured}
    return frozenset(Way) - {way for way, connected in there.items() if not connected}


def routers() -> list[Router]:
    """Every route of the provider."""
    return [
        metadata.router,
        authorize_routes.router,
        sign_in_routes.router,
        upstream_routes.router,
        second_proof_routes.router,
        consent_routes.router,
        scan_routes.router,
        launch_routes.router,
        tokens_routes.router,
        inspection_routes.router,
        logout_routes.router,
    ]


async def forget(connection: Connection, now: datetime) -> None:
    """Deletes what is over; part of a periodic job."""
    await requests_repository.delete_old(connection, now - KEEP)
    await scan_repository.delete_expired(connection, now - KEEP)
    await clients_repository.delete_expired(connection, now)
