"""How a citizen arranges the home page: pins, their order, what is hidden, and what nobody may arrange."""

import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from gateway.errors import UnknownService
from gateway.home.errors import ArrangedTwice, TooManyHidden, TooManyPins
from gateway.home.models import MOST_HIDDEN, MOST_PINS, ArrangeHome, HomeView, LayoutView
from miniapps.releases.models import GrayApp, PublishedApp
from tests.gateway.conftest import a_principal
from tests.gateway.home.city import City


def named(*names: str) -> tuple[str, ...]:
    return tuple(f"cn.example.{name}" for name in names)


def order_of(home: HomeView) -> list[str]:
    return [app_id.removeprefix("cn.example.") for section in home.sections for app_id in section.app_ids]


def pinned_in(layout: LayoutView) -> list[str]:
    return [pin.app_id.removeprefix("cn.example.") for pin in layout.pinned]


async def test_pin_refuses_an_unknown_service(city: City, connection: Connection) -> None:
    with pytest.raises(UnknownService):
        await city.layouts.pin(connection, a_principal(), "cn.example.nobody")


async def test_pin_twice_is_once(city: City, connection: Connection, clock: ManualClock) -> None:
    app_id, principal = await city.open("library"), a_principal()
    first = await city.layouts.pin(connection, principal, app_id)
    clock.advance(60)
    assert await city.layouts.pin(connection, principal, app_id) == first


async def test_pin_refuses_too_many(city: City, connection: Connection) -> None:
    app_id, principal = await city.open("library"), a_principal()
    await connection.executemany(
        "insert into gateway.pin values ($1, $2, $3)",
        [(principal.subject_id, f"cn.example.x{number}", city._floor.clock.now()) for number in range(MOST_PINS)],
    )
    with pytest.raises(TooManyPins):
        await city.layouts.pin(connection, principal, app_id)


async def test_unpin_takes_away_and_may_be_repeated(city: City, connection: Connection) -> None:
    app_id, principal = await city.open("library"), a_principal()
    await city.layouts.pin(connection, principal, app_id)
    for _ in range(2):
        await city.layouts.unpin(connection, principal, app_id)
    await city.home.gather(principal, None)
    assert city.asked_personally() == []


async def test_an_arrangement_is_kept_and_shown(city: City, connection: Connection, clock: ManualClock) -> None:
    principal = a_principal()
    for name in ("a", "b", "c", "d"):
        await city.open(name)
    wanted = ArrangeHome(pinned=named("c", "a"), hidden=named("d"))
    layout = await city.layouts.arrange(connection, principal, wanted)
    assert (pinned_in(layout), [each.app_id for each in layout.hidden]) == (["c", "a"], ["cn.example.d"])
    assert order_of(await city.home.gather(principal)) == ["c", "a", "b"]
    clock.advance(60)
    await city.layouts.pin(connection, principal, "cn.example.b")
    assert order_of(await city.home.gather(principal)) == ["b", "c", "a"]  # the new one before those in order
    pinned_at = {pin.app_id: pin.pinned_at for pin in (await city.layouts.read(connection, principal)).pinned}
    await city.layouts.arrange(connection, principal, ArrangeHome(pinned=named("a", "b"), hidden=()))
    layout = await city.layouts.read(connection, principal)
    assert (pinned_in(layout), layout.hidden) == (["a", "b"], [])
    assert all(pin.pinned_at == pinned_at[pin.app_id] for pin in layout.pinned)
    assert order_of(await city.home.gather(principal)) == ["a", "b", "c", "d"]


async def test_an_arrangement_is_ones_own(city: City, connection: Connection) -> None:
    first, second = a_principal(), a_principal()
    for name in ("a", "b"):
        await city.open(name)
    await city.layouts.arrange(connection, first, ArrangeHome(pinned=named("b"), hidden=named("a")))
    assert await city.layouts.read(connection, second) == LayoutView(pinned=[], hidden=[])
    assert order_of(await city.home.gather(second)) == order_of(await city.home.gather(None)) == ["a", "b"]


