"""Two nodes on one database, as an operator runs them: what is done at one holds at both within two seconds.

Publishing, a growing share, a halt by the city's own watch, rolling back, suspending, and a consent that is withdrawn.
"""

import asyncio
import base64
import contextlib
import itertools
import secrets
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec
import pytest

from app.demo.caller import Caller
from app.demo.phone import Phone
from app.demo.releasing import STEPS
from app.demo.staff import POSTS, StaffRoom, appoint_staff
from app.kit.embedded_postgres import EmbeddedPostgres
from app.kit.migrate import migrate
from app.settings import read_settings
from tests.flows.server import Server
from tests.miniapps.documents import sound_document

APP_ID = "cn.example.library"
LIVE_WITHIN = 2.0
WITHDRAWN_WITHIN = 1.0
HALTED_WITHIN = 10.0
PATIENCE = 15.0
TEXTS = {"reason": {"zh": "系统维护", "en": "Maintenance"}, "fallback": {"zh": "请到馆办理", "en": "Come to us"}}
REASON = {"reason": {"zh": "办理页面报错", "en": "The form fails"}}
JSON = {"content-type": "application/json"}
NUMBERS = itertools.count(19900007801)


class Backend:
    """A department's server: says which of its two it is, and fails when it is told to."""

    def __init__(self, name: str) -> None:
        self.failing = False
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = msgspec.json.encode({"backend": name})
                self.send_response(500 if backend.failing else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Through(httpx.AsyncHTTPTransport):
    """The way to one node: the public name stays in the request, as behind a balancer."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(host="127.0.0.1", port=self._port)
        return await super().handle_async_request(request)


class Nodes:
    """Both nodes, two departments' servers, the staff, and whoever comes."""

    def __init__(self, servers: list[Server], live: Backend, gray: Backend, staff: StaffRoom) -> None:
        self.servers = servers
        self.live = live
        self.gray = gray
        self.staff = staff
        self.origin = servers[0].origin
        self.apps_origin = f"http://apps.localhost:{servers[0].port}"
        self._stack = contextlib.AsyncExitStack()
        self.http: list[httpx.AsyncClient] = []
        self.apps: list[httpx.AsyncClient] = []

    async def __aenter__(self) -> Self:
        for server in self.servers:
            for origin, clients in ((self.origin, self.http), (self.apps_origin, self.apps)):
                client = httpx.AsyncClient(base_url=origin, transport=Through(server.port), timeout=20)
                clients.append(await self._stack.enter_async_context(client))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def citizen(self) -> Phone:
        """Somebody new, signed in at the first node."""
        phone = Phone(self.http[0])
        await phone.sign_in(str(next(NUMBERS)))
        return phone

    async def seen_by(self, citizen: Caller, path: str = "/loans") -> list[str]:
        """What each node gives this citizen: the backend's name, or the refusal's."""
        return list(await asyncio.gather(*(self._ask(citizen, apps, path) for apps in self.apps)))

    async def _ask(self, citizen: Caller, apps: httpx.AsyncClient, path: str) -> str:
        answer = await at(citizen, apps).send("GET", f"/apps/{APP_ID}{path}")
        found: dict[str, str] = answer.json()
        return found.get("backend") or found["type"].removeprefix("/problems/")


def at(caller: Caller, http: httpx.AsyncClient) -> Caller:
    """The same caller at another door."""
    other = Caller(http)
    other.proof_key, other.tokens = caller.proof_key, caller.tokens
    return other


async def until(look: Callable[[], Awaitable[Any]], expected: Any, *, within: float) -> float:
    """How many seconds pass from now until both nodes say so; fails when they do not in time."""
    begin = time.monotonic()
    while (seen := await look()) != expected:
        assert time.monotonic() - begin < within, f"{seen} instead of {expected} after {within} s"
        await asyncio.sleep(0.02)
    return time.monotonic() - begin


@pytest.fixture
def servers() -> Iterator[tuple[list[Server], Backend, Backend, StaffRoom]]:
    live, gray = Backend("live"), Backend("gray")
    with tempfile.TemporaryDirectory(prefix="suishen-flow-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = EmbeddedPostgres(folder / "postgres")
        dsn = postgres.start()
        stack.callback(postgres.stop)
        nodes = [Server(folder / which, dsn=dsn) for which in ("first", "second")]
        shared = {
            "SUISHEN_MASTER_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("="),
            "SUISHEN_PUBLIC_ORIGIN": nodes[0].origin,
            "SUISHEN_APPS_HOST": f"apps.localhost:{nodes[0].port}",
            "SUISHEN_ALLOWED_UPSTREAMS": f"{live.address},{gray.address}",
            "SUISHEN_WORKERS": "1",
            "SUISHEN_LIMITS": "database",
            "SUISHEN_GRAY_STEP_SECONDS": "0",
        }
        for node in nodes:
            node.directory.mkdir()
        asyncio.run(migrate(dsn))
        staff = asyncio.run(appoint_staff(read_settings(nodes[0].environment | shared)))
        for node in nodes:
            node.environment |= shared
            stack.callback(node.stop)
        starting = [threading.Thread(target=node.start) for node in nodes]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        assert all(node.is_ready() for node in nodes), [node.log() for node in nodes]
        yield nodes, live, gray, staff
    for backend in (live, gray):
        backend.close()


@pytest.fixture
async def nodes(servers: tuple[list[Server], Backend, Backend, StaffRoom]) -> AsyncIterator[Nodes]:
    async with Nodes(*servers) as nodes:
        yield nodes


@pytest.mark.timeout(240)  # two whole servers begin, on whatever machine this is
async def test_what_is_done_at_one_node_holds_at_both(nodes: Nodes) -> None:
    developer = await nodes.staff.sign_in(nodes.http[0], "demo-library")
    reviewer = await nodes.staff.sign_in(nodes.http[1], "demo-reviewer")
    tester, other = await nodes.citizen(), await nodes.citizen()
    releases = f"/v1/apps/{APP_ID}/releases"

    await approve(nodes, developer, reviewer, 1)
    assert await nodes.seen_by(other) == ["service-unknown"] * 2
    await developer.call("POST", releases, json={"version_code": 1})
    await until(lambda: nodes.seen_by(other), ["live"] * 2, within=LIVE_WITHIN)

    await approve(nodes, developer, reviewer, 2)
    trial = await developer.call("POST", releases, json={"version_code": 2, "to": "testers"})
    invitation = await developer.call("POST", f"/v1/apps/{APP_ID}/testers", json={"label": "测试员甲"})
    await at(tester, nodes.http[1]).call("POST", "/v1/me/trials", json={"code": invitation["code"]})
    await until(lambda: nodes.seen_by(tester), ["gray"] * 2, within=LIVE_WITHIN)
    assert await nodes.seen_by(other) == ["live"] * 2
    await tell_each_their_own(nodes, tester, other)

    for percent, door in zip(STEPS, itertools.cycle(nodes.http), strict=False):
        step = {"percent": percent}
        await at(developer, door).call("POST", f"{releases}/{trial['id']}/steps", json=step)
    await until(lambda: nodes.seen_by(other), ["gray"] * 2, within=LIVE_WITHIN)
    await at(developer, nodes.http[1]).call("POST", f"{releases}/{trial['id']}/roll-back", json=REASON)
    await until(lambda: nodes.seen_by(other), ["live"] * 2, within=LIVE_WITHIN)

    await reviewer.call("POST", f"/v1/apps/{APP_ID}/suspend", json=TEXTS)
    await until(lambda: nodes.seen_by(other), ["service-suspended"] * 2, within=LIVE_WITHIN)
    await at(reviewer, nodes.http[0]).call("POST", f"/v1/apps/{APP_ID}/resume", json={"reason": TEXTS["reason"]})
    await until(lambda: nodes.seen_by(other), ["live"] * 2, within=LIVE_WITHIN)

    await consent_and_withdraw(nodes, developer, other)
    await halt(nodes, developer, tester, other)


async def approve(nodes: Nodes, developer: Caller, reviewer: Caller, code: int) -> None:
    """A version, reviewed by somebody else at the other node."""
    if code == 1:
        department = nodes.staff.organization_of("demo-library")
        await developer.call("POST", f"/v1/departments/{department}/apps", json={"app_id": APP_ID})
    path = f"/v1/apps/{APP_ID}/versions"
    content = msgspec.json.encode(manifest(nodes, code))
    await developer.call("POST", path, content=content, headers=JSON)
    await developer.call("POST", f"{path}/{code}/submit")

    async def state() -> str:
        return str((await reviewer.call("GET", f"{path}/{code}"))["version"]["state"])

    await until(state, "reviewing", within=PATIENCE)
    digest = (await reviewer.call("GET", f"{path}/{code}"))["version"]["manifest_hash"]
    judgement = {"verdict": "approved", "reason": "符合要求", "manifest_hash": digest}
    await reviewer.call("POST", f"{path}/{code}/reviews", json=judgement)


def manifest(nodes: Nodes, code: int) -> dict[str, Any]:
    """Both versions name both servers, so that nothing but their exposure tells them apart."""
    document = sound_document(app_id=APP_ID, version={"code": code, "name": f"{code}.0.0"})
    post = next(post for post in POSTS if post.username == "demo-library")
    document["owner"] |= {"org_code": post.credit_code, "org_name": post.department}
    document["backend"] = {
        "base_url": {"live": f"http://{nodes.live.address}", "gray": f"http://{nodes.gray.address}"},
        "routes": [
            {"method": "GET", "path": "/loans"},
            {"method": "GET", "path": "/level", "scopes": ["library.level"]},
        ],
    }
    document["widgets"] = []
    document["data"] = {"scopes": [SCOPE]}
    return document


async def tell_each_their_own(nodes: Nodes, tester: Phone, other: Phone) -> None:
    """Lists and search tell each citizen of the release that serves them; what one chose holds at both nodes."""

    async def told(citizen: Caller) -> list[str]:
        versions = []
        for http in nodes.http:
            listed = (await at(citizen, http).call("GET", "/v1/services"))["items"]
            found = (await at(citizen, http).call("GET", "/v1/search?q=tsg"))["items"]
            versions += [item["version"] for item in listed] + [hit["service"]["version"] for hit in found]
        return versions

    await until(lambda: told(tester), ["2.0.0"] * 4, within=LIVE_WITHIN)
    assert await told(other) == ["1.0.0"] * 4
    for phone, profile in ((tester, "elder"), (other, "standard")):
        await phone.call("PUT", "/v1/home/choice", json={"zone": "190101001", "profile": profile})

        async def pages(citizen: Caller = phone) -> list[tuple[str, str]]:
            homes = [await at(citizen, http).call("GET", "/v1/home") for http in nodes.http]
            return [(home["zone"], home["profile"]) for home in homes]

        await until(pages, [("190101001", profile)] * 2, within=LIVE_WITHIN)


SCOPE: dict[str, Any] = {
    "name": "library.level",
    "fields": ["identity_level"],
    "purpose": {"zh": "确认实名级别", "en": "Know the level"},
    "basis": "consent",
    "required": True,
    "retention_days": 30,
}


async def consent_and_withdraw(nodes: Nodes, developer: Caller, citizen: Phone) -> None:
    """Given at one node, it counts at both; withdrawn at the other, at neither."""
    asked = await at(citizen, nodes.apps[0]).send("GET", f"/apps/{APP_ID}/level")
    assert asked.json()["type"] == "/problems/basis-missing", asked.text
    words = asked.json()
    consent = {
        "department_id": nodes.staff.organization_of("demo-library"),
        "purpose": SCOPE["name"],
        "fields": SCOPE["fields"],
        "text_version": words["text_version"],
    }
    given = await citizen.call("POST", "/v1/me/consents", json=consent)
    await until(lambda: nodes.seen_by(citizen, "/level"), ["live"] * 2, within=LIVE_WITHIN)
    await at(citizen, nodes.http[1]).call("DELETE", f"/v1/me/consents/{given['id']}")
    await until(lambda: nodes.seen_by(citizen, "/level"), ["basis-missing"] * 2, within=WITHDRAWN_WITHIN)
    assert developer.tokens


async def halt(nodes: Nodes, developer: Caller, tester: Phone, other: Phone) -> None:
    """A trial that fails is taken back by the city itself, and everywhere."""
    path = f"/v1/apps/{APP_ID}/releases"
    trial = await developer.call("POST", path, json={"version_code": 2, "to": "testers"})
    await until(lambda: nodes.seen_by(tester), ["gray"] * 2, within=LIVE_WITHIN)
    nodes.gray.failing = True
    for _ in range(20):
        await nodes.seen_by(tester)

    async def state() -> str:
        return str((await developer.call("GET", f"{path}/{trial['id']}"))["release"]["state"])

    await until(state, "halted", within=HALTED_WITHIN)
    await until(lambda: nodes.seen_by(tester), ["live"] * 2, within=LIVE_WITHIN)
    assert await nodes.seen_by(other) == ["live"] * 2
    alerts = (await developer.call("GET", "/v1/staff/alerts"))["items"]
    assert ("release_halted", trial["id"]) in {(alert["kind"], alert["subject"]) for alert in alerts}
