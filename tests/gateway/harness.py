"""The whole gateway before one department that answers as a test says, from raw scope to raw socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from app.kit.floor import Floor
from gateway.admission import Admission
from gateway.asgi import ASGIApp
from gateway.assertion import Assertions
from gateway.breakers import Protection
from gateway.calls import Departments
from gateway.dispatch import Dispatcher
from gateway.edge import EdgeGuard
from gateway.exposure import NOBODY
from gateway.health import Outcome
from gateway.limits.local import LocalLimits
from gateway.network import NetworkPolicy
from gateway.pages.site import Site
from gateway.ports import KnowsChoices
from gateway.proxy import Proxy
from gateway.routing import RouteTable
from gateway.settings import GatewaySettings
from gateway.signature import RequestSigner
from gateway.upstream import Upstream
from gateway.visitors import Visitors
from gateway.websockets import WebSockets
from miniapps.releases.models import GrayApp, PublishedApp
from tests.gateway.conftest import KnownCallers, KnownCitizens, KnownConsents
from tests.gateway.publications import LIBRARY, published
from tests.gateway.servers import plain_answer, read_request, serving

APPS_HOST = "apps.localhost:8000"
ISSUER = "http://127.0.0.1:8000"
BEARER = (b"authorization", b"Bearer good")


class Received:
    """A request as a department read it from its socket."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ")
        self.lines = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        self.headers = {name.lower(): value for name, value in self.lines}


class Answered:
    """What the citizen got."""

    def __init__(self, sent: list[dict[str, Any]]) -> None:
        self.status: int = sent[0]["status"]
        self.lines: list[tuple[bytes, bytes]] = sent[0]["headers"]
        self.headers = dict(self.lines)
        self.body = b"".join(message.get("body", b"") for message in sent[1:])

    @property
    def slug(self) -> str:
        return str(msgspec.json.decode(self.body)["type"]).removeprefix("/problems/")


class Harness:
    """The whole gateway before one department that answers as the test says."""

    def __init__(self, app: ASGIApp, table: RouteTable, apps: list[PublishedApp]) -> None:
        self._app = app
        self.table = table
        self.apps = apps
        self.trials: list[GrayApp] = []
        self.noted: list[tuple[Any, str]] = []
        self.received: list[Received] = []
        self.voices: list[int] = []
        self.used: list[tuple[Any, str]] = []
        self.converse: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] | None = None
        self.answer: Callable[[Received], Awaitable[bytes] | bytes] = lambda request: plain_answer(
            request.target.encode()
        )

    def note(self, release_id: UUID, outcome: Outcome, _seconds: float, voice: int = NOBODY, /) -> None:
        self.noted.append((release_id, outcome))
        self.voices.append(voice)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.converse is not None:
            await self.converse(reader, writer)
            return
        while raw := await read_request(reader):
            request = Received(raw)
            self.received.append(request)
            answer = self.answer(request)
            writer.write(answer if isinstance(answer, bytes) else await answer)
            await writer.drain()

    async def call(
        self,
        method: str,
        path: str,
        *headers: tuple[bytes, bytes],
        query: bytes = b"",
        body: bytes = b"",
        host: str = APPS_HOST,
        silent: bool = False,
        client: str = "198.51.100.1",
    ) -> Answered:
        """`silent`: after its headers the citizen sends nothing at all."""
        messages = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if silent or not messages:
                await asyncio.Future()
            return messages.pop(0)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        raw_path = path.encode() if path.startswith("/apps") or host != APPS_HOST else f"/apps/{LIBRARY}{path}".encode()
        scope = a_scope(method, raw_path, (b"host", host.encode()), *_length(body), *headers, query=query)
        await self._app(scope | {"client": (client, 50_000)}, receive, send)
        return Answered(sent)

    def open(self, method: str, path: str, *headers: tuple[bytes, bytes]) -> "Citizen":
        """A citizen whose request is under way."""
        raw_path = f"/apps/{LIBRARY}{path}".encode()
        return Citizen(self._app, a_scope(method, raw_path, (b"host", APPS_HOST.encode()), *headers))

    def knock(self, path: str, *headers: tuple[bytes, bytes], host: str = APPS_HOST) -> "Citizen":
        """A citizen who wants to open a WebSocket, as granian tells it."""
        raw_path = path.encode() if path.startswith("/v1") else f"/apps/{LIBRARY}{path}".encode()
        handshake = [(b"host", host.encode()), (b"upgrade", b"websocket"), (b"connection", b"Upgrade")]
        scope = a_scope("GET", raw_path, *handshake, (b"sec-websocket-version", b"13"), *headers)
        del scope["method"]
        citizen = Citizen(self._app, scope | {"type": "websocket", "scheme": "ws"})
        citizen.post({"type": "websocket.connect"})
        return citizen

    async def publish(self, *apps: PublishedApp, trials: Sequence[GrayApp] = ()) -> None:
        self.apps[:] = apps
        self.trials[:] = trials
        await self.table.refresh()


