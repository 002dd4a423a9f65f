"""The home page with real departments: complete, in time, and silent towards those whom the citizen does not use."""

import base64
import time
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.ids import new_id
from gateway.home import repository
from tests.gateway.conftest import a_principal
from tests.gateway.home.city import Answer, City, cards_of, good, hung, shown
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
