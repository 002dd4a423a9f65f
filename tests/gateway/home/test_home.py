"""The home page with real departments: complete, in time, and silent towards those whom the citizen does not use."""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.ids import new_id
from gateway.assertion import Assertions
from gateway.breakers import BreakerSettings, Protection
from gateway.calls import Departments
from gateway.errors import UnknownService
from gateway.home import repository
from gateway.home.cards import CardSource
from gateway.home.errors import TooManyPins
from gateway.home.models import HomeView
from gateway.home.public_cards import PublicCards
from gateway.home.service import MOST_PINS, Home
from gateway.home.usage import Usage
from gateway.network import NetworkPolicy
from gateway.routing import RouteTable
from gateway.settings import GatewaySettings
from gateway.signature import RequestSigner
from gateway.upstream import Upstream
from miniapps.releases.models import PublishedApp
from tests.gateway.conftest import KnownCitizens, a_principal
from tests.gateway.publications import SUSPENSION, published
from tests.gateway.servers import plain_answer, read_request, serving

Answer = Callable[[str, bytes], Awaitable[bytes] | bytes]
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


class City:
    """Departments by app id, each with a server of its own."""

    def __init__(self, stack: contextlib.AsyncExitStack, floor: Floor, citizens: KnownCitizens) -> None:
        self._stack = stack
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, bytes]] = []
        self.apps: list[PublishedApp] = []
        self._ports: set[str] = set()
        self._floor = floor
        self._citizens = citizens
        self.table = RouteTable(self._list_published)
        self.rebuild()

    async def _list_published(self) -> list[PublishedApp]:
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
        self.public_cards = PublicCards(table=self.table, source=source, clock=floor.clock)
        self.home = Home(
            database=floor.database,
            clock=floor.clock,
            table=self.table,
            source=source,
            public_cards=self.public_cards,
            settings=settings,
        )

    async def open(self, name: str, answer: Answer = good, **changes: Any) -> str:
        app_id = f"cn.example.{name}"
        self.answers[app_id] = answer

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while request := await read_request(reader):
                self.asked.append((app_id, request))
                answered = self.answers[app_id](app_id, request)
                writer.write(answered if isinstance(answered, bytes) else await answered)

        port = await self._stack.enter_async_context(serving(talk))
        self._ports.add(f"127.0.0.1:{port}")
        facts: dict[str, Any] = {"app_id": app_id, "widgets": WIDGETS, "name": {"zh": name, "en": name}}
        row = {"organization_id": new_id()} | changes.pop("row", {})
        self.apps.append(published(f"http://127.0.0.1:{port}/api", row=row, **(facts | changes)))
        self.rebuild()
        await self.table.refresh()
        return app_id

    def asked_personally(self) -> list[str]:
        return [app_id for app_id, request in self.asked if b"ssb-assertion" in request.lower()]


@pytest.fixture
async def city(floor: Floor, citizens: KnownCitizens) -> AsyncIterator[City]:
    async with contextlib.AsyncExitStack() as stack:
        yield City(stack, floor, citizens)


def shown(home: HomeView) -> list[tuple[str, str, str]]:
    return [(card.app_id.removeprefix("cn.example."), card.widget, card.why) for card in home.cards]


async def test_home_asks_only_departments_that_the_citizen_pinned_or_used(city: City, connection: Connection) -> None:
    names = {name: await city.open(name) for name in ("pinned", "used", "other")}
    principal, stranger = a_principal(), a_principal()
    await city.home.pin(connection, principal, names["pinned"])
    await city.home.pin(connection, stranger, names["other"])
    await repository.insert_usages(connection, [(principal.subject_id, names["used"], city._floor.clock.now())])
    await city.public_cards.refresh()
    city.asked.clear()
    home = await city.home.gather(principal, None)
    assert sorted(city.asked_personally()) == [names["pinned"], names["used"]]
    assert len(city.asked) == 2
    assert shown(home) == [
        ("pinned", "mine", "pinned"),
        ("pinned", "all", "pinned"),
        ("used", "mine", "used"),
        ("used", "all", "used"),
        ("other", "all", "public"),
    ]
    assert [(section.id, section.app_ids) for section in home.sections] == [
        ("pinned", [names["pinned"]]),
        ("used", [names["used"]]),
        ("public", [names["other"]]),
    ]
    assert home.degraded == []


async def test_home_of_a_visitor_shows_public_cards_and_asks_nobody(city: City) -> None:
    await city.open("library")
    await city.public_cards.refresh()
    assert city.asked_personally() == []
    city.asked.clear()
    home = await city.home.gather(None, None)
    assert shown(home) == [("library", "all", "public")]
    assert city.asked == []


