"""Where a citizen is at home and how their pages look: remembered, known everywhere, told no further than needed."""

import asyncio
from typing import Any, cast

import httpx
import pytest

from app.kit.database import Connection, Database, Notifications
from app.kit.floor import Floor
from app.main import House
from gateway.home.choices import CHANNEL, Choices
from gateway.home.models import UNCHOSEN, Choice, ChooseHome
from miniapps.zones.errors import ZoneUnknown
from miniapps.zones.source import load_zones
from tests.gateway.conftest import a_principal
from tests.gateway.home.city import City, shown
from tests.gateway.publications import LIBRARY, a_snapshot
from tests.gateway.test_routes import publish, sign_in

ELDER = ChooseHome(zone="190101001", profile="elder")


async def test_a_choice_is_remembered_until_the_next(city: City, connection: Connection) -> None:
    principal = a_principal()
    assert await city.choices.find_choice(principal.subject_id) == UNCHOSEN
    for wanted in (ELDER, ChooseHome(zone="190102"), ChooseHome(profile="elder"), ChooseHome()):
        await city.choices.choose(connection, principal, wanted)
        found = await city.choices.find_choice(principal.subject_id)
        assert (found.zone, found.profile) == (wanted.zone, wanted.profile)


@pytest.mark.parametrize("zone", ["199999", "310000", "190101999", "190000000"])
async def test_a_place_that_the_city_does_not_have_is_refused(city: City, connection: Connection, zone: str) -> None:
    with pytest.raises(ZoneUnknown):
        await city.choices.choose(connection, a_principal(), ChooseHome(zone=zone))
    with pytest.raises(ZoneUnknown):
        await city.home.gather(None, zone)


async def test_a_place_that_is_no_more_counts_as_none(city: City, connection: Connection, floor: Floor) -> None:
    principal = a_principal()
    await city.choices.choose(connection, principal, ELDER)
    redrawn = Choices(floor.database, floor.clock, load_zones("", "310000"))
    assert await redrawn.find_choice(principal.subject_id) == Choice(zone=None, profile="elder")


async def test_a_choice_is_known_without_asking_again_and_asked_for_once_told(
    city: City, connection: Connection, floor: Floor
) -> None:
    """Two workers: the one that did not hear it itself is told, and until then goes by what it knows."""
    principal = a_principal()
    other = Choices(floor.database, floor.clock, load_zones("", "190000"))
    assert await other.find_choice(principal.subject_id) == UNCHOSEN
    await city.choices.choose(connection, principal, ELDER)
    assert await other.find_choice(principal.subject_id) == UNCHOSEN
    other.forget(str(principal.subject_id))
    assert (await other.find_choice(principal.subject_id)).profile == "elder"
    await city.choices.choose(connection, principal, ChooseHome())
    other.forget(None)
    assert await other.find_choice(principal.subject_id) == UNCHOSEN


async def test_a_choice_that_changes_while_it_is_read_is_not_kept(
    city: City, connection: Connection, floor: Floor
) -> None:
    principal = a_principal()
    choices = Choices(floor.database, floor.clock, load_zones("", "190000"))

    class Interrupted:
        async def fetchrow(self, *_arguments: Any) -> None:
            choices.forget(str(principal.subject_id))

    assert await choices.find_choice_in(cast("Any", Interrupted()), principal.subject_id) == UNCHOSEN
    await city.choices.choose(connection, principal, ELDER)
    assert (await choices.find_choice(principal.subject_id)).profile == "elder"


async def test_a_choice_is_told_to_other_workers_when_it_is_committed(race_database: Database, floor: Floor) -> None:
    """Over a real connection that listens, in a database of the test's own."""
    notifications = Notifications(race_database.dsn)
    heard: asyncio.Queue[str | None] = asyncio.Queue()
    notifications.on(CHANNEL, heard.put_nowait)
    await notifications.open()
    try:
        assert await asyncio.wait_for(heard.get(), 5) is None  # listening from now on
        principal = a_principal()
        choices = Choices(race_database, floor.clock, load_zones("", "190000"))
        async with race_database.transaction() as connection:
            await choices.choose(connection, principal, ELDER)
            assert heard.empty()
        assert await asyncio.wait_for(heard.get(), 5) == str(principal.subject_id)
    finally:
        await notifications.close()