@pytest.mark.parametrize(
    ("pinned", "hidden"), [(("a", "a"), ()), ((), ("a", "a")), (("a",), ("a",)), (("a", "b"), ("b",))]
)
async def test_arrange_refuses_a_service_twice(
    city: City, connection: Connection, pinned: tuple[str, ...], hidden: tuple[str, ...]
) -> None:
    for name in ("a", "b"):
        await city.open(name)
    with pytest.raises(ArrangedTwice):
        await city.layouts.arrange(connection, a_principal(), ArrangeHome(pinned=named(*pinned), hidden=named(*hidden)))


async def test_arrange_refuses_an_unknown_service_and_changes_nothing(city: City, connection: Connection) -> None:
    principal = a_principal()
    await city.layouts.pin(connection, principal, await city.open("a"))
    for wanted in (
        ArrangeHome(pinned=named("a", "nobody"), hidden=()),
        ArrangeHome(pinned=(), hidden=named("nobody")),
    ):
        with pytest.raises(UnknownService):
            await city.layouts.arrange(connection, principal, wanted)
    assert pinned_in(await city.layouts.read(connection, principal)) == ["a"]


async def test_hidden_is_neither_shown_nor_pinned_nor_asked(city: City, connection: Connection) -> None:
    principal = a_principal()
    app_id = await city.open("a")
    await city.layouts.pin(connection, principal, app_id)
    await city.layouts.hide(connection, principal, app_id)
    city.asked.clear()
    home = await city.home.gather(principal)
    assert (home.sections, home.cards, city.asked) == ([], [], [])
    assert pinned_in(await city.layouts.read(connection, principal)) == []
    await city.layouts.unhide(connection, principal, app_id)
    await city.layouts.unhide(connection, principal, app_id)
    assert order_of(await city.home.gather(principal)) == ["a"]


async def test_pinning_shows_what_was_hidden(city: City, connection: Connection) -> None:
    principal = a_principal()
    app_id = await city.open("a")
    await city.layouts.hide(connection, principal, app_id)
    await city.layouts.pin(connection, principal, app_id)
    assert [section.id for section in (await city.home.gather(principal)).sections] == ["pinned"]
    assert (await city.layouts.read(connection, principal)).hidden == []


async def test_hide_refuses_an_unknown_service_and_too_many(city: City, connection: Connection) -> None:
    principal = a_principal()
    with pytest.raises(UnknownService):
        await city.layouts.hide(connection, principal, "cn.example.nobody")
    await connection.executemany(
        "insert into gateway.hidden values ($1, $2, $3)",
        [(principal.subject_id, f"cn.example.x{number}", city._floor.clock.now()) for number in range(MOST_HIDDEN)],
    )
    with pytest.raises(TooManyHidden):
        await city.layouts.hide(connection, principal, await city.open("a"))


async def test_a_service_that_is_away_keeps_its_place(city: City, connection: Connection) -> None:
    principal = a_principal()
    for name in ("a", "b"):
        await city.open(name)
    await city.layouts.arrange(connection, principal, ArrangeHome(pinned=named("b", "a"), hidden=()))
    there = list(city.apps)
    await city.publish(there[0])
    assert pinned_in(await city.layouts.read(connection, principal)) == ["a"]
    await city.layouts.arrange(connection, principal, ArrangeHome(pinned=named("a"), hidden=()))
    await city.publish(*there)
    assert pinned_in(await city.layouts.read(connection, principal)) == ["a", "b"]


async def test_only_who_is_served_by_a_gray_release_arranges_it(city: City, connection: Connection) -> None:
    tester, stranger = a_principal(), a_principal()
    app_id = await city.open("fresh")
    (app,) = city.apps
    assert isinstance(app, PublishedApp)
    await city.publish(GrayApp(app=app, percent=0, testers=frozenset({tester.subject_id})))
    assert (await city.layouts.pin(connection, tester, app_id)).app_id == app_id
    for act in (city.layouts.pin, city.layouts.hide):
        with pytest.raises(UnknownService):
            await act(connection, stranger, app_id)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"pinned": [], "hidden": [], "more": 1}',
        b'{"pinned": ["A"], "hidden": []}',
        b'{"pinned": ["a\\n"], "hidden": []}',
        b'{"pinned": null, "hidden": []}',
        msgspec.json.encode({"pinned": ["a"] * (MOST_PINS + 1), "hidden": []}),
        msgspec.json.encode({"pinned": [], "hidden": ["a"] * (MOST_HIDDEN + 1)}),
    ],
)
def test_an_arrangement_of_another_shape_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=ArrangeHome)
