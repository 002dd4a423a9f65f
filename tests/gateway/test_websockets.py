"""WebSockets through the gateway, from raw scope to a department that runs aiohttp."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import WSCloseCode, web

from app.kit.clock import ManualClock
from app.kit.floor import Floor
from gateway import upstream
from gateway.breakers import BreakerSettings
from gateway.upstream import MESSAGE_LIMIT
from tests.gateway.conftest import KnownCallers, KnownCitizens, KnownConsents, consent_to
from tests.gateway.harness import BEARER, Citizen, Harness, gateway
from tests.gateway.publications import ROUTES, SUSPENSION, published
from tests.gateway.test_proxy import department as verifier_of

Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


class Department:
    """Opens every WebSocket, and talks as the test says: it repeats what it hears."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.closed: list[int | None] = []
        self.talk: Talk = self.repeat
        self.answer: web.Response | None = None
        self.port = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.answer is not None:
            return self.answer
        socket = web.WebSocketResponse(protocols=("chat.v2",), max_msg_size=0)
        await socket.prepare(request)
        await self.talk(socket)
        self.closed.append(socket.close_code)
        return socket

    async def repeat(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is web.WSMsgType.TEXT:
                await socket.send_str(message.data)
            else:
                await socket.send_bytes(message.data)


@pytest.fixture
async def town_hall() -> AsyncIterator[Department]:
    department, application = Department(), web.Application()
    application.router.add_route("*", "/{path:.*}", department.serve)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    department.port = runner.addresses[0][1]
    yield department
    await runner.cleanup()


@pytest.fixture
async def city(
    town_hall: Department, floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> AsyncIterator[Harness]:
    async with gateway(
        floor,
        callers,
        consents,
        citizens,
        neighbours=frozenset({f"127.0.0.1:{town_hall.port}"}),
        stream_places_per_department=1,
        largest_stream=5000,
        look_again_seconds=0.05,
        breaker=BreakerSettings(failures=3),
    ) as harness:
        callers.sign_in()
        await harness.publish(published(f"http://127.0.0.1:{town_hall.port}"))
        yield harness


async def opened(talker: Citizen) -> dict[str, Any]:
    accepted = await talker.receive()
    assert accepted["type"] == "websocket.accept"
    return accepted


def refusal_in(messages: list[dict[str, Any]]) -> tuple[int, str]:
    assert [message["type"] for message in messages] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    return messages[0]["status"], msgspec.json.decode(messages[1]["body"])["type"].removeprefix("/problems/")


def say(talker: Citizen, said: str | bytes) -> None:
    talker.post({"type": "websocket.receive", "text" if isinstance(said, str) else "bytes": said})


async def test_both_sides_hear_each_other(city: Harness, town_hall: Department, callers: KnownCallers) -> None:
    talker = city.knock("/events", BEARER)
    await opened(talker)
    for said in ("你好", b"\x00\xff", "", "x" * 2000):
        say(talker, said)
        heard = await talker.receive()
        assert heard["type"] == "websocket.send"
        assert heard["text" if isinstance(said, str) else "bytes"] == said
    talker.post({"type": "websocket.disconnect", "code": 4000})
    assert await talker.finish() == []
    while not town_hall.closed:
        await asyncio.sleep(0)
    assert town_hall.closed == [4000]
    assert city.used == [(callers.principals["good"].subject_id, "cn.example.library")]


async def test_the_handshake_is_verified_by_the_department(
    city: Harness, town_hall: Department, floor: Floor, clock: ManualClock
) -> None:
    spoofs = [(b"ssb-assertion", b"forged"), (b"cookie", b"a=b"), (b"x-user-id", b"1"), (b"origin", b"https://evil")]
    await opened(city.knock("/events", BEARER, *spoofs))
    (request,) = town_hall.requests
    reader = await verifier_of(floor.keyring, clock).verify(
        "GET", request.raw_path, list(request.headers.items()), streamed=True
    )
    assert reader.subject_type == "person"
    assert {"cookie", "x-user-id", "origin"}.isdisjoint(name.lower() for name in request.headers)


async def test_the_department_chooses_the_subprotocol(city: Harness) -> None:
    talker = city.knock("/events", BEARER, (b"sec-websocket-protocol", b"chat.v1, chat.v2"))
    assert (await opened(talker))["subprotocol"] == "chat.v2"


async def test_an_answer_to_the_handshake_is_marked(city: Harness) -> None:
    headers = dict((await opened(city.knock("/events", BEARER)))["headers"])
    assert headers.keys() >= {b"x-request-id", b"server-timing", b"content-security-policy"}


@pytest.mark.parametrize(
    ("path", "headers", "host", "status", "slug"),
    [
        ("/events", [], "apps.localhost:8000", 401, "unauthenticated"),
        ("/events", [(b"authorization", b"Bearer bad")], "apps.localhost:8000", 401, "token-invalid"),
        ("/books", [BEARER], "apps.localhost:8000", 400, "not-a-websocket"),
        ("/nothing/here", [BEARER], "apps.localhost:8000", 404, "service-path-unknown"),
        ("/news", [BEARER], "apps.localhost:8000", 403, "basis-missing"),
        ("/events", [BEARER], "127.0.0.1:8000", 400, "not-a-websocket"),
        ("/v1/home", [BEARER], "127.0.0.1:8000", 400, "not-a-websocket"),
        ("/v1/home", [BEARER], "apps.localhost:8000", 400, "not-a-websocket"),
        ("/../events", [BEARER], "apps.localhost:8000", 400, "ambiguous-path"),
        ("/events", [BEARER, (b"x_y", b"1")], "apps.localhost:8000", 400, "bad-header"),
    ],
)
async def test_a_handshake_is_refused_by_name(
    *,
    city: Harness,
    town_hall: Department,
    path: str,
    headers: list[tuple[bytes, bytes]],
    host: str,
    status: int,
    slug: str,
) -> None:
    assert refusal_in(await city.knock(path, *headers, host=host).finish()) == (status, slug)
    assert town_hall.requests == []


@pytest.mark.parametrize(
    ("answer", "slug"),
    [
        (web.Response(status=403, text="no"), "department-declined"),
        (web.Response(status=200, text="no socket"), "department-declined"),
        (web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}), "department-misbehaved"),
        (web.Response(status=503), "department-misbehaved"),
    ],
    ids=["403", "200", "302", "503"],
)
async def test_a_department_may_decline(city: Harness, town_hall: Department, answer: web.Response, slug: str) -> None:
    town_hall.answer = answer
    assert refusal_in(await city.knock("/events", BEARER).finish()) == (502, slug)
    assert len(town_hall.requests) == 1