async def test_home_is_in_time_with_twenty_departments_and_one_hung(city: City, connection: Connection) -> None:
    principal = a_principal()
    for number in range(20):
        app_id = await city.open(f"d{number:02}", hung if number == 7 else good)
        await city.home.pin(connection, principal, app_id)
    started = time.perf_counter()
    home = await city.home.gather(principal, None)
    assert time.perf_counter() - started < 0.8
    assert [(missing.app_id, missing.reason) for missing in home.degraded] == [("cn.example.d07", "timeout")]
    assert len({card.app_id for card in home.cards}) == 19
    assert home.degraded[0].fallback.zh == "请到图书馆；拨打 12345"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (hung, "timeout"),
        (lambda _app, _request: b"", "timeout"),
        (lambda _app, _request: b"garbage\r\n\r\n", "unacceptable"),
        (lambda _app, _request: plain_answer(b"", status="500 Oops"), "unreachable"),
        (lambda _app, _request: plain_answer(b"", status="302 Found", headers="Location: /\r\n"), "unreachable"),
        (lambda _app, _request: plain_answer(b"<html>"), "unacceptable"),
        (lambda _app, _request: plain_answer(b"[" * 100_000), "unacceptable"),
        (lambda app, _request: cards_of(app, "never asked for"), "unacceptable"),
        (lambda _app, _request: cards_of("<b>bold</b>", "mine"), "unacceptable"),
    ],
)
async def test_home_names_a_department_that_misbehaves_and_shows_the_others(
    city: City, connection: Connection, answer: Answer, reason: str
) -> None:
    principal = a_principal()
    for name, behaviour in (("bad", answer), ("fine", good)):
        await city.home.pin(connection, principal, await city.open(name, behaviour))
    home = await city.home.gather(principal, None)
    assert [(missing.app_id, missing.reason) for missing in home.degraded] == [("cn.example.bad", reason)]
    assert shown(home) == [("fine", "mine", "pinned")]


async def test_home_rests_a_department_that_keeps_failing(city: City, connection: Connection) -> None:
    principal = a_principal()
    await city.home.pin(connection, principal, await city.open("bad", lambda _app, _request: b"garbage\r\n\r\n"))
    reasons = [(await city.home.gather(principal, None)).degraded[0].reason for _ in range(7)]
    assert reasons == ["unacceptable"] * 5 + ["busy"] * 2
    assert len(city.asked) == 5


async def test_home_names_a_suspended_service_and_asks_it_nothing(city: City, connection: Connection) -> None:
    principal = a_principal()
    await city.home.pin(connection, principal, await city.open("library", row=SUSPENSION))
    await city.public_cards.refresh()
    home = await city.home.gather(principal, None)
    assert (home.cards, city.asked) == ([], [])
    assert (home.degraded[0].reason, home.degraded[0].fallback.zh) == ("suspended", "请到大厅")


async def test_home_never_shows_a_withdrawn_service(city: City, connection: Connection) -> None:
    principal = a_principal()
    await city.home.pin(connection, principal, await city.open("library"))
    await city.public_cards.refresh()
    city.apps.clear()
    await city.table.refresh()
    home = await city.home.gather(principal, None)
    assert (home.cards, home.sections, home.degraded) == ([], [], [])


async def test_home_drops_cards_of_an_earlier_release(city: City) -> None:
    await city.open("library")
    await city.public_cards.refresh()
    city.apps[0] = msgspec.structs.replace(city.apps[0], release_id=new_id())
    await city.table.refresh()
    assert (await city.home.gather(None, None)).cards == []
    await city.public_cards.refresh()
    assert shown(await city.home.gather(None, None)) == [("library", "all", "public")]


async def test_home_marks_stale_cards_and_drops_them_after_an_hour(city: City, clock: ManualClock) -> None:
    app_id = await city.open("library")
    await city.public_cards.refresh()
    city.answers[app_id] = lambda _app, _request: plain_answer(b"", status="500 Oops")
    clock.advance(61)
    await city.public_cards.refresh()
    home = await city.home.gather(None, None)
    assert [(card.stale, home.generated_at - card.as_of) for card in home.cards] == [(True, timedelta(seconds=61))]
    assert [missing.reason for missing in home.degraded] == ["unreachable"]
    clock.advance(3600)
    assert (await city.home.gather(None, None)).cards == []
    city.answers[app_id] = good
    await city.public_cards.refresh()
    home = await city.home.gather(None, None)
    assert ([card.stale for card in home.cards], home.degraded) == ([False], [])


async def test_public_cards_are_asked_for_when_they_are_due(city: City, clock: ManualClock) -> None:
    await city.open("library")
    for seconds, asked in ((0, 1), (30, 1), (31, 2), (1, 2)):
        clock.advance(seconds)
        await city.public_cards.refresh()
        assert len(city.asked) == asked


async def test_home_shows_only_what_is_offered_in_the_zone(city: City) -> None:
    await city.open("city", zones=["190000"])
    await city.open("district", zones=["190101"])
    await city.public_cards.refresh()
    for zone, names in ((None, ["city"]), ("190101", ["city", "district"]), ("190102", ["city"]), ("200000", [])):
        home = await city.home.gather(None, zone)
        assert [card.app_id.removeprefix("cn.example.") for card in home.cards] == names


