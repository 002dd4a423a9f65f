"""Departments with sockets of their own, and the whole home page before them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec

from app.kit.floor import Floor
from app.kit.ids import new_id
from gateway.assertion import Assertions
from gateway.breakers import BreakerSettings, Protection
from gateway.calls import Departments
from gateway.home.cards import CardSource
from gateway.home.models import HomeView
from gateway.home.wiring import build_home
from gateway.network import NetworkPolicy
from gateway.routing import RouteTable
from gateway.settings import GatewaySettings
from gateway.signature import RequestSigner
from gateway.upstream import Upstream
from miniapps.releases.models import GrayApp, PublishedApp
from miniapps.zones.source import load_zones
from tests.gateway.conftest import KnownCitizens, KnownConsents
from tests.gateway.publications import published
from tests.gateway.servers import plain_answer, read_request, serving

Answer = Callable[[str, bytes], AsyncIterator[bytes] | Awaitable[bytes] | bytes]
WIDGETS = [
    {"id": "mine", "kind": "list", "personal": True, "timeout_ms": 300},
    {"id": "all", "kind": "text", "personal": False, "ttl_s": 60},
]


def cards_of(app_id: str, *widgets: str) -> bytes:
    cards = [{"widget": widget, "title": {"zh": f"{app_id}", "en": widget}} for widget in widgets]
    return plain_answer(msgspec.json.encode({"cards": cards}))


def good(app_id: str, request: bytes) -> bytes:
    asked = msgspec.json.decode(request.partition(b"\r\n\r\n")[2])["widgets"]
    return cards_of(app_id, *asked)


async def hung(_app_id: str, _request: bytes) -> bytes:
    await asyncio.sleep(30)
    return b""


async def byte_by_byte(app_id: str, request: bytes) -> AsyncIterator[bytes]:
    """A good answer that would take minutes."""
    for byte in good(app_id, request):
        yield bytes([byte])
        await asyncio.sleep(0.1)


class City:
    """Departments by app id, each with a server of its own."""

    def __init__(
        self, stack: contextlib.AsyncExitStack, floor: Floor, citizens: KnownCitizens, consents: KnownConsents
    ) -> None:
        self._stack = stack
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, bytes]] = []
        self.apps: list[PublishedApp | GrayApp] = []
        self._ports: set[str] = set()
        self._floor = floor
        self._citizens = citizens
        self.consents = consents
        self.table = RouteTable(self._list_published)
        self.rebuild()

    async def _list_published(self) -> list[PublishedApp | GrayApp]:
        return self.apps

    def rebuild(self) -> None:
        floor = self._floor
        settings = GatewaySettings(issuer="http://127.0.0.1:8000", apps_host="apps.localhost:8000")
        upstream = Upstream(NetworkPolicy(allowed=frozenset(self._ports)))
        self._stack.push_async_callback(upstream.close)
        source = CardSource(
            departments=Departments(
                upstream=upstream,
                signer=RequestSigner(floor.keyring),
                protection=Protection(breaker=BreakerSettings(), places=16),
                clock=floor.clock,
            ),
            assertions=Assertions(
                keyring=floor.keyring,
                vault=floor.vault,
                issuer=settings.issuer,
                fields_of=self._citizens.disclose,
            ),
            clock=floor.clock,
            most_seconds=settings.cards_deadline_seconds,
        )
        self.rooms = build_home(
            floor, settings, table=self.table, source=source, consents=self.consents, zones=load_zones("", "190000")
        )
        self.home, self.layouts, self.choices = self.rooms.home, self.rooms.layouts, self.rooms.choices
        self.public_cards = self.rooms.public_cards

    async def open(self, name: str, answer: Answer = good, **changes: Any) -> str:
        app_id = f"cn.example.{name}"
        self.answers[app_id] = answer

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while request := await read_request(reader):
                self.asked.append((app_id, request))
                answered = self.answers[app_id](app_id, request)
                if isinstance(answered, AsyncIterator):
                    async for part in answered:
                        writer.write(part)
                else:
                    writer.write(answered if isinstance(answered, bytes) else await answered)

        port = await self._stack.enter_async_context(serving(talk))
        self._ports.add(f"127.0.0.1:{port}")
        address = f"http://127.0.0.1:{port}/api"
        if routes := changes.pop("routes", None):
            changes["backend"] = {"base_url": {"live": address}, "routes": routes}
        facts: dict[str, Any] = {"app_id": app_id, "widgets": WIDGETS, "name": {"zh": name, "en": name}}
        row = {"organization_id": new_id()} | changes.pop("row", {})
        self.apps.append(published(address, row=row, **(facts | changes)))
        self.rebuild()
        await self.table.refresh()
        return app_id

    async def publish(self, *apps: PublishedApp | GrayApp) -> None:
        self.apps[:] = apps
        await self.table.refresh()

    def asked_personally(self) -> list[str]:
        return [app_id for app_id, request in self.asked if b"ssb-assertion" in request.lower()]


def shown(home: HomeView) -> list[tuple[str, str, str]]:
    return [(card.app_id.removeprefix("cn.example."), card.widget, card.why) for card in home.cards]
