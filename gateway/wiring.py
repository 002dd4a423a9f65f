"""Puts the gateway together: the door before everything, the proxy, the home page, and their periodic work."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from litestar import Router
from litestar.di import Provide

from app.kit.floor import Floor
from app.kit.jobs import Job
from auth.consents.service import CHANNEL as CONSENT_CHANNEL
from auth.mandates.wiring import MandateRooms
from gateway import routes as key_routes
from gateway.access import tell_of_rows
from gateway.admission import Admission
from gateway.asgi import ASGIApp
from gateway.assertion import Assertions
from gateway.breakers import Protection
from gateway.calls import Departments
from gateway.consents import ConsentLookup, KnownConsents
from gateway.delegates import Delegates
from gateway.directory import routes as directory_routes
from gateway.directory.service import Directory
from gateway.disclosures import routes as disclosures_routes
from gateway.disclosures.service import Disclosures, Organizations, People
from gateway.dispatch import Dispatcher
from gateway.edge import EdgeGuard
from gateway.errands import Errands
from gateway.errors import DepartmentMisbehaved
from gateway.health import ReleaseHealth
from gateway.home import routes as home_routes
from gateway.home.cards import CardSource
from gateway.home.usage import Usage
from gateway.home.wiring import HomeRooms, build_home
from gateway.leaks import Leaks
from gateway.limits.local import LocalLimits
from gateway.limits.postgres import PostgresBuckets
from gateway.limits.shared import SharedLimits
from gateway.limits.valkey import ValkeyBuckets
from gateway.meters import watch_departments, watch_worker
from gateway.network import NetworkPolicy, own_places
from gateway.overload.gate import Gate
from gateway.overload.shield import Shield, listen
from gateway.pages.site import Site
from gateway.ports import Authenticator
from gateway.proxy import Proxy
from gateway.routing import CHANNEL as RELEASE_CHANNEL
from gateway.routing import ROUND_SECONDS, RouteTable
from gateway.settings import GatewaySettings
from gateway.signature import RequestSigner
from gateway.spans import Spans
from gateway.upstream import Upstream
from gateway.visitors import Visitors
from gateway.websockets import WebSockets
from miniapps.releases.models import GrayApp, PublishedApp
from miniapps.releases.service import Releases
from miniapps.zones import routes as zones_routes
from miniapps.zones.models import ZoneTree

FORGET_EVERY_SECONDS = 3600
ERRAND_PLACES = 8
RECEIPT_SECONDS = 5.0
LARGEST_RECEIPT = 16_384
LARGEST_DOCUMENT = 65_536
HTTP_OK = 200


@dataclass(frozen=True, kw_only=True)
class GatewayServices:
    """Everything the gateway offers to the front door."""

    settings: GatewaySettings
    table: RouteTable
    upstream: Upstream
    assertions: Assertions
    proxy: Proxy
    websockets: WebSockets
    site: Site
    home_rooms: HomeRooms
    directory: Directory
    usage: Usage
    errands: Errands
    leaks: Leaks
    disclosures: Disclosures
    health: ReleaseHealth
    buckets: PostgresBuckets | ValkeyBuckets | None
    gate: Gate
    spans: Spans | None
    floor: Floor

    async def close(self) -> None:
        """Closes the connections to departments and writes what waits; at the end of the lifespan."""
        await self.upstream.close()
        await self.usage.write()
        await self.health.write()
        if self.spans is not None:
            await self.spans.close()
        if isinstance(self.buckets, ValkeyBuckets):
            await self.buckets.close()


def network_policy(settings: GatewaySettings) -> NetworkPolicy:
    """Where departments may live; also what the registry asks when one registers."""
    own = own_places(settings.issuer, settings.apps_origin)
    return NetworkPolicy(allowed=settings.allowed_upstreams, own=own)


class ClientNetwork:
    """The way to clients of the identity provider: as to departments, under the operator's network policy."""

    def __init__(self, upstream: Upstream, *, timeout_seconds: float) -> None:
        self._upstream = upstream
        self._timeout_seconds = timeout_seconds

    async def post_form(self, url: str, form: Mapping[str, str]) -> int:
        """Posts the form, follows nothing; the status of the answer. Raises a `SuishenError` when nothing answered."""
        answer = await self._upstream.call(
            "POST",
            url,
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"},
            body=urlencode(form).encode(),
            timeout_seconds=self._timeout_seconds,
            largest_answer=LARGEST_RECEIPT,
        )
        return answer.status

    async def get_document(self, url: str) -> bytes:
        """What stands at the address; follows nothing. Raises a `SuishenError` when nothing, or no good, answered."""
        answer = await self._upstream.call(
            "GET",
            url,
            headers={"Accept": "application/json"},
            body=b"",
            timeout_seconds=self._timeout_seconds,
            largest_answer=LARGEST_DOCUMENT,
        )
        if answer.status != HTTP_OK:
            raise DepartmentMisbehaved
        return answer.body