@pytest.mark.parametrize(
    "changes",
    [
        {"ial": 0},
        {"subject_type": "official"},
        {"subject_type": "organization", "agent_id": new_id()},
    ],
)
async def test_home_asks_no_personal_card_beyond_audience_and_level(
    city: City, connection: Connection, changes: dict[str, Any]
) -> None:
    principal = a_principal(**changes)
    await city.home.pin(connection, principal, await city.open("library", audience=["person"]))
    await city.home.gather(principal, None)
    assert city.asked_personally() == []


async def test_one_citizens_cards_are_never_shown_to_another(city: City, connection: Connection) -> None:
    first, second = a_principal(), a_principal()
    app_id = await city.open("library", lambda _app, request: cards_of(_openid(request), "mine"))
    for principal in (first, second):
        await city.home.pin(connection, principal, app_id)
    homes = [await city.home.gather(principal, None) for principal in (first, second, first)]
    titles = [home.cards[0].title.zh for home in homes]
    assert titles[0] == titles[2] != titles[1]


def _openid(request: bytes) -> str:
    head = request.partition(b"\r\n\r\n")[0].decode()
    (line,) = [line for line in head.split("\r\n") if line.lower().startswith("ssb-assertion:")]
    payload = line.partition(":")[2].strip().split(".")[1]
    claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=="))
    return str(claims["sub"])


async def test_home_order_is_the_same_every_time(city: City, connection: Connection, clock: ManualClock) -> None:
    principal = a_principal()
    for name in ("c", "a", "b"):
        app_id = await city.open(name)
        await city.home.pin(connection, principal, app_id)
        clock.advance(1)
    for name in ("z", "y"):
        await city.open(name)
    await city.public_cards.refresh()
    pages = [shown(await city.home.gather(principal, None)) for _ in range(5)]
    assert all(page == pages[0] for page in pages)
    assert [app for app, widget, _ in pages[0] if widget == "all"] == ["b", "a", "c", "y", "z"]


async def test_pin_refuses_an_unknown_service(city: City, connection: Connection) -> None:
    with pytest.raises(UnknownService):
        await city.home.pin(connection, a_principal(), "cn.example.nobody")


async def test_pin_twice_is_once(city: City, connection: Connection, clock: ManualClock) -> None:
    app_id, principal = await city.open("library"), a_principal()
    first = await city.home.pin(connection, principal, app_id)
    clock.advance(60)
    assert await city.home.pin(connection, principal, app_id) == first


async def test_pin_refuses_too_many(city: City, connection: Connection) -> None:
    app_id, principal = await city.open("library"), a_principal()
    await connection.executemany(
        "insert into gateway.pin values ($1, $2, $3)",
        [(principal.subject_id, f"cn.example.x{number}", city._floor.clock.now()) for number in range(MOST_PINS)],
    )
    with pytest.raises(TooManyPins):
        await city.home.pin(connection, principal, app_id)


async def test_unpin_takes_away_and_may_be_repeated(city: City, connection: Connection) -> None:
    app_id, principal = await city.open("library"), a_principal()
    await city.home.pin(connection, principal, app_id)
    for _ in range(2):
        await city.home.unpin(connection, principal, app_id)
    await city.home.gather(principal, None)
    assert city.asked_personally() == []


async def test_usage_is_written_once_an_hour_and_forgotten_after_90_days(
    floor: Floor, connection: Connection, clock: ManualClock
) -> None:
    usage, subject_id = Usage(floor.database, clock), new_id()

    async def favourites() -> list[str]:
        since = clock.now() - timedelta(days=365)
        found = await repository.list_favourites(connection, subject_id, since=since, limit=20)
        return [favourite.app_id for favourite in found]

    usage.note(subject_id, "cn.example.a")
    usage.note(subject_id, "cn.example.a")
    assert len(usage._waiting) == 1
    await usage.write()
    usage.note(subject_id, "cn.example.a")
    assert usage._waiting == {}
    clock.advance(3601)
    usage.note(subject_id, "cn.example.a")
    usage.note(subject_id, "cn.example.b")
    await usage.write()
    assert await favourites() == ["cn.example.a", "cn.example.b"]
    clock.advance(89 * 86400)
    await usage.forget()
    assert len(await favourites()) == 2
    clock.advance(2 * 86400)
    await usage.forget()
    assert await favourites() == []


async def test_usage_waits_when_the_database_is_away(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = Usage(floor.database, floor.clock)
    usage.note(new_id(), "cn.example.a")

    def away() -> Any:
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr(floor.database, "transaction", away)
        with pytest.raises(OSError):  # noqa: PT011 - whatever a database that is away raises
            await usage.write()
    assert len(usage._waiting) == 1
    await usage.write()
    assert usage._waiting == {}
