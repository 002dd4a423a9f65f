"""Calls while a release is on trial, from raw scope to raw socket: each citizen at their release and at no other."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from msgspec import structs

from app.kit.floor import Floor
from gateway.breakers import BreakerSettings
from gateway.exposure import NOBODY, voice_of
from gateway.home.models import UNCHOSEN, Choice
from miniapps.releases.models import GrayApp, PublishedApp
from tests.gateway.conftest import KnownCallers, KnownCitizens, KnownConsents
from tests.gateway.harness import BEARER, Citizen, Harness, Received, gateway
from tests.gateway.publications import LIBRARY, ROUTES, SCOPES, SUSPENSION, a_manifest, published
from tests.gateway.servers import plain_answer, read_request, serving

EAST, WEST = "190102", "190103"
TESTER = (b"authorization", b"Bearer tester")
ELSEWHERE = (b"authorization", b"Bearer elsewhere")
NEW_ROUTES = [*ROUTES, {"method": "GET", "path": "/new/thing"}]


class KnownChoices:
    """Where citizens are at home; asked only when somebody needs to know."""

    def __init__(self) -> None:
        self.zones: dict[UUID, str] = {}
        self.asked = 0

    async def find_choice(self, subject_id: UUID) -> Choice:
        self.asked += 1
        return structs.replace(UNCHOSEN, zone=self.zones.get(subject_id))


class GrayBackend:
    """The department's second server, for releases on trial."""

    def __init__(self) -> None:
        self.port = 0
        self.received: list[Received] = []
        self.status = "200 OK"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while raw := await read_request(reader):
            self.received.append(Received(raw))
            if self.received[-1].target.endswith("/events"):
                await self._stream(writer)
            writer.write(plain_answer(b"gray", status=self.status))
            await writer.drain()

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"4\r\ntick\r\n")
            await writer.drain()
            await asyncio.sleep(0.025)


@pytest.fixture
def choices() -> KnownChoices:
    return KnownChoices()


@pytest.fixture
async def backend() -> AsyncIterator[GrayBackend]:
    backend = GrayBackend()
    async with serving(backend.talk) as backend.port:
        yield backend


@pytest.fixture
async def city(
    *,
    floor: Floor,
    callers: KnownCallers,
    consents: KnownConsents,
    citizens: KnownCitizens,
    choices: KnownChoices,
    backend: GrayBackend,
) -> AsyncIterator[Harness]:
    for token in ("good", "tester", "elsewhere"):
        callers.sign_in(token)
    neighbours = frozenset({f"127.0.0.1:{backend.port}"})
    async with gateway(
        floor,
        callers,
        consents,
        citizens,
        neighbours=neighbours,
        choices=choices,
        look_again_seconds=0.05,
        breaker=BreakerSettings(failures=3, rest_seconds=60),
    ) as harness:
        yield harness


@pytest.fixture
def tester(callers: KnownCallers, city: Harness) -> UUID:
    assert city.trials == []
    return callers.principals["tester"].subject_id


def on_trial(
    city: Harness, backend: GrayBackend, *testers: UUID, percent: int = 0, zones: tuple[str, ...] = ()
) -> GrayApp:
    live = city.apps[0].manifest.backend
    assert live is not None
    addresses = {"live": live.base_url.live, "gray": f"http://127.0.0.1:{backend.port}/gray"}
    manifest = a_manifest(version={"code": 2, "name": "2.0.0"}, backend={"base_url": addresses, "routes": NEW_ROUTES})
    app = published(row={"manifest": manifest, "version_code": 2})
    return GrayApp(app=app, percent=percent, zones=zones, testers=frozenset(testers))


async def begin(city: Harness, trial: GrayApp) -> GrayApp:
    await city.publish(*city.apps, trials=[trial])
    return trial


async def test_a_tester_is_served_by_the_trial_and_others_by_what_is_published(
    city: Harness, backend: GrayBackend, tester: UUID
) -> None:
    await begin(city, on_trial(city, backend, tester))
    assert (await city.call("GET", "/loans", TESTER)).body == b"gray"
    assert (await city.call("GET", "/loans", BEARER)).body == b"/api/loans"
    assert (await city.call("GET", "/books")).body == b"/api/books"
    assert [request.target for request in backend.received] == ["/gray/loans"]
    assert backend.received[0].headers["ssb-app"] == LIBRARY