async def test_the_page_is_of_the_chosen_place_unless_another_is_asked_for(city: City, connection: Connection) -> None:
    principal = a_principal()
    for name, zone in (("north", "190101"), ("south", "190102")):
        await city.open(name, zones=[zone])
    await city.public_cards.refresh()
    await city.choices.choose(connection, principal, ELDER)
    assert shown(await city.home.gather(principal)) == [("north", "all", "public")]
    home = await city.home.gather(principal, "190102003", "standard")
    assert (home.zone, home.profile, home.large_text) == ("190102003", "standard", False)
    assert shown(home) == [("south", "all", "public")]
    home = await city.home.gather(None)
    assert (home.zone, home.profile, shown(home)) == ("190000", "standard", [])


@pytest.mark.parametrize(
    ("zones", "told"),
    [
        (["190000"], "190000"),
        (["190101", "190102"], "190101"),
        (["190000", "190101001"], "190101001"),
        (["190102"], "190000"),
    ],
)
async def test_a_department_hears_no_finer_place_than_its_own(
    city: City, connection: Connection, zones: list[str], told: str
) -> None:
    principal = a_principal()
    await city.choices.choose(connection, principal, ELDER)
    await city.layouts.pin(connection, principal, await city.open("library", zones=zones))
    await city.home.gather(principal)
    (request,) = [request for _, request in city.asked]
    assert f"ssb-zone: {told}\r\n".encode() in request.lower()
    assert b"190101001001" not in request
    assert b"ssb-elder: 1\r\n" in request.lower()


async def test_choices_over_http(client: httpx.AsyncClient, house: House) -> None:
    assert (await client.get("/v1/home/choice")).status_code == 401
    sign_in(client, house)
    assert (await client.get("/v1/home/choice")).json() == {"zone": None, "profile": "standard"}
    chosen = await client.put("/v1/home/choice", json={"zone": "190101", "profile": "elder"})
    assert (chosen.status_code, chosen.json()) == (200, {"zone": "190101", "profile": "elder"})
    home = (await client.get("/v1/home")).json()
    assert (home["zone"], home["profile"], home["large_text"]) == ("190101", "elder", True)
    sign_in(client, house)
    assert (await client.get("/v1/home/choice")).json() == {"zone": None, "profile": "standard"}


async def test_choices_and_layout_are_refused_to_staff_and_to_a_phone_alone(
    client: httpx.AsyncClient, house: House
) -> None:
    strangers: list[dict[str, Any]] = [{"subject_type": "official"}, {"unproven": True}]
    for who in strangers:
        sign_in(client, house, **who)
        for path, body in (("choice", {}), ("layout", {"pinned": [], "hidden": []}), (f"hidden/{LIBRARY}", None)):
            assert (await client.put(f"/v1/home/{path}", json=body)).status_code in {401, 403}
            if body is not None:
                assert (await client.get(f"/v1/home/{path}")).status_code in {401, 403}


async def test_choices_of_another_shape_are_refused(client: httpx.AsyncClient, house: House) -> None:
    sign_in(client, house)
    bodies: list[Any] = [
        {"zone": "199999"},
        {"zone": "1"},
        {"zone": "190101\n"},
        {"zone": 190101},
        {"profile": "grand"},
        {"profile": None},
        {"place": "190101"},
        [],
    ]
    for body in bodies:
        answer = await client.put("/v1/home/choice", json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), body


async def test_the_layout_over_http(client: httpx.AsyncClient, house: House) -> None:
    sign_in(client, house)
    publish(house, a_snapshot())
    layout = await client.put("/v1/home/layout", json={"pinned": [LIBRARY], "hidden": []})
    assert (layout.status_code, layout.json()["pinned"][0]["app_id"]) == (200, LIBRARY)
    assert (await client.get("/v1/home/layout")).json() == layout.json()
    hidden = await client.put(f"/v1/home/hidden/{LIBRARY}")
    assert (hidden.status_code, hidden.json()["app_id"]) == (200, LIBRARY)
    assert (await client.get("/v1/home")).json()["sections"] == []
    assert (await client.delete(f"/v1/home/hidden/{LIBRARY}")).json() == {"app_id": LIBRARY}
    refused = await client.put("/v1/home/layout", json={"pinned": ["cn.example.nobody"], "hidden": []})
    assert (refused.status_code, refused.json()["type"]) == (404, "/problems/service-unknown")


async def test_zones_are_a_tree_for_everybody(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/zones")
    tree = answer.json()
    assert (tree["code"], tree["level"]) == ("190000", "province")
    assert [child["level"] for child in tree["children"]] == ["district"] * len(tree["children"])
    assert all(child["code"].startswith("19") and child["name"]["en"] for child in tree["children"])
    again = await client.get("/v1/zones", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