def client_network(services: GatewayServices) -> ClientNetwork:
    """For the front door, which gives it to the provider."""
    return ClientNetwork(services.upstream, timeout_seconds=RECEIPT_SECONDS)


def build_gateway(
    floor: Floor,
    settings: GatewaySettings,
    *,
    authenticator: Authenticator,
    releases: Releases,
    consents: KnownConsents,
    people: People,
    organizations: Organizations,
    zones: ZoneTree,
    mandates: MandateRooms | None = None,
) -> GatewayServices:
    """The gateway on this floor, unopened. Listens to releases and consents."""
    table = RouteTable(lambda: _list_exposed(floor, releases), lambda: _find_edition(floor, releases))
    floor.notifications.on(RELEASE_CHANNEL, table.mark_stale)
    disclosures = Disclosures(floor.database, floor.clock, people=people, organizations=organizations)
    assertions = Assertions(
        keyring=floor.keyring, vault=floor.vault, issuer=settings.issuer, fields_of=disclosures.disclose
    )
    floor.notifications.on(CONSENT_CHANNEL, assertions.forget)
    upstream = Upstream(network_policy(settings))
    signer = RequestSigner(floor.keyring)
    leaks = Leaks(floor.database, floor.clock)
    usage = Usage(floor.database, floor.clock)
    health = ReleaseHealth(floor.database, floor.clock)
    source = CardSource(
        departments=_departments(
            floor,
            settings,
            upstream,
            signer,
            health=health,
            places=settings.card_places_per_department,
            each=settings.card_places_per_department // 4,
        ),
        assertions=assertions,
        clock=floor.clock,
        most_seconds=settings.cards_deadline_seconds,
    )
    lookup = ConsentLookup(floor.database, consents)
    home_rooms = build_home(floor, settings, table=table, source=source, consents=lookup, zones=zones)
    buckets = _buckets(floor, settings.limits)
    limits = LocalLimits() if buckets is None else SharedLimits(buckets)
    visitors = Visitors(floor.vault, settings.trusted_proxies)
    gate = Gate(settings.overload)
    watch_worker(gate, limits, table)
    streams = _departments(
        floor,
        settings,
        upstream,
        signer,
        health=health,
        places=settings.stream_places_per_department,
        each=settings.places_per_caller,
    )
    admission = Admission(
        settings=settings,
        clock=floor.clock,
        table=table,
        authenticator=authenticator,
        consents=lookup,
        assertions=assertions,
        limits=limits,
        visitors=visitors,
        delegates=None if mandates is None else _delegates(floor, mandates),
        choices=home_rooms.choices,
    )
    return GatewayServices(
        settings=settings,
        table=table,
        upstream=upstream,
        assertions=assertions,
        proxy=Proxy(
            settings=settings,
            clock=floor.clock,
            admission=admission,
            departments=_departments(
                floor,
                settings,
                upstream,
                signer,
                health=health,
                places=settings.places_per_department,
                each=settings.places_per_caller,
            ),
            streams=streams,
            note_use=usage.note,
            look_at=leaks.look,
        ),
        websockets=WebSockets(
            settings=settings, clock=floor.clock, admission=admission, streams=streams, note_use=usage.note
        ),
        site=Site(
            settings=settings,
            clock=floor.clock,
            table=table,
            departments=_departments(
                floor,
                settings,
                upstream,
                signer,
                health=health,
                places=settings.page_places_per_department,
                each=settings.page_places_per_department // 2,
            ),
            limits=limits,
            visitors=visitors,
        ),
        home_rooms=home_rooms,
        directory=Directory(
            table=table,
            shelves=home_rooms.shelves,
            choices=home_rooms.choices,
            zones=zones,
            apps_origin=settings.apps_origin,
        ),
        usage=usage,
        leaks=leaks,
        errands=Errands(
            table=table,
            departments=_departments(floor, settings, upstream, signer, health=health, places=ERRAND_PLACES),
            zone=settings.region,
        ),
        disclosures=disclosures,
        health=health,
        buckets=buckets,
        gate=gate,
        spans=_spans(settings),
        floor=floor,
    )


