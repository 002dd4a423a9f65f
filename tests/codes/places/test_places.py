"""Registering, listing and revoking stickers: for the organization's own, and nobody else."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from codes.places import service
from tests.codes.enterprise_city import (
    FIRE_RESCUE,
    LIBRARY,
    RESTAURANT,
    STRANGERS,
    Caller,
    Device,
    a_principal,
    agent_of,
    an_official,
)
from tests.codes.personal_city import City
from tests.codes.places.conftest import DOOR, KEEPER, LIFT, path_of, register

DOCUMENT = Path(__file__).parents[3] / "docs" / "places.md"
ALPHANUMERIC = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/.")
NOT_KEEPERS = {name: who for name, who in STRANGERS.items() if who is None or who.subject_type != "organization"} | {
    "official of another role": an_official("inspector", organization_id=LIBRARY),
    "scanner administrator of no organization": an_official("scanner_admin", organization_id=None),
}


async def post(http: httpx.AsyncClient, place: dict[str, Any], **facts: Any) -> httpx.Response:
    return await http.post("/v1/places", json=place | facts)


async def count(connection: Connection) -> int:
    counted: int = await connection.fetchval("select count(*) from codes.place")
    return counted


async def test_a_registered_place_has_a_sticker_that_a_camera_opens(
    http: httpx.AsyncClient, caller: Caller, gate: Device, connection: Connection
) -> None:
    made = await register(http, caller, DOOR)
    assert made["carrier"].startswith("HTTP://127.0.0.1:8000/1/")
    assert set(made["carrier"]) <= ALPHANUMERIC
    assert (made["kind"], made["state"], made["site_name"], made["scenarios"]) == ("V", "active", "总馆", [301, 302])
    assert made["organization_id"] == str(LIBRARY)
    audited = await connection.fetchrow("select action, subject, detail from kit.audit_entry order by id desc limit 1")
    assert tuple(audited or ()) == ("place.registered", f"organization:{LIBRARY}", {"place": made["id"]})


async def test_the_example_of_the_documents_is_a_place(
    http: httpx.AsyncClient, caller: Caller, clock: ManualClock
) -> None:
    example = json.loads(re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[0])
    caller.principal = KEEPER
    device = Device(clock)
    enrolment = device.enrolment(site=example["site"], scenarios=example["scenarios"])
    assert (await http.post("/v1/scanners", json=enrolment)).status_code == 201
    assert (await post(http, example)).status_code == 201


async def test_a_place_shares_its_site_with_the_scanner_that_stands_there(
    http: httpx.AsyncClient, caller: Caller, gate: Device, door: dict[str, Any]
) -> None:
    caller.principal = KEEPER
    scanner = (await http.get(f"/v1/scanners?organization_id={LIBRARY}")).json()["items"][0]
    assert door["site_id"] == scanner["site_id"]


async def test_an_agent_registers_for_the_organization_that_they_act_for(
    http: httpx.AsyncClient, caller: Caller
) -> None:
    caller.principal = agent_of(RESTAURANT)
    answer = await post(http, LIFT)
    assert (answer.status_code, answer.json()["organization_id"]) == (201, str(RESTAURANT))


@pytest.mark.parametrize("who", NOT_KEEPERS)
async def test_places_are_closed_to_everybody_else(
    http: httpx.AsyncClient, caller: Caller, lift: dict[str, Any], connection: Connection, who: str
) -> None:
    caller.principal = NOT_KEEPERS[who]
    refused = 401 if caller.principal is None else 403
    assert (await post(http, LIFT)).status_code == refused
    assert (await http.get("/v1/places")).status_code == refused
    assert (await http.delete(f"/v1/places/{lift['id']}")).status_code == refused
    assert await connection.fetchval("select array_agg(state) from codes.place") == ["active"]


@pytest.mark.parametrize("principal", [agent_of(RESTAURANT), an_official("scanner_admin", organization_id=FIRE_RESCUE)])
async def test_a_place_of_another_organization_is_unknown(
    http: httpx.AsyncClient, caller: Caller, lift: dict[str, Any], connection: Connection, principal: Any
) -> None:
    caller.principal = principal
    answer = await http.delete(f"/v1/places/{lift['id']}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/place-unknown")
    assert (await http.get("/v1/places")).json()["items"] == []
    assert await connection.fetchval("select state from codes.place") == "active"


NEVER_ON_A_STICKER = {
    "nobody knows it": [999],
    "it stands twice": [301, 301],
    "a door is no thing": [301, 951],
    "an enterprise's code is not shown to a sticker": [801],
    "nor an officer's": [901],
}


@pytest.mark.parametrize("scenarios", NEVER_ON_A_STICKER.values(), ids=NEVER_ON_A_STICKER.keys())
async def test_scenarios_that_may_not_hang_there_are_refused(
    http: httpx.AsyncClient, caller: Caller, gate: Device, connection: Connection, scenarios: list[int]
) -> None:
    caller.principal = KEEPER
    answer = await post(http, DOOR, scenarios=scenarios)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/place-scenarios-invalid")
    assert await count(connection) == 0


async def test_a_door_asks_no_more_than_its_scanners_may(
    http: httpx.AsyncClient, caller: Caller, gate: Device, connection: Connection
) -> None:
    caller.principal = KEEPER
    elsewhere = {"site": {"name": "分馆", "address": "演示路 9 号"}}
    for place in (DOOR | {"scenarios": [301, 601]}, DOOR | {"scenarios": [501]}, DOOR | elsewhere):
        answer = await post(http, place)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/nobody-scans-there")
    await http.delete(f"/v1/scanners/{gate.id}")
    assert (await post(http, DOOR)).status_code == 409
    assert await count(connection) == 0


@pytest.mark.parametrize(
    "facts",
    [
        {"label": ""},
        {"label": " 门"},
        {"label": "门\n"},
        {"label": "a\u0007b"},
        {"label": "x" * 41},
        {"label": 7},
        {"scenarios": []},
        {"scenarios": list(range(101, 110))},
        {"scenarios": ["door"]},
        {"scenarios": None},
        {"site": "总馆"},
        {"site": {"name": "总馆"}},
        {"site": {"name": "", "address": "路"}},
        {"valid_days": 29},
        {"valid_days": 731},
        {"kind": "E"},
        {"organization_id": str(RESTAURANT)},
        {"expires_at": "2099-01-01T00:00:00Z"},
    ],
)
async def test_a_wrong_field_is_refused(
    http: httpx.AsyncClient, caller: Caller, connection: Connection, facts: dict[str, Any]
) -> None:
    caller.principal = KEEPER
    answer = await post(http, LIFT, **facts)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/fields-invalid")
    assert await count(connection) == 0


async def test_an_organization_that_is_not_active_hangs_nothing(
    http: httpx.AsyncClient, caller: Caller, city: City
) -> None:
    known = city.organizations.by_id
    known[LIBRARY] = msgspec.structs.replace(known[LIBRARY], status="suspended")
    caller.principal = KEEPER
    answer = await post(http, LIFT)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/organization-not-active")


async def test_there_is_a_bound_to_stickers(
    http: httpx.AsyncClient, caller: Caller, lift: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_VALID", 1)
    caller.principal = KEEPER
    answer = await post(http, LIFT)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/places-exhausted")
    await http.delete(f"/v1/places/{lift['id']}")
    assert (await post(http, LIFT)).status_code == 201


async def test_registering_again_with_the_same_key_makes_one_sticker(
    http: httpx.AsyncClient, caller: Caller, connection: Connection
) -> None:
    caller.principal = KEEPER
    answers = [await http.post("/v1/places", json=LIFT, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert await count(connection) == 1


async def test_a_page_of_stickers_goes_on_where_it_ended(http: httpx.AsyncClient, caller: Caller) -> None:
    made = [(await register(http, caller, LIFT, label=f"{number}号电梯"))["id"] for number in range(3)]
    caller.principal = KEEPER
    first = (await http.get("/v1/places?limit=2")).json()
    rest = (await http.get(f"/v1/places?limit=2&after={first['next']}")).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None


async def test_revoking_takes_the_page_down_at_once_and_only_once(
    http: httpx.AsyncClient, caller: Caller, lift: dict[str, Any], connection: Connection, clock: ManualClock
) -> None:
    caller.principal = KEEPER
    first = await http.delete(f"/v1/places/{lift['id']}")
    clock.advance(60)
    again = await http.delete(f"/v1/places/{lift['id']}")
    assert (first.json()["state"], again.json()) == ("revoked", first.json())
    caller.principal = None
    assert (await http.get(path_of(lift["carrier"]))).status_code == 410
    revoked = "select count(*) from kit.audit_entry where action = 'place.revoked'"
    assert await connection.fetchval(revoked) == 1


async def test_revoke_with_an_unknown_id_is_refused(http: httpx.AsyncClient, caller: Caller) -> None:
    caller.principal = KEEPER
    assert (await http.delete(f"/v1/places/{LIBRARY}")).status_code == 404


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "after=x"])
async def test_pages_have_bounds(http: httpx.AsyncClient, caller: Caller, query: str) -> None:
    caller.principal = KEEPER
    assert (await http.get(f"/v1/places?{query}")).status_code == 400


async def test_a_person_without_an_organization_keeps_nothing(http: httpx.AsyncClient, caller: Caller) -> None:
    caller.principal = a_principal("person")
    assert (await post(http, LIFT)).json()["type"] == "/problems/wrong-subject"
