"""The sandbox: a developer's calls as citizens who do not exist, before any review, and to nowhere else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.floor import Floor
from miniapps.conformance.ports import Answer, Network, Outgoing, Unanswered
from miniapps.manifest import Route
from miniapps.sandbox.citizens import CITIZENS, claims_of, openid_of
from miniapps.sandbox.models import find_route
from miniapps.sdk import Jwks, Verifier
from miniapps.wiring import MiniappsServices
from tests.miniapps.city import HOTLINE, official
from tests.miniapps.conftest import APP_ID, As, Steps
from tests.miniapps.documents import sound_document

CITY = "http://127.0.0.1:8000"
CALLS = f"/v1/apps/{APP_ID}/versions/1/sandbox-calls"


class TestServer:
    """A department's test server that believes the sandbox's published keys."""

    __test__ = False

    def __init__(self, jwks: dict[str, Any], clock: ManualClock) -> None:
        self.verifier = Verifier(
            app_id=APP_ID, issuer=f"{CITY}/sandbox", keys=Jwks(jwks), now=lambda: clock.now().timestamp()
        )
        self.seen: list[Outgoing] = []
        self.answer = Answer(status=200, headers=(("content-type", "text/plain"),), body="你好".encode())
        self.verbatim: Answer | None = None
        self.trouble: Unanswered | None = None

    async def send(self, request: Outgoing) -> Answer:
        if self.trouble is not None:
            raise self.trouble
        self.seen.append(request)
        target = request.url.removeprefix("https://test.example.cn")
        citizen = await self.verifier.verify(request.method, target, list(request.headers), request.body)
        if self.verbatim is not None:
            return self.verbatim
        body = f"{citizen.openid} {sorted(citizen.fields)} ".encode() + self.answer.body
        return Answer(status=self.answer.status, headers=self.answer.headers, body=body)


@pytest.fixture
async def server(steps: Steps, services: MiniappsServices, called_by: As, clock: ManualClock) -> TestServer:
    await steps.register()
    backend = sound_document()["backend"]
    base = {"live": "https://library.example.cn", "sandbox": "https://test.example.cn/api"}
    await steps.draft(backend=backend | {"base_url": base})
    jwks = (await called_by(None).get("/sandbox/.well-known/ssb-jwks")).json()
    server = TestServer(jwks, clock)

    @asynccontextmanager
    async def way() -> AsyncIterator[Network]:
        yield server

    services.onboarding.way.lead_through(way)
    return server


async def call(http: httpx.AsyncClient, **request: Any) -> httpx.Response:
    return await http.post(CALLS, json={"method": "GET", "path": "/loans"} | request)


async def test_a_draft_is_called_as_the_gateway_would(called_by: As, steps: Steps, server: TestServer) -> None:
    answer = await call(called_by(steps.author), query="?page=2")

    assert answer.status_code == 200, answer.text
    seen = answer.json()
    assert (seen["status"], seen["route"]) == (200, "GET /loans")
    assert seen["openid"] == openid_of(CITIZENS[0], APP_ID)
    assert seen["body"].startswith(seen["openid"])
    assert seen["body"].endswith("你好")
    assert server.seen[0].url == "https://test.example.cn/api/loans?page=2"


async def test_the_citizen_is_the_one_asked_for_and_an_elder_reads_large(
    called_by: As, steps: Steps, server: TestServer
) -> None:
    http = called_by(steps.author)
    openids = {name: (await call(http, citizen=name)).json()["openid"] for name in ("citizen-a", "citizen-c")}

    assert len(set(openids.values())) == 2
    assert [dict(request.headers).get("ssb-elder") for request in server.seen] == [None, "1"]


async def test_a_write_carries_its_body_and_key(called_by: As, steps: Steps, server: TestServer) -> None:
    answer = await call(
        called_by(steps.author), method="POST", path="/loans/7/renewals", body='{"a":1}', idempotency_key="k-1"
    )

    assert answer.json()["route"] == "POST /loans/{loan_id}/renewals"
    assert server.seen[0].body == b'{"a":1}'
    assert dict(server.seen[0].headers)["idempotency-key"] == "k-1"


UNDECLARED: list[dict[str, Any]] = [
    {"path": "/secrets"},
    {"method": "DELETE"},
    {"path": "/loans/../health"},
    {"path": "//evil.example"},
    {"method": "POST", "path": "/loans/../renewals"},
    {"method": "POST", "path": "/loans/%2e%2E/renewals"},
    {"method": "POST", "path": "/loans/a%2Fb/renewals"},
]
UNREADABLE: list[dict[str, Any]] = [
    {"path": "/loans?x"},
    {"path": "loans"},
    {"path": "/loans\r\nhost: x"},
    {"query": "page=1"},
    {"citizen": "citizen-z"},
    {"idempotency_key": "a\nb"},
    {"to": "https://elsewhere.example"},
]


async def test_only_what_is_declared_is_asked(called_by: As, steps: Steps, server: TestServer) -> None:
    http = called_by(steps.author)  # one for all: an application is slow to make
    for slug, wishes in (("route-not-declared", UNDECLARED), ("fields-invalid", UNREADABLE)):
        for wish in wishes:
            answer = await call(http, **wish)
            assert answer.json()["type"] == f"/problems/{slug}", wish
    assert server.seen == []


async def test_a_silent_server_is_said_to_be_silent(called_by: As, steps: Steps, server: TestServer) -> None:
    server.trouble = Unanswered("timed-out")
    answer = await call(called_by(steps.author))

    assert (answer.status_code, answer.json()["trouble"]) == (502, "timed-out")


async def test_a_body_that_is_no_text_is_told_by_its_length(called_by: As, steps: Steps, server: TestServer) -> None:
    server.answer = Answer(status=200, headers=(("content-type", "image/png"),), body=b"\xff\xd8")
    seen = (await call(called_by(steps.author))).json()

    assert seen["body"] is None
    assert seen["bytes"] > 2


async def test_what_is_masked_is_shown_as_citizens_see_it(called_by: As, steps: Steps, server: TestServer) -> None:
    http = called_by(steps.author)
    seen = (await call(http)).json()
    assert (seen["masked"], seen["unmaskable"]) == (None, "not-json")

    body = '{"items":[{"reader":"沙箱甲","id":7}]}'
    server.verbatim = Answer(status=200, headers=(("content-type", "application/json"),), body=body.encode())
    seen = (await call(http)).json()
    assert (seen["body"], seen["unmaskable"]) == (body, None)
    assert seen["masked"] == body.replace("沙箱甲", "沙*甲")

    seen = (await call(http, method="POST", path="/loans/7/renewals")).json()
    assert (seen["masked"], seen["unmaskable"]) == (None, None)


async def test_nobody_else_calls(called_by: As, steps: Steps, server: TestServer) -> None:
    assert (await call(called_by(None))).status_code == 401
    assert (await call(called_by(official("developer", organization_id=HOTLINE)))).status_code == 403
    assert (await call(called_by(official("reviewer")))).status_code == 403
    assert server.seen == []


async def test_without_a_test_server_there_is_none_to_call(called_by: As, steps: Steps) -> None:
    await steps.register()
    await steps.draft()

    assert (await call(called_by(steps.author))).json()["type"] == "/problems/sandbox-address-missing"


async def test_the_sandbox_has_keys_of_its_own(called_by: As, floor: Floor) -> None:
    jwks = (await called_by(None).get("/sandbox/.well-known/ssb-jwks")).json()

    live = {key.kid for purpose in ("assertion", "gateway") for key in floor.keyring.all(purpose)}
    assert {key["ssb_purpose"] for key in jwks["keys"]} == {"assertion", "gateway"}
    assert not live & {key["kid"] for key in jwks["keys"]}
    assert all("d" not in key for key in jwks["keys"])


async def test_its_citizens_are_told_to_developers(called_by: As, steps: Steps) -> None:
    view = (await called_by(steps.author).get("/v1/sandbox")).json()

    assert view["jwks_uri"] == f"{CITY}/sandbox/.well-known/ssb-jwks"
    assert all(citizen["fields"]["id_number"].startswith("190000") for citizen in view["citizens"])
    assert (await called_by(None).get("/v1/sandbox")).status_code == 401


def test_an_assertion_tells_only_what_the_routes_scopes_name() -> None:
    route = Route(method="GET", path="/")
    assert "fields" not in claims_of(CITIZENS[0], APP_ID, route, {})
    assert openid_of(CITIZENS[0], APP_ID) != openid_of(CITIZENS[0], "cn.example.other")


SEGMENTS = st.sampled_from(["a", "b", "{x}", "{y}"])


@given(
    templates=st.lists(st.lists(SEGMENTS, max_size=3), min_size=1, max_size=6),
    path=st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=3),
)
def test_a_literal_wins_from_left_to_right(templates: list[list[str]], path: list[str]) -> None:
    routes = tuple(Route(method="GET", path="/" + "/".join(parts)) for parts in templates)
    found = find_route(routes, "GET", "/" + "/".join(path))
    fitting = [
        parts
        for parts in templates
        if len(parts) == len(path) and all(p == s or (p[0] == "{" and s) for p, s in zip(parts, path, strict=True))
    ]
    if found is None:
        assert not fitting or path == [""]
    else:
        chosen = found.path.split("/")[1:] if found.path != "/" else []
        assert [p[0] == "{" for p in chosen] == min([p[0] == "{" for p in parts] for parts in fitting or [chosen])