def asgi(services: GatewayServices, inner: ASGIApp) -> ASGIApp:
    """The whole door: who is let in now, edge guard, then departments on the apps host and `inner` everywhere else."""
    dispatcher = Dispatcher(
        apps_host=services.settings.apps_host,
        proxy=services.proxy,
        websockets=services.websockets,
        pages=services.site,
        inner=inner,
    )
    return Shield(EdgeGuard(dispatcher), services.gate, apps_host=services.settings.apps_host)


def routers(services: GatewayServices) -> list[Router]:
    """Home, disclosures and the public keys, with their services."""
    provided: dict[str, Any] = {
        **services.home_rooms.provided(),
        "directory": services.directory,
        "disclosures": services.disclosures,
        "keyring": services.floor.keyring,
    }
    return [
        Router(
            path="/",
            route_handlers=[
                home_routes.router,
                directory_routes.router,
                zones_routes.router,
                disclosures_routes.router,
                key_routes.router,
            ],
            dependencies={name: Provide(_always(value), sync_to_thread=False) for name, value in provided.items()},
        )
    ]


def background(services: GatewayServices) -> list[Job]:
    """Keeping the snapshot fresh, public cards warm, uses written, and full buckets forgotten."""
    jobs = [
        Job(name="gateway.snapshot", every_seconds=ROUND_SECONDS, run=services.table.refresh_when_due),
        *services.home_rooms.jobs(),
        Job(name="gateway.directory", every_seconds=ROUND_SECONDS, run=services.directory.refresh),
        Job(name="gateway.leaks", every_seconds=1, run=services.leaks.write),
        Job(name="gateway.usage", every_seconds=1, run=services.usage.write),
        Job(name="gateway.health", every_seconds=1, run=services.health.write),
        Job(name="gateway.health.fold", every_seconds=60, run=services.health.fold),
        Job(name="gateway.overload", every_seconds=0, run=lambda: listen(services.gate)),
        Job(name="gateway.usage.forget", every_seconds=FORGET_EVERY_SECONDS, run=services.usage.forget),
    ]
    if services.spans is not None:
        jobs.append(Job(name="gateway.spans", every_seconds=1, run=services.spans.send))
    if isinstance(services.buckets, PostgresBuckets):
        jobs.append(Job(name="gateway.limits.forget", every_seconds=60, run=services.buckets.forget))
    return jobs


async def _list_exposed(floor: Floor, releases: Releases) -> list[PublishedApp | GrayApp]:
    async with floor.database.acquire() as connection:
        return await releases.list_exposed(connection)


async def _find_edition(floor: Floor, releases: Releases) -> int:
    async with floor.database.acquire() as connection:
        return await releases.find_edition(connection)


def _buckets(floor: Floor, limits: str) -> PostgresBuckets | ValkeyBuckets | None:
    if limits == "memory":
        return None
    return PostgresBuckets(floor.database) if limits == "database" else ValkeyBuckets(limits)


def _spans(settings: GatewaySettings) -> Spans | None:
    if not settings.traces_url:
        return None
    spans = Spans(settings.traces_url, settings.traces_percent)
    tell_of_rows(spans)
    return spans


def _departments(
    floor: Floor,
    settings: GatewaySettings,
    upstream: Upstream,
    signer: RequestSigner,
    *,
    health: ReleaseHealth,
    places: int,
    each: int | None = None,
) -> Departments:
    # Cards, calls and streams have a breaker and places each: a slow card must not close the service behind it, nor
    # must citizens who listen to events for an hour keep others out.
    protection = watch_departments(Protection(breaker=settings.breaker, places=places, each=each))
    return Departments(upstream=upstream, signer=signer, protection=protection, clock=floor.clock, note=health.note)


def _delegates(floor: Floor, mandates: MandateRooms) -> Delegates:
    core = mandates.core
    return Delegates(
        floor.database, floor.clock, engine=core.engine, acts=core.acts, confirmations=mandates.confirmations
    )


def _always(value: Any) -> Any:
    return lambda: value