async def test_routes_of_the_trial_are_there_for_its_people_alone(
    city: Harness, backend: GrayBackend, tester: UUID
) -> None:
    await begin(city, on_trial(city, backend, tester))
    assert (await city.call("GET", "/new/thing", TESTER)).status == 200
    refused = await city.call("GET", "/new/thing", BEARER)
    assert (refused.status, refused.slug) == (404, "service-path-unknown")
    assert (await city.call("GET", "/new/thing")).status == 404


async def test_a_trial_without_anything_published_is_not_there_for_others(
    city: Harness, backend: GrayBackend, tester: UUID
) -> None:
    trial = on_trial(city, backend, tester)
    await city.publish(trials=[trial])
    assert (await city.call("GET", "/loans", TESTER)).status == 200
    for headers in ([BEARER], []):
        refused = await city.call("GET", "/loans", *headers)
        assert (refused.status, refused.slug) == (404, "service-unknown")


async def test_a_bad_token_is_refused_before_anybody_is_let_onto_a_trial(
    city: Harness, backend: GrayBackend, tester: UUID
) -> None:
    await begin(city, on_trial(city, backend, tester, percent=100))
    refused = await city.call("GET", "/loans", (b"authorization", b"Bearer stolen"))
    assert refused.status == 401
    assert backend.received == []


async def test_citizens_of_named_zones_are_taken_by_where_they_are_at_home(
    city: Harness, backend: GrayBackend, callers: KnownCallers, choices: KnownChoices
) -> None:
    choices.zones = {
        callers.principals["good"].subject_id: f"{EAST}001",
        callers.principals["elsewhere"].subject_id: WEST,
    }
    await begin(city, on_trial(city, backend, percent=100, zones=(EAST,)))
    for headers, expected in (([BEARER], b"gray"), ([ELSEWHERE], b"/api/loans"), ([TESTER], b"/api/loans")):
        assert (await city.call("GET", "/loans", *headers)).body == expected
    assert (await city.call("GET", "/books")).body == b"/api/books"


async def test_the_share_at_the_door_is_the_share_of_the_rule(
    city: Harness, backend: GrayBackend, callers: KnownCallers
) -> None:
    trial = await begin(city, on_trial(city, backend, percent=20))
    gray = 0
    for number in range(60):
        callers.sign_in(f"citizen{number}", subject_id=UUID(int=number))
        answer = await city.call("GET", "/loans", (b"authorization", b"Bearer citizen%d" % number))
        entry = city.table.snapshot.entries[LIBRARY]
        assert entry.gray is not None
        taken = entry.gray.rule.takes(UUID(int=number), LIBRARY, trial.app.release_id, None)
        assert (answer.body == b"gray") is taken
        gray += taken
    assert 0 < gray < 30


async def test_a_failing_trial_rests_alone(city: Harness, backend: GrayBackend, tester: UUID) -> None:
    await begin(city, on_trial(city, backend, tester))
    backend.status = "503 Service Unavailable"
    statuses = [(await city.call("GET", "/loans", TESTER)).status for _ in range(6)]
    assert len(backend.received) < 6
    assert set(statuses) == {503}
    for _ in range(6):
        assert (await city.call("GET", "/loans", BEARER)).status == 200


async def test_suspension_closes_both_doors(city: Harness, backend: GrayBackend, tester: UUID) -> None:
    trial = on_trial(city, backend, tester)
    suspended = [_suspended(app) for app in (*city.apps, trial.app)]
    await city.publish(suspended[0], trials=[GrayApp(app=suspended[1], percent=0, testers=frozenset({tester}))])
    for headers in ([TESTER], [BEARER], []):
        assert (await city.call("GET", "/loans", *headers)).slug == "service-suspended"


def _suspended(app: PublishedApp) -> PublishedApp:
    facts = {name: getattr(app, name) for name in app.__struct_fields__}
    return PublishedApp(**(facts | SUSPENSION))


