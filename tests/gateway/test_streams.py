"""Streamed routes, from raw scope to raw socket: each piece passes as it comes, and a break shows as a break."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.floor import Floor
from auth.principal import Principal
from gateway.breakers import BreakerSettings
from miniapps.sdk import Refused
from tests.gateway.conftest import KnownCallers, KnownCitizens, KnownConsents, consent_to
from tests.gateway.harness import BEARER, Citizen, Harness, Received, gateway
from tests.gateway.publications import SUSPENSION, published
from tests.gateway.servers import plain_answer, read_request
from tests.gateway.test_proxy import department

CHUNKED = (b"transfer-encoding", b"chunked")
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def citizen(callers: KnownCallers) -> Principal:
    return callers.sign_in()


@pytest.fixture
async def city(
    citizen: Principal,  # signed in before anybody calls
    floor: Floor,
    callers: KnownCallers,
    consents: KnownConsents,
    citizens: KnownCitizens,
) -> AsyncIterator[Harness]:
    async with gateway(
        floor,
        callers,
        consents,
        citizens,
        upload_seconds=0.3,
        stream_places_per_department=1,
        largest_stream=5000,
        look_again_seconds=0.05,
        breaker=BreakerSettings(failures=3),
    ) as harness:
        yield harness


def chunk(part: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(part), part)


class Department:
    """Hands each connection to the test, which reads and writes as it likes."""

    def __init__(self, city: Harness) -> None:
        self._waiting: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self._over = asyncio.Event()
        city.converse = self._converse

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._waiting.put((reader, writer))
        await self._over.wait()

    async def take(self) -> tuple[Received, asyncio.StreamReader, asyncio.StreamWriter]:
        """The head of the next request, and both ends of its connection."""
        reader, writer = await asyncio.wait_for(self._waiting.get(), 5)
        head = await reader.readuntil(b"\r\n\r\n")
        return Received(head), reader, writer


@pytest.fixture
def town_hall(city: Harness) -> Department:
    return Department(city)


async def begun(citizen: Citizen) -> dict[bytes, bytes]:
    start = await citizen.receive()
    assert start["status"] == 200
    return dict(start["headers"])


def refusal_in(messages: list[dict[str, Any]]) -> tuple[int, str]:
    return messages[0]["status"], msgspec.json.decode(messages[1]["body"])["type"].removeprefix("/problems/")


def ended(messages: list[dict[str, Any]]) -> bool:
    return bool(messages) and not messages[-1].get("more_body", False)


async def test_each_event_arrives_before_the_next_is_sent(city: Harness, town_hall: Department) -> None:
    citizen = city.open("GET", "/stream", BEARER)
    _, _, writer = await town_hall.take()
    writer.write(EVENTS)
    headers = await begun(citizen)
    assert headers[b"content-type"] == b"text/event-stream"
    assert headers[b"cache-control"] == b"no-store"
    assert b"sandbox" in headers[b"content-security-policy"]
    for event in (b"data: 1\n\n", b"data: 2\n\n"):
        writer.write(chunk(event))
        assert (await citizen.receive())["body"] == event
    writer.write(b"0\r\n\r\n")
    assert ended(await citizen.finish())


async def test_each_piece_of_an_upload_arrives_before_the_next_is_sent(city: Harness, town_hall: Department) -> None:
    citizen = city.open("POST", "/stream", BEARER, CHUNKED)
    await citizen.send(b"first")
    request, reader, writer = await town_hall.take()
    assert await reader.readexactly(10) == chunk(b"first")
    await citizen.send(b"second", more=False)
    assert await reader.readexactly(16) == chunk(b"second") + b"0\r\n\r\n"
    assert request.headers["transfer-encoding"] == "chunked"
    writer.write(plain_answer(b"taken"))
    assert [message.get("body") for message in await citizen.finish()] == [None, b"taken", b""]


async def test_an_upload_of_known_length_keeps_it(city: Harness, town_hall: Department) -> None:
    citizen = city.open("POST", "/stream", BEARER, (b"content-length", b"5"))
    await citizen.send(b"12345", more=False)
    request, reader, writer = await town_hall.take()
    assert (request.headers["content-length"], "transfer-encoding" in request.headers) == ("5", False)
    assert await reader.readexactly(5) == b"12345"
    writer.write(plain_answer(b""))
    assert ended(await citizen.finish())


async def test_a_department_can_verify_a_stream_and_only_as_one(
    city: Harness, town_hall: Department, floor: Floor, clock: ManualClock
) -> None:
    citizen = city.open("POST", "/stream", BEARER, CHUNKED)
    await citizen.send(b"", more=False)
    request, _, writer = await town_hall.take()
    assert "content-digest" not in request.headers
    verifier = department(floor.keyring, clock)
    with pytest.raises(Refused, match="signature"):
        await verifier.verify(request.method, request.target, request.lines)
    reader = await verifier.verify(request.method, request.target, request.lines, streamed=True)
    assert reader.subject_type == "person"
    writer.write(plain_answer(b""))
    assert ended(await citizen.finish())


async def test_an_upload_that_says_it_is_too_large_goes_nowhere(city: Harness) -> None:
    assert (await city.call("POST", "/stream", BEARER, body=b"x" * 1001)).slug == "body-too-large"
    assert city.received == []


async def test_an_upload_that_grows_too_large_is_broken_off(city: Harness, town_hall: Department) -> None:
    citizen = city.open("POST", "/stream", BEARER, CHUNKED)
    await citizen.send(b"x" * 1000)
    _, reader, _ = await town_hall.take()
    await citizen.send(b"x")
    assert refusal_in(await citizen.finish()) == (413, "body-too-large")
    assert (await reader.read()).endswith(b"x" * 1000 + b"\r\n")  # and no end


async def test_a_silent_citizen_is_not_the_departments_fault(city: Harness, town_hall: Department) -> None:
    for _ in range(4):  # one more than opens the breaker
        citizen = city.open("POST", "/stream", BEARER, CHUNKED)
        await citizen.send(b"first")
        assert refusal_in(await citizen.finish()) == (408, "upload-too-slow")


async def test_a_silent_department_is_named(city: Harness, town_hall: Department) -> None:
    citizen = city.open("GET", "/stream", BEARER)
    await town_hall.take()
    assert refusal_in(await citizen.finish()) == (504, "department-timed-out")


async def test_a_department_has_time_again_with_each_piece(city: Harness, town_hall: Department) -> None:
    citizen = city.open("POST", "/stream", BEARER, CHUNKED)
    for part in (b"1", b"2", b"3"):
        await citizen.send(part)
        await asyncio.sleep(0.1)  # together longer than the department may be silent
    await citizen.send(b"", more=False)
    _, _, writer = await town_hall.take()
    writer.write(plain_answer(b"taken"))
    assert ended(await citizen.finish())


@pytest.mark.parametrize("how", ["breaks off", "falls silent", "sends too much"])
async def test_an_answer_that_breaks_has_no_end(
    city: Harness, town_hall: Department, how: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    citizen = city.open("GET", "/stream", BEARER)
    _, _, writer = await town_hall.take()
    writer.write(EVENTS + chunk(b"data: 1\n\n"))
    await begun(citizen)
    if how == "breaks off":
        writer.close()
    if how == "sends too much":
        writer.write(chunk(b"x" * 5000))
    messages = await citizen.finish()
    assert messages
    assert not ended(messages)
    row = msgspec.json.decode(capfdbinary.readouterr().out.splitlines()[-1])
    assert (row["event"], row["status"], row["whole"]) == ("gateway.call", 200, False)


async def test_a_citizen_who_leaves_frees_the_department(city: Harness, town_hall: Department) -> None:
    citizen = city.open("GET", "/events", BEARER)
    _, reader, writer = await town_hall.take()
    writer.write(EVENTS)
    await begun(citizen)
    await citizen.leave()
    assert await citizen.finish() == []
    assert await asyncio.wait_for(reader.read(), 5) == b""
    again = city.open("GET", "/events", BEARER)
    _, _, writer = await town_hall.take()
    writer.write(plain_answer(b"x"))
    assert ended(await again.finish())


async def test_streams_have_places_of_their_own(city: Harness, town_hall: Department) -> None:
    listening = city.open("GET", "/stream", BEARER)
    _, _, writer = await town_hall.take()
    refused = await city.call("GET", "/stream", BEARER)
    assert (refused.status, refused.slug) == (503, "department-busy")
    asked = asyncio.create_task(city.call("GET", "/books"))
    _, _, other = await town_hall.take()
    other.write(plain_answer(b"books"))
    assert (await asked).body == b"books"
    writer.write(plain_answer(b""))
    assert ended(await listening.finish())


async def test_a_department_may_answer_before_the_upload_ends(city: Harness, town_hall: Department) -> None:
    citizen = city.open("POST", "/stream", BEARER, CHUNKED)
    await citizen.send(b"first")
    _, reader, writer = await town_hall.take()
    writer.write(plain_answer(b"enough", status="422 No", headers="X-Secret: 1\r\nSet-Cookie: a=b\r\n"))
    messages = await citizen.finish()
    assert (messages[0]["status"], messages[1]["body"]) == (422, b"enough")
    names = {name for name, _ in messages[0]["headers"]}
    assert names.isdisjoint({b"x-secret", b"set-cookie"})
    assert (b"ssb-error-origin", b"department") in messages[0]["headers"]
    await reader.read()  # the connection is given up, not given on


async def test_a_connection_is_used_again_after_a_whole_exchange(city: Harness) -> None:
    connections = itertools.count()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = next(connections)
        while await read_request(reader):
            writer.write(plain_answer(b"%d" % number))

    city.converse = converse
    assert [(await city.call("GET", "/stream", BEARER)).body for _ in range(3)] == [b"0", b"0", b"0"]


async def test_no_protocol_is_switched(city: Harness) -> None:
    city.answer = lambda _request: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
    assert (await city.call("GET", "/stream", BEARER)).slug == "department-misbehaved"


@pytest.mark.parametrize(
    ("method", "status"), [("GET", "204 No Content"), ("GET", "304 Not Modified"), ("HEAD", "200 OK")]
)
async def test_an_answer_without_body_ends_at_once(city: Harness, method: str, status: str) -> None:
    city.answer = lambda _request: f"HTTP/1.1 {status}\r\nETag: x\r\n\r\n".encode()
    answered = await city.call(method, "/stream", BEARER)
    assert (answered.status, answered.body) == (int(status[:3]), b"")


async def test_the_length_of_a_download_is_told(city: Harness, citizen: Principal) -> None:
    city.answer = lambda _request: plain_answer(b"x" * 4000)
    answered = await city.call("GET", "/stream", BEARER)
    assert (answered.headers[b"content-length"], len(answered.body)) == (b"4000", 4000)
    assert city.used == [(citizen.subject_id, "cn.example.library")]


async def test_a_signature_of_a_stream_names_no_deadline(city: Harness) -> None:
    await city.call("GET", "/stream", BEARER)
    assert "ssb-deadline-ms" not in city.received[0].headers
    assert 'tag="ssb-stream"' in city.received[0].headers["signature-input"]


@pytest.mark.parametrize("what", ["session", "consent", "service", "route"])
async def test_a_stream_ends_with_what_let_it_in(
    city: Harness, town_hall: Department, callers: KnownCallers, consents: KnownConsents, what: str
) -> None:
    consents.given["contact"] = consent_to("phone_tail")
    citizen = city.open("GET", "/news", BEARER)
    _, reader, writer = await town_hall.take()
    writer.write(EVENTS + chunk(b"data: 1\n\n"))
    await begun(citizen)
    assert (await citizen.receive())["body"] == b"data: 1\n\n"
    if what == "session":
        callers.principals.clear()
    if what == "consent":
        consents.given.clear()
    if what == "service":
        await city.publish(published(row=SUSPENSION))
    if what == "route":
        await city.publish(published(backend={"base_url": {"live": "http://127.0.0.1:1"}, "routes": []}))
    assert await citizen.finish() == []  # no end
    assert await reader.read() == b""
