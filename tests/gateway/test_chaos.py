"""The deliberately bad department behind the gateway: what a citizen gets of each thing that it does."""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestServer

from app.kit.floor import Floor
from app.kit.ids import new_id
from app.kit.keyring import public_jwk
from gateway.routes import PURPOSES
from miniapps.departments import chaos, misbehaviour
from miniapps.departments.chaos import choose
from miniapps.departments.program import Office
from miniapps.manifest import parse_manifest
from miniapps.releases.models import PublishedApp
from miniapps.sdk import Jwks, Verifier
from tests.gateway.conftest import KnownCallers, KnownCitizens, KnownConsents
from tests.gateway.harness import BEARER, ISSUER, Answered, Harness, gateway
from tests.gateway.publications import published

CHAOS = chaos.PROGRAM.app_id
PATIENCE_MS = 700  # what is huge is read at its own pace, until it is too much


class Bad:
    """The bad department, the gateway before it, and a neighbour that behaves."""

    def __init__(self, office: Office, city: Harness) -> None:
        self._office = office
        self._city = city

    def misbehave(self, mode: str) -> None:
        choose(self._office, "calls", mode)

    async def call(self, path: str = "/calls") -> Answered:
        return await self._city.call("GET", f"/apps/{CHAOS}{path}", BEARER)

    async def neighbour(self) -> Answered:
        return await self._city.call("GET", "/loans", BEARER)


def as_published(port: int) -> PublishedApp:
    document = chaos.PROGRAM.manifest(f"http://127.0.0.1:{port}")
    for route in document["backend"]["routes"]:
        route["timeout_ms"] = PATIENCE_MS
    manifest = parse_manifest(json.dumps(document).encode())
    return published(row={"app_id": CHAOS, "manifest": manifest, "organization_id": new_id()})


@pytest.fixture
async def bad(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens, tmp_path: Path
) -> AsyncIterator[Bad]:
    callers.sign_in()
    office = chaos.PROGRAM.open_office(tmp_path / "chaos")
    keys = [public_jwk(key) | {"ssb_purpose": purpose} for purpose in PURPOSES for key in floor.keyring.all(purpose)]
    verifier = Verifier(
        app_id=CHAOS, issuer=ISSUER, keys=Jwks({"keys": keys}), now=lambda: floor.clock.now().timestamp()
    )
    server = TestServer(chaos.PROGRAM.application(office, verifier), host="127.0.0.1")
    await server.start_server()
    neighbours = frozenset({f"127.0.0.1:{server.port}"})
    async with gateway(floor, callers, consents, citizens, neighbours=neighbours) as city:
        assert server.port is not None
        await city.publish(*city.apps, as_published(server.port))
        yield Bad(office, city)
    await server.close()
    office.store.close()


@pytest.mark.parametrize(
    ("mode", "status", "slug"),
    [
        ("slow", 504, "department-timed-out"),
        ("hang", 504, "department-timed-out"),
        ("drip", 504, "department-timed-out"),
        ("huge", 502, "department-misbehaved"),
        ("reset", 502, "department-hung-up"),
        ("truncated", 502, "department-misbehaved"),
        ("nonsense", 502, "department-misbehaved"),
        ("hints", 502, "department-misbehaved"),
        ("header-flood", 502, "department-misbehaved"),
    ],
)
async def test_what_is_no_answer_is_a_named_refusal_of_the_gateway(bad: Bad, mode: str, status: int, slug: str) -> None:
    bad.misbehave(mode)
    answered = await bad.call()
    assert (answered.status, answered.slug) == (status, slug)
    assert answered.headers[b"ssb-error-origin"] == b"gateway"
    assert (await bad.neighbour()).status == 200


@pytest.mark.parametrize("mode", [mode for mode in misbehaviour.MODES if mode != "good"])
async def test_no_hostile_header_of_any_mode_reaches_a_citizen(bad: Bad, mode: str) -> None:
    bad.misbehave(mode)
    answered = await bad.call()
    for name in ("set-cookie", "clear-site-data", "location", "link", "refresh", "alt-svc", "ssb-assertion"):
        assert name.encode() not in answered.headers
    assert not any(name.startswith((b"access-control", b"x-flood")) for name, _ in answered.lines)
    policies = [value for name, value in answered.lines if name == b"content-security-policy"]
    assert policies == [b"default-src 'none'; frame-ancestors 'none'; sandbox"]
    origins = [value for name, value in answered.lines if name == b"ssb-error-origin"]
    assert origins in ([], [b"gateway"], [b"department"])


async def test_an_error_is_marked_as_the_departments(bad: Bad) -> None:
    bad.misbehave("error")
    answered = await bad.call()
    assert (answered.status, answered.headers[b"ssb-error-origin"]) == (503, b"department")


async def test_bytes_after_an_answer_are_nobodys(bad: Bad) -> None:
    bad.misbehave("extra")
    answers = [await bad.call() for _ in range(4)]
    assert [(answer.status, answer.body) for answer in answers] == [(200, b"{}")] * 4


async def test_a_redirect_leads_nowhere(bad: Bad) -> None:
    bad.misbehave("redirect")
    answered = await bad.call()
    assert (answered.status, answered.body) == (302, b"")


async def test_a_bomb_is_not_opened(bad: Bad) -> None:
    bad.misbehave("bomb")
    answered = await bad.call()
    assert answered.headers[b"content-encoding"] == b"gzip"
    assert len(answered.body) < 100_000 < len(gzip.decompress(answered.body))
    masked = await bad.call("/people")
    assert (masked.status, masked.slug) == (502, "answer-not-maskable")


async def test_a_masked_route_leaks_nothing(bad: Bad) -> None:
    bad.misbehave("leaking")
    answered = await bad.call("/people")
    people: list[dict[str, Any]] = msgspec.json.decode(answered.body)["items"]
    assert len(people) == 200
    for number, person in enumerate(people):
        assert person["id_number"] != misbehaviour.id_number(number)
        assert f"1990000{number:04}" not in answered.body.decode()


async def test_what_is_large_and_whole_arrives_whole(bad: Bad) -> None:
    bad.misbehave("large")
    answered = await bad.call()
    assert (answered.status, len(msgspec.json.decode(answered.body))) == (200, misbehaviour.LARGE_ROWS)


async def test_it_rests_and_is_called_again_when_it_behaves(bad: Bad) -> None:
    bad.misbehave("reset")
    seen = [(await bad.call()).slug for _ in range(8)]
    assert seen == ["department-hung-up"] * 5 + ["department-busy"] * 3
    assert (await bad.neighbour()).status == 200