async def test_every_outcome_is_noted_for_the_release_that_was_called(
    city: Harness, backend: GrayBackend, tester: UUID
) -> None:
    trial = await begin(city, on_trial(city, backend, tester))
    live = city.apps[0].release_id
    disbelieved = b'{"type":"urn:suishen:department:signature-forged","status":401}'
    answers = {
        "/loans": plain_answer(b"fine"),
        "/loans/7": plain_answer(b"broken", status="500 Internal Server Error"),
        "/books": plain_answer(disbelieved, status="401 Unauthorized"),
        "/books/1": plain_answer(b"who are you?", status="401 Unauthorized"),
        "/card": b"no HTTP at all\r\n\r\n",
    }
    city.answer = lambda request: answers[request.target.removeprefix("/api")]
    for path in answers:
        await city.call("GET", path, BEARER)
    await city.call("GET", "/loans", TESTER)
    outcomes = ["ok", "department_fault", "bad_signature", "ok", "department_fault"]
    assert city.noted == [*((live, outcome) for outcome in outcomes), (trial.app.release_id, "ok")]


async def test_a_silent_department_is_noted_as_a_timeout(city: Harness) -> None:
    async def never(_request: Received) -> bytes:
        await asyncio.sleep(5)
        return b""

    city.answer = never
    assert (await city.call("GET", "/slow", BEARER)).status == 504
    assert [outcome for _, outcome in city.noted] == ["timeout"]


async def test_a_refusal_of_our_own_is_nobodys_fault(city: Harness) -> None:
    for path, headers in (("/loans", []), ("/nowhere/at/all", [BEARER]), ("/loans/7/renewal", [BEARER])):
        await city.call("GET", path, *headers)
    assert city.noted == []


async def test_a_stream_from_a_trial_that_is_taken_back_is_cut(
    city: Harness, backend: GrayBackend, tester: UUID
) -> None:
    await begin(city, on_trial(city, backend, tester))
    citizen = await listen(city)
    await city.publish(*city.apps)
    rest = await citizen.finish()
    assert all(message.get("more_body") for message in rest), "nobody takes it for whole"


async def test_a_stream_from_a_trial_that_is_published_goes_on(
    city: Harness, backend: GrayBackend, tester: UUID
) -> None:
    trial = await begin(city, on_trial(city, backend, tester))
    citizen = await listen(city)
    await city.publish(trial.app)
    for _ in range(20):  # ten looks long
        assert (await citizen.receive())["more_body"]
    await citizen.leave()


async def listen(city: Harness) -> Citizen:
    """A tester who hears events of the trial's backend."""
    citizen = city.open("GET", "/events", TESTER)
    await citizen.send(b"", more=False)
    assert (await citizen.receive())["status"] == 200
    assert (await citizen.receive())["body"]
    return citizen


async def test_an_answer_that_cannot_be_masked_counts_against_its_release(city: Harness) -> None:
    backend = city.apps[0].manifest.backend
    assert backend is not None
    masking = [{"method": "GET", "path": "/loans", "pointer": "/items/*/reader", "rule": "name"}]
    manifest = a_manifest(backend.base_url.live, data={"scopes": SCOPES, "masking": masking})
    masked = published(row={"manifest": manifest})
    await city.publish(masked)
    city.answer = lambda _request: plain_answer(b"no JSON", headers="Content-Type: text/plain\r\n")
    assert (await city.call("GET", "/loans", BEARER)).slug == "answer-not-maskable"
    assert (masked.release_id, "department_fault") in city.noted


async def test_whatever_one_citizen_meets_on_trial_is_one_voice(
    city: Harness, backend: GrayBackend, callers: KnownCallers, tester: UUID
) -> None:
    trial = await begin(city, on_trial(city, backend, tester, percent=100))
    for status in ("200 OK", "500 Internal Server Error"):
        backend.status = status
        await city.call("GET", "/loans", TESTER)
    watcher = city.open("GET", "/events", TESTER)
    await watcher.receive()
    await watcher.leave()
    await watcher.finish()
    assert len(city.voices) == 3
    (voice,) = set(city.voices)
    assert voice == voice_of(tester.hex, trial.app.release_id) != NOBODY
    city.voices.clear()
    for token in range(30):
        callers.sign_in(f"citizen-{token}")
        await city.call("GET", "/loans", (b"authorization", b"Bearer citizen-%d" % token))
    assert len(set(city.voices)) > 4


async def test_voices_of_what_everybody_uses_are_not_told_apart(
    city: Harness, backend: GrayBackend, tester: UUID
) -> None:
    await begin(city, on_trial(city, backend, tester))
    await city.call("GET", "/loans", BEARER)
    await city.call("GET", "/books")
    assert city.voices == [NOBODY, NOBODY]
