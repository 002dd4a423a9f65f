"""The city library's card, through the whole gateway: the name it answers in the clear arrives masked."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.kit.clock import ManualClock
from app.kit.floor import Floor
from app.kit.keyring import public_jwk
from gateway.routes import PURPOSES
from miniapps.departments import library
from miniapps.manifest import parse_manifest
from miniapps.manifest.masking import LARGEST_MASKED
from miniapps.sdk import Jwks, Verifier
from tests.gateway.conftest import KnownCallers, KnownCitizens, KnownConsents
from tests.gateway.harness import BEARER, ISSUER, Answered, Harness, Received, gateway
from tests.gateway.publications import LIBRARY, SCOPES, a_manifest, published
from tests.gateway.servers import plain_answer

NAME = "测试甲"
JSON = "Content-Type: application/json\r\n"


class OpenHandedCitizens(KnownCitizens):
    """Tells the whole name, so that nobody but the gateway can have masked it."""

    FIELDS: Mapping[str, Any] = {"display_name": NAME}


def library_program(floor: Floor, clock: ManualClock, data: Path) -> web.Application:
    """The reference department as it is shipped; it believes this floor's keys."""
    keys = [public_jwk(key) | {"ssb_purpose": use} for use in PURPOSES for key in floor.keyring.all(use)]
    verifier = Verifier(app_id=LIBRARY, issuer=ISSUER, keys=Jwks({"keys": keys}), now=lambda: clock.now().timestamp())
    return library.PROGRAM.application(library.PROGRAM.open_office(data), verifier)


async def library_card(
    floor: Floor, clock: ManualClock, callers: KnownCallers, folder: Path, **changes: Any
) -> Answered:
    """What a reader gets at GET /card; `changes` are of the library's own manifest."""
    callers.sign_in()
    async with TestServer(library_program(floor, clock, folder), host="127.0.0.1") as server:
        address = f"127.0.0.1:{server.port}"
        document = library.PROGRAM.manifest(f"http://{address}") | changes
        row = {"manifest": parse_manifest(msgspec.json.encode(document))}
        people = (callers, KnownConsents(), OpenHandedCitizens())
        async with gateway(floor, *people, neighbours=frozenset({address})) as city:
            await city.publish(published(row=row))
            return await city.call("GET", "/card", BEARER)


async def test_name_on_the_librarys_card_arrives_masked(
    floor: Floor, clock: ManualClock, callers: KnownCallers, tmp_path: Path
) -> None:
    answered = await library_card(floor, clock, callers, tmp_path)
    assert answered.status == 200
    assert msgspec.json.decode(answered.body) == {"number": "100001", "reader": "测*甲"}
    assert answered.headers[b"content-length"] == str(len(answered.body)).encode()


async def test_without_the_rule_the_same_card_shows_the_name(
    floor: Floor, clock: ManualClock, callers: KnownCallers, tmp_path: Path
) -> None:
    scopes = library.PROGRAM.manifest("http://127.0.0.1:1")["data"]["scopes"]
    answered = await library_card(floor, clock, callers, tmp_path, data={"scopes": scopes})
    assert msgspec.json.decode(answered.body)["reader"] == NAME


@pytest.fixture
async def city(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> AsyncIterator[Harness]:
    """The gateway before a department whose /books is masked."""
    rules = [
        {"method": method, "path": path, "pointer": "/name", "rule": "name"}
        for method, path in (("GET", "/books"), ("HEAD", "/books"))
    ]
    async with gateway(floor, callers, consents, citizens) as harness:
        backend, data = harness.apps[0].manifest.backend, {"scopes": SCOPES, "masking": rules}
        assert backend is not None
        await harness.publish(published(row={"manifest": a_manifest(backend.base_url.live, data=data)}))
        yield harness


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "500 Internal Server Error"])
async def test_every_answer_of_a_masked_route_is_masked(city: Harness, status: str) -> None:
    city.answer = lambda _request: plain_answer(f'{{"name":"{NAME}"}}'.encode(), status=status, headers=JSON)
    answered = await city.call("GET", "/books")
    assert (answered.status, answered.body.decode()) == (int(status[:3]), '{"name":"测*甲"}')


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (plain_answer(NAME.encode(), headers="Content-Type: text/plain\r\n"), "not-json"),
        (plain_answer(b"{}", headers=f"{JSON}Content-Encoding: gzip\r\n"), "encoded"),
        (plain_answer(f'"{NAME}"'.encode(), status="206 Partial Content", headers=JSON), "partial"),
        (plain_answer(f'"{NAME}{"x" * LARGEST_MASKED}"'.encode(), headers=JSON), "too-large"),
        (plain_answer(f'{{"name":["{NAME}"]}}'.encode(), headers=JSON), "not-text"),
    ],
)
async def test_an_answer_that_cannot_be_masked_stays_behind(city: Harness, answer: bytes, reason: str) -> None:
    city.answer = lambda _request: answer
    answered = await city.call("GET", "/books")
    assert (answered.status, answered.slug, answered.headers[b"ssb-error-origin"]) == (
        502,
        "answer-not-maskable",
        b"gateway",
    )
    problem = msgspec.json.decode(answered.body)
    assert (problem["reason"], problem["fallback"]) == (reason, "请到图书馆；拨打 12345")
    assert NAME not in answered.body.decode()


async def test_a_masked_answer_is_asked_for_whole_and_unencoded(city: Harness) -> None:
    city.answer = lambda _request: plain_answer(b"{}", headers=JSON)
    asked = ((b"accept-encoding", b"gzip, br"), (b"range", b"bytes=0-3"), (b"if-range", b"1"))
    await city.call("GET", "/books", *asked)
    await city.call("GET", "/books/1", *asked)
    masked, plain = (request.headers for request in city.received)
    assert (masked["accept-encoding"], "range" in masked, "if-range" in masked) == ("identity", False, False)
    assert (plain["accept-encoding"], plain["range"], plain["if-range"]) == ("gzip, br", "bytes=0-3", "1")


async def test_answers_without_content_need_no_masking(city: Harness) -> None:
    def answer(request: Received) -> bytes:
        if request.method == "HEAD":
            return b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/html\r\n\r\n"
        return b"HTTP/1.1 304 Not Modified\r\n\r\n"

    city.answer = answer
    assert [(await city.call(method, "/books")).status for method in ("HEAD", "GET")] == [200, 304]


async def test_routes_beside_it_pass_byte_for_byte(city: Harness) -> None:
    body = f'{{ "name": "{NAME}", "name": 1 }}'.encode()
    city.answer = lambda _request: plain_answer(body, headers=JSON)
    assert (await city.call("GET", "/books/1")).body == body