class Citizen:
    """One request that is sent and answered piece by piece."""

    def __init__(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._exchange = asyncio.ensure_future(app(scope, self._inbox.get, self._outbox.put))

    def post(self, message: dict[str, Any]) -> None:
        """Anything the server could tell the application."""
        self._inbox.put_nowait(message)

    async def send(self, part: bytes, *, more: bool = True) -> None:
        await self._inbox.put({"type": "http.request", "body": part, "more_body": more})

    async def leave(self) -> None:
        await self._inbox.put({"type": "http.disconnect"})

    async def receive(self) -> dict[str, Any]:
        """The next piece of the answer."""
        return await asyncio.wait_for(self._outbox.get(), 5)

    async def finish(self) -> list[dict[str, Any]]:
        """What else comes until the exchange is over."""
        await asyncio.wait_for(self._exchange, 5)
        return [self._outbox.get_nowait() for _ in range(self._outbox.qsize())]


def a_scope(method: str, raw_path: bytes, *headers: tuple[bytes, bytes], query: bytes = b"") -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "raw_path": raw_path,
        "path": "never read",
        "query_string": query,
        "headers": list(headers),
    }


def _length(body: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"content-length", str(len(body)).encode())] if body else []


async def inner(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-from", b"city")]})
    await send({"type": "http.response.body", "body": b"city"})


@contextlib.asynccontextmanager
async def gateway(
    floor: Floor,
    callers: KnownCallers,
    consents: KnownConsents,
    citizens: KnownCitizens,
    *,
    neighbours: frozenset[str] = frozenset(),
    inner: ASGIApp = inner,
    admission_kind: type[Admission] = Admission,
    choices: KnowsChoices | None = None,
    **settings: Any,
) -> AsyncIterator[Harness]:
    apps: list[PublishedApp] = []

    async def list_exposed() -> list[PublishedApp | GrayApp]:
        return [*apps, *harness.trials]

    async with contextlib.AsyncExitStack() as stack:
        table = RouteTable(list_exposed)
        chosen = GatewaySettings(issuer=ISSUER, apps_host=APPS_HOST, **settings)
        harness = Harness(inner, table, apps)
        port = await stack.enter_async_context(serving(harness.talk))
        upstream = Upstream(NetworkPolicy(allowed=frozenset({f"127.0.0.1:{port}", *neighbours})))
        stack.push_async_callback(upstream.close)

        def departments(places: int) -> Departments:
            protection = Protection(breaker=chosen.breaker, places=places, each=chosen.places_per_caller)
            return Departments(
                upstream=upstream,
                signer=RequestSigner(floor.keyring),
                protection=protection,
                clock=floor.clock,
                note=harness.note,
            )

        visitors = Visitors(floor.vault, chosen.trusted_proxies)
        streams = departments(chosen.stream_places_per_department)

        def note_use(subject_id: Any, app_id: str) -> None:
            harness.used.append((subject_id, app_id))

        admission = admission_kind(
            settings=chosen,
            clock=floor.clock,
            table=table,
            authenticator=callers,
            consents=consents,
            assertions=Assertions(keyring=floor.keyring, vault=floor.vault, issuer=ISSUER, fields_of=citizens.disclose),
            limits=LocalLimits(),
            visitors=visitors,
            choices=choices,
        )
        proxy = Proxy(
            settings=chosen,
            clock=floor.clock,
            admission=admission,
            departments=departments(chosen.places_per_department),
            streams=streams,
            note_use=note_use,
        )
        websockets = WebSockets(
            settings=chosen, clock=floor.clock, admission=admission, streams=streams, note_use=note_use
        )
        site = Site(
            settings=chosen,
            clock=floor.clock,
            table=table,
            departments=departments(chosen.page_places_per_department),
            limits=LocalLimits(),
            visitors=visitors,
        )
        harness._app = EdgeGuard(
            Dispatcher(apps_host=APPS_HOST, proxy=proxy, websockets=websockets, pages=site, inner=inner)
        )
        await harness.publish(published(f"http://127.0.0.1:{port}/api"))
        yield harness
