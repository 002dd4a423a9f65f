"""联合检查: invited departments join with officers, authorities and checklists of their own."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.principal import Principal
from tests.codes.enterprise_city import (
    FIRE_RESCUE,
    LIBRARY,
    MARKET_SUPERVISION,
    RESTAURANT,
    STRANGERS,
    Caller,
    EnterpriseRooms,
    agent_of,
    an_official,
)
from tests.codes.enterprise_fixtures import TASK, apply_for_code, arrive, open_task

JOINING = {"scenario": 803, "authority": "《安全生产法》第六十五条", "checklist": [{"text": "配电箱是否上锁"}]}
INVITED = [str(MARKET_SUPERVISION)]


@pytest.fixture
def lead() -> Principal:
    return an_official("inspector")


@pytest.fixture
def partner() -> Principal:
    return an_official("inspector", organization_id=MARKET_SUPERVISION)


@pytest.fixture
async def task(city: httpx.AsyncClient, caller: Caller, lead: Principal) -> str:
    return await open_task(city, caller, lead, departments=INVITED)


async def join(
    city: httpx.AsyncClient, caller: Caller, partner: Principal, task: str, **changes: Any
) -> httpx.Response:
    caller.principal = partner
    return await city.post(f"/v1/inspections/{task}/partners", json=JOINING | changes)


def slug(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


async def test_invited_officer_joins_with_a_part_of_their_own(
    city: httpx.AsyncClient, caller: Caller, lead: Principal, partner: Principal, task: str
) -> None:
    caller.principal = partner
    (invitation,) = (await city.get("/v1/inspections/invitations")).json()["items"]
    assert (invitation["id"], invitation["lead_department"]) == (task, "演示消防救援")
    joined = await join(city, caller, partner, task)
    assert (joined.status_code, joined.json()["scenario"], joined.json()["joint"]) == (201, 803, True)
    assert joined.json()["authority"] == JOINING["authority"]
    assert (await city.get("/v1/inspections/invitations")).json()["items"] == []
    assert [item["scenario"] for item in (await city.get("/v1/inspections")).json()["items"]] == [803]
    caller.principal = lead
    assert (await city.get(f"/v1/inspections/{task}")).json()["scenario"] == 804


async def test_enterprise_scans_one_code_and_reads_of_both_departments(
    city: httpx.AsyncClient, caller: Caller, lead: Principal, partner: Principal, task: str
) -> None:
    await join(city, caller, partner, task)
    code = await apply_for_code(city, caller, partner, task)
    caller.principal = agent_of(RESTAURANT)
    scanned = (await city.post("/v1/inspections/scans", json={"code": code})).json()
    assert (scanned["verdict"], scanned["scenario"], scanned["notice"]["joint"]) == ("ACCEPT", 902, True)
    assert [who["department"] for who in scanned["notice"]["officers"]] == ["演示消防救援", "演示市场监管"]
    assert [who["authority"] for who in scanned["notice"]["officers"]] == [TASK["authority"], JOINING["authority"]]
    assert scanned["notice"]["officers"][1]["checklist"] == ["配电箱是否上锁"]


async def test_each_checks_within_their_own_scope_and_the_enterprise_reads_whose_authority(
    city: httpx.AsyncClient, caller: Caller, lead: Principal, partner: Principal, carrier: str
) -> None:
    task = await open_task(city, caller, lead, departments=INVITED)
    await join(city, caller, partner, task)
    await arrive(city, caller, lead, task)
    check = {"code": carrier, "inspection_id": task}
    for officer, own, other in ((lead, 804, 803), (partner, 803, 804)):
        caller.principal = officer
        beyond = await city.post("/v1/enterprise-checks", json=check | {"scenario": other})
        assert slug(beyond) == "inspection-task-required"
        assert (await city.post("/v1/enterprise-checks", json=check | {"scenario": own})).json()["verdict"] == "ACCEPT"
    caller.principal = agent_of(RESTAURANT)
    records = (await city.get(f"/v1/organizations/{RESTAURANT}/checks")).json()["items"]
    read = {(record["department"], record["authority"]) for record in records}
    assert read == {("演示消防救援", TASK["authority"]), ("演示市场监管", JOINING["authority"])}


@pytest.mark.parametrize("invited", [[], INVITED])
async def test_officer_of_a_department_that_is_not_invited_finds_no_task(
    city: httpx.AsyncClient, caller: Caller, lead: Principal, invited: list[str]
) -> None:
    task = await open_task(city, caller, lead, departments=invited)
    stranger = an_official("inspector", organization_id=LIBRARY)
    assert slug(await join(city, caller, stranger, task)) == "inspection-unknown"
    assert (await city.get("/v1/inspections/invitations")).json()["items"] == []
    assert slug(await city.get(f"/v1/inspections/{task}")) == "inspection-unknown"


async def test_colleague_of_the_lead_is_not_invited_by_that(city: httpx.AsyncClient, caller: Caller, task: str) -> None:
    assert slug(await join(city, caller, an_official("inspector"), task)) == "inspection-unknown"


@pytest.mark.parametrize("who", STRANGERS)
async def test_joining_is_for_inspectors(
    city: httpx.AsyncClient, caller: Caller, task: str, connection: Connection, who: str
) -> None:
    caller.principal = STRANGERS[who]
    refused = 401 if caller.principal is None else 403
    assert (await city.post(f"/v1/inspections/{task}/partners", json=JOINING)).status_code == refused
    assert (await city.get("/v1/inspections/invitations")).status_code == refused
    assert (await city.get(f"/v1/inspections/{task}")).status_code == refused
    assert await connection.fetchval("select count(*) from codes.inspection_partner") == 0


async def test_joining_twice_is_refused(
    city: httpx.AsyncClient, caller: Caller, partner: Principal, task: str, connection: Connection
) -> None:
    await join(city, caller, partner, task)
    assert slug(await join(city, caller, partner, task)) == "already-in-task"
    assert await connection.fetchval("select count(*) from codes.inspection_partner") == 1


async def test_joining_after_the_task_ended_is_refused(
    city: httpx.AsyncClient, caller: Caller, partner: Principal, task: str, clock: ManualClock
) -> None:
    clock.advance(4 * 3600)
    assert slug(await join(city, caller, partner, task)) == "inspection-not-active"
    assert (await city.get("/v1/inspections/invitations")).json()["items"] == []


async def test_partner_does_not_close_what_somebody_else_leads(
    city: httpx.AsyncClient, caller: Caller, partner: Principal, task: str, connection: Connection
) -> None:
    await join(city, caller, partner, task)
    assert slug(await city.delete(f"/v1/inspections/{task}")) == "inspection-unknown"
    assert await connection.fetchval("select state from codes.inspection") == "active"


async def test_closing_ends_it_for_partners_too(
    city: httpx.AsyncClient, caller: Caller, lead: Principal, partner: Principal, carrier: str
) -> None:
    task = await open_task(city, caller, lead, departments=INVITED)
    await join(city, caller, partner, task)
    await arrive(city, caller, lead, task)
    await city.delete(f"/v1/inspections/{task}")
    caller.principal = partner
    check = {"code": carrier, "inspection_id": task, "scenario": 803}
    assert slug(await city.post("/v1/enterprise-checks", json=check)) == "inspection-task-required"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"scenario": 901}, "inspection-scenario-invalid"),
        ({"scenario": 301}, "inspection-scenario-invalid"),
        ({"authority": ""}, "fields-invalid"),
        ({"authority": None}, "fields-invalid"),
        ({"purpose": "another"}, "fields-invalid"),
        ({"checklist": [{"text": "提供营业执照", "kind": "ask"}]}, "checklist-asks-for-held"),
        ({"checklist": [{"text": "材料", "evidence": "nothing_known"}]}, "evidence-unknown"),
        ({"checklist": [{"text": "看"}]}, "fields-invalid"),
        ({"checklist": [{"text": "看一看", "kind": "take"}]}, "fields-invalid"),
        ({"checklist": [{"text": "看一看"}] * 31}, "fields-invalid"),
    ],
)
async def test_joining_out_of_rule_is_refused(
    city: httpx.AsyncClient, caller: Caller, task: str, changes: Any, refusal: str
) -> None:
    partner = an_official("inspector", organization_id=MARKET_SUPERVISION)
    assert slug(await join(city, caller, partner, task, **changes)) == refusal


@pytest.mark.parametrize(
    ("departments", "refusal"),
    [
        ([str(FIRE_RESCUE)], "invited-department-invalid"),
        ([str(RESTAURANT)], "invited-department-invalid"),
        (INVITED * 2, "invited-department-invalid"),
        ([str(uuid4())], "not-found"),
        (["market"], "fields-invalid"),
        ([str(uuid4()) for _ in range(9)], "fields-invalid"),
    ],
)
async def test_only_other_departments_are_invited(
    city: httpx.AsyncClient, caller: Caller, connection: Connection, departments: list[str], refusal: str
) -> None:
    caller.principal = an_official("inspector")
    answer = await city.post("/v1/inspections", json=TASK | {"departments": departments})
    assert slug(answer) == refusal
    assert await connection.fetchval("select count(*) from codes.inspection") == 0


async def test_department_that_is_closed_is_not_invited(
    city: httpx.AsyncClient, caller: Caller, rooms: EnterpriseRooms
) -> None:
    rooms.organizations.change(MARKET_SUPERVISION, "closed")
    caller.principal = an_official("inspector")
    assert (
        slug(await city.post("/v1/inspections", json=TASK | {"departments": INVITED})) == "invited-department-invalid"
    )


async def test_checklist_that_asks_for_what_is_held_opens_nothing_and_names_each_item(
    city: httpx.AsyncClient, caller: Caller, connection: Connection
) -> None:
    caller.principal = an_official("inspector")
    checklist = [{"text": "疏散通道是否畅通"}, {"text": "提供营业执照复印件", "kind": "ask"}]
    answer = await city.post("/v1/inspections", json=TASK | {"checklist": checklist})
    assert (answer.status_code, slug(answer)) == (400, "checklist-asks-for-held")
    assert answer.json()["held"] == [{"item": 1, "evidence": "business_licence", "register": "registration"}]
    assert await connection.fetchval("select count(*) from codes.inspection") == 0
    opened = await city.post("/v1/inspections", json=TASK | {"checklist": checklist[:1]})
    assert opened.status_code == 201
    assert {"business_licence", "fire_certificate"} <= {each["slug"] for each in opened.json()["fetched"]}
