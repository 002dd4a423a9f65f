"""The home page with real departments: complete, in time, and silent towards those whom the citizen does not use."""

import asyncio
import base64
import itertools
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.ids import new_id
from gateway.home import repository
from gateway.home.models import ChooseHome, HomeView
from miniapps.releases.models import GrayApp, PublishedApp
from tests.gateway.conftest import a_principal, consent_to
from tests.gateway.home.city import Answer, City, byte_by_byte, cards_of, good, hung, shown
from tests.gateway.publications import SUSPENSION
from tests.gateway.servers import plain_answer


async def test_home_asks_only_departments_that_the_citizen_pinned_or_used(city: City, connection: Connection) -> None:
    names = {name: await city.open(name) for name in ("pinned", "used", "other")}
    principal, stranger = a_principal(), a_principal()
    await city.layouts.pin(connection, principal, names["pinned"])
    await city.layouts.pin(connection, stranger, names["other"])
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
        await city.layouts.pin(connection, principal, app_id)
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
        (byte_by_byte, "timeout"),
        (lambda app, request: good(app, request)[:-1], "timeout"),
        (lambda _app, _request: plain_answer(b" " * 70_000), "unacceptable"),
        (lambda _app, _request: b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n", "timeout"),
        (lambda _app, _request: b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "unacceptable"),
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
        await city.layouts.pin(connection, principal, await city.open(name, behaviour))
    home = await city.home.gather(principal, None)
    assert [(missing.app_id, missing.reason) for missing in home.degraded] == [("cn.example.bad", reason)]
    assert shown(home) == [("fine", "mine", "pinned")]


async def test_home_rests_a_department_that_keeps_failing(city: City, connection: Connection) -> None:
    principal = a_principal()
    await city.layouts.pin(connection, principal, await city.open("bad", lambda _app, _request: b"garbage\r\n\r\n"))
    reasons = [(await city.home.gather(principal, None)).degraded[0].reason for _ in range(7)]
    assert reasons == ["unacceptable"] * 5 + ["busy"] * 2
    assert len(city.asked) == 5


async def test_home_names_a_suspended_service_and_asks_it_nothing(city: City, connection: Connection) -> None:
    principal = a_principal()
    await city.layouts.pin(connection, principal, await city.open("library", row=SUSPENSION))
    await city.public_cards.refresh()
    home = await city.home.gather(principal, None)
    assert (home.cards, city.asked) == ([], [])
    assert (home.degraded[0].reason, home.degraded[0].fallback.zh) == ("suspended", "请到大厅")


async def test_home_never_shows_a_withdrawn_service(city: City, connection: Connection) -> None:
    principal = a_principal()
    await city.layouts.pin(connection, principal, await city.open("library"))
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
    for zone, names in ((None, ["city"]), ("190101", ["district", "city"]), ("190102", ["city"])):
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
    await city.layouts.pin(connection, principal, await city.open("library", audience=["person"]))
    await city.home.gather(principal, None)
    assert city.asked_personally() == []


async def test_one_citizens_cards_are_never_shown_to_another(city: City, connection: Connection) -> None:
    first, second = a_principal(), a_principal()
    app_id = await city.open("library", lambda _app, request: cards_of(_openid(request), "mine"))
    for principal in (first, second):
        await city.layouts.pin(connection, principal, app_id)
    homes = [await city.home.gather(principal, None) for principal in (first, second, first)]
    titles = [home.cards[0].title.zh for home in homes]
    assert titles[0] == titles[2] != titles[1]


async def test_cards_find_their_way_among_many_citizens_at_once(city: City, connection: Connection) -> None:
    """The department answers late, in another order, half of the time not at all; nobody ever sees another's card."""
    names: dict[str, str] = {}
    turn = itertools.count()

    async def muddled(_app: str, request: bytes) -> bytes:
        number = next(turn)
        await asyncio.sleep(0.02 * (number * 7 % 5))
        return cards_of(_openid(request), "mine") if number % 2 else plain_answer(b"", status="500 Oops")

    apps = [await city.open(f"d{number}", muddled) for number in range(2)]
    citizens = [a_principal() for _ in range(12)]
    for principal in citizens:
        for app_id in apps:
            await city.layouts.pin(connection, principal, app_id)
    for _ in range(4):
        homes = await asyncio.gather(*(city.home.gather(principal) for principal in citizens))
        for principal, home in zip(citizens, homes, strict=True):
            for card in home.cards:  # also the stale ones
                key = f"{principal.subject_id}{card.app_id}"
                assert names.setdefault(key, card.title.zh) == card.title.zh
    assert len(set(names.values())) == len(names) > len(citizens)


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
        await city.layouts.pin(connection, principal, app_id)
        clock.advance(1)
    for name in ("z", "y"):
        await city.open(name)
    await city.public_cards.refresh()
    pages = [shown(await city.home.gather(principal, None)) for _ in range(5)]
    assert all(page == pages[0] for page in pages)
    assert [app for app, widget, _ in pages[0] if widget == "all"] == ["b", "a", "c", "y", "z"]


async def test_home_asks_twenty_departments_at_most_in_a_citizens_name(city: City, connection: Connection) -> None:
    principal = a_principal()
    for number in range(25):
        await city.layouts.pin(connection, principal, await city.open(f"d{number:02}"))
    home = await city.home.gather(principal)
    assert len(city.asked_personally()) == len(set(city.asked_personally())) == 20
    assert home.sections[0].total == 25


@pytest.mark.parametrize(
    "changes",
    [
        {"unproven": True},
        {"agent_id": new_id(), "mandate_id": new_id()},
        {"subject_type": "official", "roles": frozenset({"developer"})},
    ],
)
async def test_whoever_is_not_the_citizen_sees_what_everybody_sees(
    city: City, connection: Connection, changes: dict[str, Any]
) -> None:
    """A number's new holder, and a helper: neither learns which services somebody uses, nor does a department."""
    principal = a_principal()
    await city.layouts.pin(connection, principal, await city.open("pinned", zones=["190101"]))
    await city.open("public")
    await city.choices.choose(connection, principal, ChooseHome(zone="190101", profile="elder"))
    await city.public_cards.refresh()
    city.asked.clear()
    home = await city.home.gather(msgspec.structs.replace(principal, **changes))
    everybody = await city.home.gather(None)
    assert (home.sections, home.cards, home.zone, home.profile) == (
        everybody.sections,
        everybody.cards,
        everybody.zone,
        everybody.profile,
    )
    assert city.asked == []


async def test_an_agent_of_a_company_has_its_pins_but_asks_nobody_on_a_mandate(
    city: City, connection: Connection
) -> None:
    company = a_principal(subject_type="organization", agent_id=new_id())
    app_id = await city.open("tax")
    await city.layouts.pin(connection, company, app_id)
    assert shown(await city.home.gather(company)) == [("tax", "mine", "pinned")]
    city.asked.clear()
    by_mandate = msgspec.structs.replace(company, mandate_id=new_id())
    home = await city.home.gather(by_mandate)
    assert ([section.id for section in home.sections], home.cards, city.asked) == (["pinned"], [], [])


BOOKS = [{"method": "GET", "path": "/books"}]
SCOPE: dict[str, Any] = {"name": "reader", "fields": ["display_name"], "purpose": {"zh": "读", "en": "Read"}}


@pytest.mark.parametrize(
    ("bases", "consented", "asked"),
    [
        ([], False, True),
        (["contract"], False, True),
        (["statute", "consent"], False, True),
        (["consent"], True, True),
        (["consent"], False, False),
        (["consent", "consent"], False, False),
    ],
)
async def test_home_asks_only_with_a_basis(
    city: City, connection: Connection, bases: list[str], consented: bool, asked: bool
) -> None:
    principal = a_principal()
    scopes = [
        SCOPE | {"name": f"scope{number}", "basis": basis} | ({"legal_basis": "某法"} if basis == "statute" else {})
        for number, basis in enumerate(bases)
    ]
    app_id = await city.open("library", data={"scopes": scopes}, routes=BOOKS)
    if consented:
        city.consents.given["scope0"] = consent_to("display_name")
    await city.layouts.pin(connection, principal, app_id)
    home = await city.home.gather(principal)
    assert bool(city.asked_personally()) is asked
    assert home.degraded == []


async def test_a_withdrawn_consent_ends_the_copy_too(city: City, connection: Connection) -> None:
    principal = a_principal()
    scopes = [SCOPE | {"basis": "consent"}]
    app_id = await city.open("library", data={"scopes": scopes}, routes=BOOKS)
    city.consents.given["reader"] = consent_to("display_name")
    await city.layouts.pin(connection, principal, app_id)
    assert len((await city.home.gather(principal)).cards) == 1
    city.consents.given.clear()
    city.answers[app_id] = hung
    home = await city.home.gather(principal)
    assert (home.cards, home.degraded) == ([], [])


async def test_the_last_copy_of_ones_own_cards_is_shown_with_its_age(
    city: City, connection: Connection, clock: ManualClock
) -> None:
    principal = a_principal()
    app_id = await city.open("library")
    await city.layouts.pin(connection, principal, app_id)
    first = (await city.home.gather(principal)).cards
    city.answers[app_id] = lambda _app, _request: plain_answer(b"", status="500 Oops")
    clock.advance(600)
    home = await city.home.gather(principal)
    assert [(card.title, card.stale, home.generated_at - card.as_of) for card in home.cards] == [
        (first[0].title, True, timedelta(seconds=600))
    ]
    assert [missing.reason for missing in home.degraded] == ["unreachable"]
    clock.advance(301)
    assert (await city.home.gather(principal)).cards == []


async def test_a_copy_is_never_anybody_elses(city: City, connection: Connection) -> None:
    """Another citizen, the same citizen signed in elsewhere, another agent of the same company, another place."""
    mine = a_principal(subject_type="organization", agent_id=new_id())
    app_id = await city.open("library", zones=["190000", "190101"])
    await city.layouts.pin(connection, mine, app_id)
    assert len((await city.home.gather(mine)).cards) == 1
    city.answers[app_id] = hung
    assert [card.stale for card in (await city.home.gather(mine)).cards] == [True]
    others = [{"subject_id": new_id()}, {"session_id": new_id()}, {"agent_id": new_id()}]
    for changes in others:
        other = msgspec.structs.replace(mine, **changes)
        await city.layouts.pin(connection, other, app_id)
        assert (await city.home.gather(other)).cards == []
    assert (await city.home.gather(mine, "190101")).cards == []


async def test_a_copy_of_an_earlier_release_is_not_shown(city: City, connection: Connection) -> None:
    principal = a_principal()
    app_id = await city.open("library")
    await city.layouts.pin(connection, principal, app_id)
    await city.home.gather(principal)
    (app,) = city.apps
    await city.publish(msgspec.structs.replace(app, release_id=new_id()))
    city.answers[app_id] = hung
    assert (await city.home.gather(principal)).cards == []


@pytest.mark.parametrize("what", ["suspended", "superseded", "withdrawn"])
async def test_what_ends_while_departments_are_asked_is_not_shown(
    city: City, connection: Connection, what: str
) -> None:
    principal = a_principal()
    app_id = await city.open("library")
    await city.layouts.pin(connection, principal, app_id)
    (app,) = city.apps
    after = {
        "suspended": [msgspec.structs.replace(app, **SUSPENSION)],
        "superseded": [msgspec.structs.replace(app, release_id=new_id())],
        "withdrawn": [],
    }[what]

    async def publishing(asked: str, request: bytes) -> bytes:
        await city.publish(*after)
        return good(asked, request)

    city.answers[app_id] = publishing
    home = await city.home.gather(principal)
    assert home.cards == []
    assert [missing.reason for missing in home.degraded] == (["suspended"] if what == "suspended" else [])


async def test_a_gray_releases_cards_are_for_its_own_citizens(city: City, connection: Connection) -> None:
    """Also the public ones: a visitor, and whoever is in another bucket, sees those of the published release."""
    tester, other = a_principal(), a_principal()
    app_id = await city.open("library")
    (now,) = city.apps
    assert isinstance(now, PublishedApp)
    soon = msgspec.structs.replace(now, release_id=new_id(), version_code=2)
    gray = GrayApp(app=soon, percent=0, testers=frozenset({tester.subject_id}))
    await city.publish(now, gray)
    made = iter(("first", "second"))  # each release is asked once, in whichever order

    def in_turn(_app: str, request: bytes) -> bytes:
        personal = b"ssb-assertion" in request.lower()
        return cards_of("personal", "mine") if personal else cards_of(next(made), "all")

    city.answers[app_id] = in_turn
    await city.public_cards.refresh()
    titles = {
        who: [card.title.zh for card in (await city.home.gather(principal)).cards]
        for who, principal in (("tester", tester), ("other", other), ("visitor", None))
    }
    assert titles["other"] == titles["visitor"]
    assert sorted([titles["tester"], titles["other"]]) == [["first"], ["second"]]
    for principal in (tester, other):
        await city.layouts.pin(connection, principal, app_id)
    await city.publish(now)
    assert [card.title.zh for card in (await city.home.gather(tester)).cards if card.widget == "all"] == titles["other"]


async def test_an_elders_page_is_short_and_large_and_told_to_departments(city: City, connection: Connection) -> None:
    principal = a_principal()
    lines = [{"label": {"zh": str(number), "en": "n"}, "value": "1"} for number in range(6)]

    def long_list(_app: str, request: bytes) -> bytes:
        asked = msgspec.json.decode(request.partition(b"\r\n\r\n")[2])["widgets"]
        cards = [{"widget": widget, "title": {"zh": "表", "en": "List"}, "lines": lines} for widget in asked]
        return plain_answer(msgspec.json.encode({"cards": cards}))

    for number in range(6):
        await city.open(f"p{number}", long_list, accessibility={"elder_mode": number >= 4})
    await city.layouts.pin(connection, principal, "cn.example.p0")
    await city.choices.choose(connection, principal, ChooseHome(profile="elder"))
    await city.public_cards.refresh()
    city.asked.clear()
    home = await city.home.gather(principal)
    assert (home.profile, home.large_text) == ("elder", True)
    assert [section.id for section in home.sections] == ["pinned", "public"]
    assert home.sections[1].app_ids == [f"cn.example.p{number}" for number in (4, 5, 1, 2)]
    assert all(len(card.lines) == 3 for card in home.cards)
    assert [card.app_id for card in home.cards] == sorted({card.app_id for card in home.cards}, key=_first_of(home))
    assert [b"ssb-elder: 1\r\n" in request.lower() for _, request in city.asked] == [True]
    visitor = await city.home.gather(None, None, "elder")
    assert (visitor.profile, len(visitor.sections[0].app_ids)) == ("elder", 4)


def _first_of(home: HomeView) -> Callable[[str], int]:
    order = [app_id for section in home.sections for app_id in section.app_ids]
    return order.index


async def test_public_cards_are_asked_for_each_zone_that_a_service_names(city: City) -> None:
    def of_zone(_app: str, request: bytes) -> bytes:
        assert b"ssb-assertion" not in request.lower()
        return cards_of(msgspec.json.decode(request.partition(b"\r\n\r\n")[2])["zone"], "all")

    zones = ["190101", "190101001", "190101002", "190102", "190102001", "190103"]
    await city.open("library", of_zone, zones=zones)
    await city.public_cards.refresh()
    assert len(city.asked) == 4  # ahead of anybody; the others from when somebody looked

    async def title(zone: str) -> list[str]:
        return [card.title.zh for card in (await city.home.gather(None, zone)).cards]

    assert await title("190101003") == ["190101"]
    assert await title("190101001001") == ["190101001"]
    assert await title("190103001") == []
    await city.public_cards.refresh()
    assert await title("190103001") == ["190103"]
    assert await title("190104") == []


async def test_opening_the_page_tells_no_department_that_was_neither_pinned_nor_used(city: City) -> None:
    """Counted at the departments: a hundred openings, by citizens and visitors, and not one is asked."""
    for number in range(5):
        await city.open(f"d{number}")
    await city.public_cards.refresh()
    city.asked.clear()
    for _ in range(50):
        await city.home.gather(a_principal())
        await city.home.gather(None)
    assert city.asked == []
