"""Inspection tasks: for inspectors, for one enterprise and one scenario, and for a working day at most."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.documents import make_synthetic_credit_code
from codes.enterprise.inspections.models import Inspection
from tests.codes.enterprise_city import FIRE_RESCUE, RESTAURANT, STRANGERS, Caller, EnterpriseRooms, an_official

TASK = {
    "organization_id": str(RESTAURANT),
    "scenario": 804,
    "purpose": "开业后消防监督检查",
    "authority": "消防监督检查通知书〔2026〕1 号",
}


async def open_task(city: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    facts = TASK | changes
    return await city.post("/v1/inspections", json={name: value for name, value in facts.items() if value != "-"})


async def count(connection: Connection) -> int:
    counted: int = await connection.fetchval("select count(*) from codes.inspection")
    return counted


async def test_open_inspection_names_the_enterprise_and_ends_the_same_day(
    city: httpx.AsyncClient, caller: Caller, connection: Connection
) -> None:
    caller.principal = an_official("inspector")
    answer = await open_task(city, hours=8)
    body = answer.json()
    assert answer.status_code == 201
    assert (body["organization_name"], body["state"]) == ("演示餐饮有限公司", "active")
    assert (body["starts_at"], body["ends_at"]) == ("2026-03-02T12:00:00Z", "2026-03-02T20:00:00Z")
    audited = await connection.fetchrow("select actor, action, subject from kit.audit_entry")
    assert tuple(audited or ()) == (
        caller.principal.actor,
        "inspection.opened",
        f"organization:{RESTAURANT}",
    )
    assert await connection.fetchval("select department_id from codes.inspection") == FIRE_RESCUE


async def test_open_inspection_by_credit_code(city: httpx.AsyncClient, caller: Caller, rooms: EnterpriseRooms) -> None:
    caller.principal = an_official("inspector")
    code = rooms.organizations.by_id[RESTAURANT].credit_code
    answer = await open_task(city, organization_id="-", credit_code=code)
    assert answer.json()["organization_id"] == str(RESTAURANT)


async def test_open_repeated_with_the_same_key_makes_one_task(
    city: httpx.AsyncClient, caller: Caller, connection: Connection
) -> None:
    caller.principal = an_official("inspector")
    answers = [await city.post("/v1/inspections", json=TASK, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert await count(connection) == 1


@pytest.mark.parametrize("who", STRANGERS)
async def test_tasks_are_closed_to_everybody_else(
    city: httpx.AsyncClient, caller: Caller, connection: Connection, who: str
) -> None:
    caller.principal = an_official("inspector")
    task = (await open_task(city)).json()["id"]
    caller.principal = STRANGERS[who]
    refused = 401 if caller.principal is None else 403
    assert (await open_task(city)).status_code == refused
    assert (await city.get("/v1/inspections")).status_code == refused
    assert (await city.delete(f"/v1/inspections/{task}")).status_code == refused
    assert await connection.fetchval("select array_agg(state) from codes.inspection") == ["active"]


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({"scenario": 801}, "inspection-scenario-invalid"),
        ({"scenario": 301}, "inspection-scenario-invalid"),
        ({"scenario": 0}, "inspection-scenario-invalid"),
        ({"scenario": "fire"}, "fields-invalid"),
        ({"hours": 0}, "fields-invalid"),
        ({"hours": 9}, "fields-invalid"),
        ({"hours": 1.5}, "fields-invalid"),
        ({"purpose": ""}, "fields-invalid"),
        ({"purpose": "-"}, "fields-invalid"),
        ({"purpose": "x" * 201}, "fields-invalid"),
        ({"purpose": "a\nb"}, "fields-invalid"),
        ({"authority": "-"}, "fields-invalid"),
        ({"organization_id": "-"}, "inspection-target-invalid"),
        ({"organization_id": "restaurant"}, "fields-invalid"),
        ({"credit_code": make_synthetic_credit_code(sequence=3)}, "inspection-target-invalid"),
        ({"organization_id": "-", "credit_code": make_synthetic_credit_code(sequence=99)}, "inspection-target-invalid"),
        ({"organization_id": "-", "credit_code": "91190000"}, "fields-invalid"),
        ({"starts_at": "2020-01-01T00:00:00Z"}, "fields-invalid"),
        ({"officer_id": str(uuid4())}, "fields-invalid"),
    ],
)
async def test_open_with_a_wrong_field_is_refused(
    city: httpx.AsyncClient, caller: Caller, connection: Connection, changes: Any, slug: str
) -> None:
    caller.principal = an_official("inspector")
    answer = await open_task(city, **changes)
    assert (answer.status_code, answer.json()["type"]) == (400, f"/problems/{slug}")
    assert await count(connection) == 0


async def test_open_for_an_organization_that_does_not_exist_is_refused(city: httpx.AsyncClient, caller: Caller) -> None:
    caller.principal = an_official("inspector")
    assert (await open_task(city, organization_id=str(uuid4()))).status_code == 404


async def test_open_without_a_department_is_refused(city: httpx.AsyncClient, caller: Caller) -> None:
    caller.principal = an_official("inspector", organization_id=None)
    answer = await open_task(city)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/department-missing")


async def test_close_inspection_is_final_and_only_ones_own(
    city: httpx.AsyncClient, caller: Caller, connection: Connection
) -> None:
    officer = caller.principal = an_official("inspector")
    task = (await open_task(city)).json()["id"]
    caller.principal = an_official("inspector")
    assert (await city.delete(f"/v1/inspections/{task}")).json()["type"] == "/problems/inspection-unknown"
    caller.principal = officer
    assert [(await city.delete(f"/v1/inspections/{task}")).json()["state"] for _ in range(2)] == ["closed", "closed"]
    closed = "select count(*) from kit.audit_entry where action = 'inspection.closed'"
    assert await connection.fetchval(closed) == 1


async def test_list_inspections_shows_ones_own_page_by_page(
    city: httpx.AsyncClient, caller: Caller, clock: ManualClock
) -> None:
    caller.principal = an_official("inspector")
    await open_task(city)
    officer = caller.principal = an_official("inspector")
    opened = {(await open_task(city, hours=1)).json()["id"] for _ in range(3)}
    clock.advance(3600)
    first = (await city.get("/v1/inspections?limit=2")).json()
    second = (await city.get(f"/v1/inspections?limit=2&after={first['next']}")).json()
    shown = first["items"] + second["items"]
    assert {item["id"] for item in shown} == opened
    assert {item["state"] for item in shown} == {"ended"}
    assert second["next"] is None
    assert officer is caller.principal


def test_a_task_is_active_from_its_start_to_its_end(clock: ManualClock) -> None:
    start = clock.now()
    clock.advance(3600)
    facts: dict[str, Any] = {
        "id": uuid4(),
        "organization_id": RESTAURANT,
        "scenario": 804,
        "department_id": FIRE_RESCUE,
        "officer_id": uuid4(),
        "purpose": "检查",
        "authority": "通知书",
        "created_at": start,
        "starts_at": start,
        "ends_at": clock.now(),
    }
    active = Inspection(**facts, state="active")
    assert active.is_active(start)
    assert not active.is_active(clock.now())
    clock.advance(-3601)
    assert not active.is_active(clock.now())
    assert not Inspection(**facts, state="closed").is_active(start)