async def test_declining_is_no_fault(city: Harness, town_hall: Department) -> None:
    town_hall.answer = web.Response(status=403)
    for _ in range(5):
        town_hall.answer = web.Response(status=403)
        assert refusal_in(await city.knock("/events", BEARER).finish())[1] == "department-declined"


@pytest.mark.parametrize(("code", "told"), [(4321, 4321), (WSCloseCode.OK, 1000), (1006, 1011)])
async def test_the_department_closes_with_its_code(city: Harness, town_hall: Department, code: int, told: int) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        if code == 1006:
            transport = socket._req.transport  # type: ignore[union-attr] # the line is cut, without a farewell
            assert transport is not None
            transport.close()
        else:
            await socket.close(code=code)

    town_hall.talk = talk
    talker = city.knock("/events", BEARER)
    await opened(talker)
    assert await talker.finish() == [{"type": "websocket.close", "code": told}]


@pytest.mark.parametrize("side", ["citizen", "department"])
async def test_too_much_is_cut_off(city: Harness, town_hall: Department, side: str) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        if side == "department":
            await socket.send_bytes(b"x" * 5001)
        await town_hall.repeat(socket)

    town_hall.talk = talk
    talker = city.knock("/events", BEARER)
    await opened(talker)
    if side == "citizen":
        say(talker, b"x" * 5001)
    assert (await talker.finish())[-1] == {"type": "websocket.close", "code": 1009}


async def test_no_single_message_is_longer_than_a_mebibyte(
    town_hall: Department, floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> None:
    callers.sign_in()
    neighbours = frozenset({f"127.0.0.1:{town_hall.port}"})
    async with gateway(floor, callers, consents, citizens, neighbours=neighbours) as city:
        await city.publish(published(f"http://127.0.0.1:{town_hall.port}"))
        talker = city.knock("/events", BEARER)
        await opened(talker)
        say(talker, b"x" * MESSAGE_LIMIT)
        assert len((await talker.receive())["bytes"]) == MESSAGE_LIMIT
        say(talker, b"x" * (MESSAGE_LIMIT + 1))
        assert (await talker.finish())[-1] == {"type": "websocket.close", "code": 1009}


async def test_one_message_is_bounded(city: Harness, town_hall: Department, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "MESSAGE_LIMIT", 100)

    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(b"x" * 101)
        await town_hall.repeat(socket)

    town_hall.talk = talk
    talker = city.knock("/events", BEARER)
    await opened(talker)
    (last,) = await talker.finish()
    assert (last["type"], last["code"]) == ("websocket.close", 1011)


@pytest.mark.parametrize("what", ["session", "consent", "service"])
async def test_a_conversation_ends_with_what_let_it_in(
    city: Harness, town_hall: Department, callers: KnownCallers, consents: KnownConsents, what: str
) -> None:
    consents.given["contact"] = consent_to("phone_tail")
    talker = city.knock("/news", BEARER)
    await opened(talker)
    if what == "session":
        callers.principals.clear()
    if what == "consent":
        consents.given.clear()
    if what == "service":
        await city.publish(published(f"http://127.0.0.1:{town_hall.port}", row=SUSPENSION))
    (last,) = await talker.finish()
    assert (last["type"], last["code"]) == ("websocket.close", 1008)
    while not town_hall.closed:
        await asyncio.sleep(0)
    assert town_hall.closed == [1001]


async def test_conversations_have_places(city: Harness) -> None:
    await opened(city.knock("/events", BEARER))
    assert refusal_in(await city.knock("/events", BEARER).finish()) == (503, "department-busy")


async def test_a_conversation_leaves_one_row(city: Harness, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    talker = city.knock("/events", BEARER)
    await opened(talker)
    say(talker, "12345")
    await talker.receive()
    talker.post({"type": "websocket.disconnect", "code": 1000})
    await talker.finish()
    rows = [line for line in capfdbinary.readouterr().out.splitlines() if b"gateway.call" in line]
    (row,) = map(msgspec.json.decode, rows)
    assert (row["status"], row["route"], row["bytes"], row["whole"]) == (101, "/events", 10, True)


def test_the_routes_of_these_tests_are_streamed() -> None:
    assert {route["path"] for route in ROUTES if route.get("body") == "streamed"} >= {"/events", "/news"}
