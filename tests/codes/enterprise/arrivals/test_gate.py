"""An officer's code at an enterprise's own enrolled scanner: the one verify call, bound to the one task."""

from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from tests.codes.enterprise_city import (
    MARKET_SUPERVISION,
    OTHER_COMPANY,
    RESTAURANT,
    Caller,
    Device,
    an_official,
)
from tests.codes.enterprise_fixtures import apply_for_code, open_task

JSON = {"content-type": "application/json"}


@pytest.fixture
async def code(city: httpx.AsyncClient, caller: Caller) -> str:
    officer = an_official("inspector")
    return await apply_for_code(city, caller, officer, await open_task(city, caller, officer))


async def enrol(city: httpx.AsyncClient, caller: Caller, clock: ManualClock, owner: UUID, *scenarios: int) -> Device:
    device = Device(clock)
    body = device.enrolment(organization_id=str(owner), scenarios=list(scenarios))
    body["proof"] = device.proof(organization_id=str(owner))
    caller.principal = an_official("system_admin", organization_id=None)
    answer = await city.post("/v1/scanners", json=body)
    assert answer.status_code == 201, answer.text
    device.id = answer.json()["id"]
    return device


async def scan(city: httpx.AsyncClient, device: Device, code: str, scenario: int = 901) -> dict[str, Any]:
    content = msgspec.json.encode({"code": code, "scenario": scenario})
    headers = JSON | device.signed("POST", "/v1/verifications", content)
    answer = await city.post("/v1/verifications", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    verdict: dict[str, Any] = answer.json()
    return verdict


@pytest.fixture
async def gate(city: httpx.AsyncClient, caller: Caller, clock: ManualClock, code: str) -> Device:
    """The restaurant's own scanner."""
    return await enrol(city, caller, clock, RESTAURANT, 901, 902)


async def test_gate_of_the_inspected_lets_officers_in_and_names_their_department(
    city: httpx.AsyncClient, gate: Device, code: str
) -> None:
    result = await scan(city, gate, code)
    assert (result["verdict"], result["reason"], result["kind"]) == ("ACCEPT", "OK", "I")
    assert result["disclosed"] == {"display_name": "演示消防救援"}
    assert result["receipt"]


async def test_gate_is_no_word_of_the_enterprise(
    city: httpx.AsyncClient, gate: Device, code: str, connection: Connection
) -> None:
    await scan(city, gate, code)
    assert await connection.fetchval("select count(*) from codes.inspection_arrival") == 0


async def test_task_opens_no_other_gate(city: httpx.AsyncClient, caller: Caller, clock: ManualClock, code: str) -> None:
    elsewhere = await enrol(city, caller, clock, OTHER_COMPANY, 901)
    result = await scan(city, elsewhere, code)
    assert (result["verdict"], result["reason"], result["disclosed"]) == ("REJECT", "SCANNER_NOT_ALLOWED", {})


async def test_gate_asks_only_in_its_own_scenarios(
    city: httpx.AsyncClient, caller: Caller, clock: ManualClock, code: str
) -> None:
    device = await enrol(city, caller, clock, RESTAURANT, 902)
    assert (await scan(city, device, code, 901))["reason"] == "SCANNER_NOT_ALLOWED"
    assert (await scan(city, device, code, 902))["reason"] == "OK"


async def test_code_of_a_joint_inspection_opens_the_gate_too(
    city: httpx.AsyncClient, caller: Caller, gate: Device
) -> None:
    officer = an_official("inspector")
    task = await open_task(city, caller, officer, departments=[str(MARKET_SUPERVISION)])
    joint = await apply_for_code(city, caller, officer, task)
    assert (await scan(city, gate, joint, 902))["verdict"] == "ACCEPT"


@pytest.mark.parametrize("scenario", [804, 951, 301])
async def test_officers_code_is_good_for_nothing_else(
    city: httpx.AsyncClient, caller: Caller, clock: ManualClock, code: str, scenario: int
) -> None:
    device = await enrol(city, caller, clock, RESTAURANT, scenario)
    result = await scan(city, device, code, scenario)
    assert (result["verdict"], result["reason"], result["disclosed"]) == ("REJECT", "WRONG_CARRIER", {})


async def test_enterprise_code_opens_no_inspection_gate(city: httpx.AsyncClient, gate: Device, carrier: str) -> None:
    assert (await scan(city, gate, carrier))["reason"] == "WRONG_CARRIER"


async def test_code_of_a_task_whose_hours_are_over_opens_nothing(
    city: httpx.AsyncClient, gate: Device, code: str, clock: ManualClock
) -> None:
    clock.advance(4 * 3600)
    assert (await scan(city, gate, code))["reason"] == "GRANT_EXPIRED"


async def test_code_of_a_task_that_was_closed_opens_nothing(
    city: httpx.AsyncClient, caller: Caller, gate: Device
) -> None:
    officer = an_official("inspector")
    task = await open_task(city, caller, officer)
    closed = await apply_for_code(city, caller, officer, task)
    await city.delete(f"/v1/inspections/{task}")
    assert (await scan(city, gate, closed))["reason"] == "REVOKED"


async def test_code_in_nobodys_books_is_looked_at_by_a_person(
    city: httpx.AsyncClient, gate: Device, code: str, connection: Connection
) -> None:
    await connection.execute("delete from codes.inspection_code")
    result = await scan(city, gate, code)
    assert (result["verdict"], result["reason"], result["disclosed"]) == ("REVIEW", "STATUS_UNKNOWN", {})


async def test_forged_code_is_refused(city: httpx.AsyncClient, gate: Device, code: str) -> None:
    bent = code[:-20] + ("A" if code[-20] != "A" else "B") + code[-19:]
    assert (await scan(city, gate, bent))["reason"] == "BAD_ISSUER_SIGNATURE"
