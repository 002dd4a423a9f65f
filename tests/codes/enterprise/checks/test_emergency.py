"""An emergency goes without a task: in one scenario, with a reason that the enterprise reads and that stays."""

from typing import Any

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from tests.codes.enterprise.checks.sources import Knows
from tests.codes.enterprise_city import RESTAURANT, STRANGERS, Caller, EnterpriseRooms, agent_of, an_official
from tests.codes.enterprise_fixtures import arrive, open_task

REASON = "接报燃气泄漏，现场处置"


async def ask(city: httpx.AsyncClient, code: str, **changes: Any) -> httpx.Response:
    body = {"code": code, "scenario": 802, "emergency_reason": REASON} | changes
    return await city.post("/v1/enterprise-checks", json=body)


async def test_emergency_check_needs_no_task_and_stays_marked(
    city: httpx.AsyncClient, caller: Caller, rooms: EnterpriseRooms, carrier: str, clock: ManualClock
) -> None:
    rooms.sources["fire"] = Knows(clock.now())
    caller.principal = an_official("inspector")
    answer = await ask(city, carrier)
    body = answer.json()
    assert (body["verdict"], body["emergency"], body["inspection_id"]) == ("ACCEPT", True, None)
    assert {source["name"]: source["state"] for source in body["sources"]}["fire"] == "ok"
    caller.principal = agent_of(RESTAURANT)
    (record,) = (await city.get(f"/v1/organizations/{RESTAURANT}/checks")).json()["items"]
    assert (record["emergency"], record["purpose"], record["inspection_id"]) == (True, REASON, None)
    assert (record["authority"], record["department"]) == ("《突发事件应对法》", "演示消防救援")


async def test_whoever_watches_over_officers_reads_every_emergency(
    city: httpx.AsyncClient, caller: Caller, carrier: str, connection: Connection
) -> None:
    officer = caller.principal = an_official("inspector")
    made = [(await ask(city, carrier)).json()["verification_id"] for _ in range(3)]
    caller.principal = an_official("audit_admin")
    first = (await city.get("/v1/enterprise-checks/emergencies?limit=2")).json()
    second = (await city.get(f"/v1/enterprise-checks/emergencies?limit=2&after={first['next']}")).json()
    shown = first["items"] + second["items"]
    assert [each["verification_id"] for each in shown] == made[::-1]
    assert {each["officer_id"] for each in shown} == {str(officer.subject_id)}
    assert {each["reason"] for each in shown} == {REASON}
    audited = "select count(*) from kit.audit_entry where action = 'enterprise_check.emergency'"
    assert await connection.fetchval(audited) == 3


async def test_ordinary_checks_are_not_among_emergencies(city: httpx.AsyncClient, caller: Caller, carrier: str) -> None:
    officer = an_official("inspector")
    task = await open_task(city, caller, officer, scenario=802)
    await arrive(city, caller, officer, task)
    answer = await ask(city, carrier, inspection_id=task, emergency_reason=None)
    assert (answer.json()["verdict"], answer.json()["emergency"]) == ("ACCEPT", False)
    caller.principal = an_official("audit_admin")
    assert (await city.get("/v1/enterprise-checks/emergencies")).json()["items"] == []


@pytest.mark.parametrize("who", [*STRANGERS, "inspector"])
async def test_list_of_emergencies_is_closed_to_everybody_else(
    city: httpx.AsyncClient, caller: Caller, who: str
) -> None:
    caller.principal = an_official("inspector") if who == "inspector" else STRANGERS[who]
    answer = await city.get("/v1/enterprise-checks/emergencies")
    assert answer.status_code == (401 if caller.principal is None else 403)


@pytest.mark.parametrize("scenario", [801, 803, 804, 805, 901, 301, 0, -1])
async def test_no_other_scenario_is_an_emergency(
    city: httpx.AsyncClient, caller: Caller, carrier: str, connection: Connection, scenario: int
) -> None:
    caller.principal = an_official("inspector")
    answer = await ask(city, carrier, scenario=scenario)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-an-emergency")
    refused = "select detail ->> 'refusal' from kit.audit_entry where action = 'enterprise_check.refused'"
    assert await connection.fetchval(refused) == "not-an-emergency"
    assert await connection.fetchval("select count(*) from codes.enterprise_check") == 0


@pytest.mark.parametrize("both", [True, False])
async def test_a_check_rests_on_exactly_one_thing(
    city: httpx.AsyncClient, caller: Caller, carrier: str, connection: Connection, *, both: bool
) -> None:
    officer = an_official("inspector")
    task = await open_task(city, caller, officer, scenario=802)
    changes = {"inspection_id": task} if both else {"emergency_reason": None}
    answer = await ask(city, carrier, **changes)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/check-basis-invalid")
    assert await connection.fetchval("select count(*) from codes.enterprise_check") == 0


async def test_officer_of_no_department_has_no_emergency(city: httpx.AsyncClient, caller: Caller, carrier: str) -> None:
    caller.principal = an_official("inspector", organization_id=None)
    answer = await ask(city, carrier)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/department-missing")


async def test_bad_code_is_a_verdict_in_an_emergency_too(
    city: httpx.AsyncClient, caller: Caller, carrier: str, connection: Connection
) -> None:
    caller.principal = an_official("inspector")
    answer = await ask(city, carrier[:-1])
    assert (answer.status_code, answer.json()["verdict"], answer.json()["sources"]) == (200, "REJECT", [])
    assert await connection.fetchval("select count(*) from codes.enterprise_check") == 0
    last = "select subject from kit.audit_entry order by id desc limit 1"
    assert await connection.fetchval(last) == "organization:unknown"
