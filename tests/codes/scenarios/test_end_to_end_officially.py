"""The scenarios of officers and things, played over HTTP: enterprise checks with and without a task, tags of things."""

from typing import Any

import httpx
import pytest

from codes.scenarios.usage import end_to_end_tests
from tests.codes.door_city import Doors
from tests.codes.enterprise_city import LIBRARY, RESTAURANT, Caller, agent_of, an_official
from tests.codes.enterprise_fixtures import arrive, open_task

LICENCE, CHECKS, EMERGENCY, THINGS = 801, [803, 804, 805], 802, [951, 952]
SITE = {"name": "总馆", "address": "演示路 1 号"}


async def ask(city: httpx.AsyncClient, **check: Any) -> dict[str, Any]:
    answer = await city.post("/v1/enterprise-checks", json=check)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def records(city: httpx.AsyncClient, caller: Caller) -> list[int]:
    """The scenarios of the checks that the restaurant reads."""
    caller.principal = agent_of(RESTAURANT)
    page = (await city.get(f"/v1/organizations/{RESTAURANT}/checks")).json()
    return [item["scenario"] for item in page["items"]]


@pytest.mark.parametrize("number", CHECKS)
async def test_enterprise_check_from_the_task_to_the_record(
    city: httpx.AsyncClient, caller: Caller, carrier: str, number: int
) -> None:
    officer = an_official("inspector")
    task = await open_task(city, caller, officer, scenario=number)
    await arrive(city, caller, officer, task)
    result = await ask(city, code=carrier, scenario=number, inspection_id=task)
    assert (result["verdict"], result["kind"], result["scenario"]) == ("ACCEPT", "E", number)
    assert result["disclosed"]["organization_name"] == "演示餐饮有限公司"
    bad = await ask(city, code=carrier[:-1], scenario=number, inspection_id=task)
    assert (bad["verdict"], bad["disclosed"]) == ("REJECT", {})
    assert await records(city, caller) == [number]


@pytest.mark.parametrize("number", CHECKS)
async def test_enterprise_check_in_another_scenario_than_the_tasks_is_refused(
    city: httpx.AsyncClient, caller: Caller, carrier: str, number: int
) -> None:
    officer = an_official("inspector")
    task = await open_task(city, caller, officer, scenario=number)
    await arrive(city, caller, officer, task)
    other = next(check for check in CHECKS if check != number)
    answer = await city.post("/v1/enterprise-checks", json={"code": carrier, "scenario": other, "inspection_id": task})
    assert answer.status_code in {403, 409}
    assert await records(city, caller) == []


async def test_emergency_check_from_the_reason_to_the_record(
    city: httpx.AsyncClient, caller: Caller, carrier: str
) -> None:
    caller.principal = an_official("inspector")
    result = await ask(city, code=carrier, scenario=EMERGENCY, emergency_reason="燃气泄漏警报")
    assert (result["verdict"], result["kind"], result["scenario"]) == ("ACCEPT", "E", EMERGENCY)
    assert await records(city, caller) == [EMERGENCY]


async def test_licence_from_the_wall_to_the_verdict(doors: Doors) -> None:
    doors.caller.principal = agent_of(RESTAURANT)
    issued = (await doors.http.post(f"/v1/organizations/{RESTAURANT}/codes", json={"label": "前厅"})).json()
    doors.caller.principal = None
    device = await doors.enrol(LICENCE)
    result = await doors.scan(device, issued["carrier"], LICENCE)
    assert (result["verdict"], result["kind"], set(result["disclosed"])) == (
        "ACCEPT",
        "E",
        {"organization_name", "credit_code"},
    )
    doors.city.organizations.change(RESTAURANT, "suspended")
    result = await doors.scan(device, issued["carrier"], LICENCE)
    assert (result["verdict"], result["disclosed"]) == ("REVIEW", {})


async def a_thing(doors: Doors, number: int) -> dict[str, Any]:
    body = {"site": SITE, "label": "三号电梯", "scenarios": [number]}
    answer = await doors.as_registrar("POST", "/v1/places", json=body, organization_id=LIBRARY)
    assert answer.status_code == 201, answer.text
    thing: dict[str, Any] = answer.json()
    return thing


@pytest.mark.parametrize("number", THINGS)
async def test_thing_from_its_sticker_to_the_verdict(doors: Doors, number: int) -> None:
    device, thing = await doors.enrol(number), await a_thing(doors, number)
    result = await doors.scan(device, thing["carrier"], number)
    assert (result["verdict"], result["kind"], result["disclosed"]) == ("ACCEPT", "V", {})
    assert (await doors.scan(device, thing["carrier"][:-1], number))["verdict"] == "REJECT"
    await doors.as_registrar("DELETE", f"/v1/places/{thing['id']}", organization_id=LIBRARY)
    assert (await doors.scan(device, thing["carrier"], number))["reason"] == "REVOKED"


def test_the_list_names_what_is_played_here() -> None:
    here = {number for number, name in end_to_end_tests().items() if "test_end_to_end_officially" in name}
    assert here == {LICENCE, *CHECKS, EMERGENCY, *THINGS}
