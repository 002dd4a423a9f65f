"""Every scenario in which a person shows a code, played from the phone to the citizen's record, over HTTP.

`codes/scenarios/end_to_end.toml` names the scenarios that are tested; here it is held in step.
"""

import ast
import base64
from pathlib import Path
from typing import Any

import pytest

from codes.scenarios.catalogue import load_scenarios
from codes.scenarios.models import PERSONAL_KINDS, Scenario
from codes.scenarios.usage import end_to_end_tests, list_uses
from tests.codes.door_city import Doors
from tests.codes.enterprise_city import LIBRARY, Device

HERE = "tests/codes/scenarios/test_end_to_end.py::test_scenario_from_the_phone_to_the_record"
ROOT = Path(__file__).parents[3]
SHIPPED = load_scenarios()
NONCE = bytes(range(16))
PERSONAL = [scenario.number for scenario in SHIPPED if not PERSONAL_KINDS.isdisjoint(scenario.kinds)]


async def a_door(doors: Doors, scenario: Scenario) -> Device:
    """A device for the scenario, with an operator where it asks for one."""
    device = await doors.enrol(scenario.number)
    if scenario.operator_required:
        body = {"organization_id": str(LIBRARY), "number": "A-1"}
        operator = (await doors.as_registrar("POST", "/v1/scanner-operators", json=body)).json()
        await doors.signed(device, "POST", "/v1/scanners/me/operator", {"badge": operator["badge"]})
    return device


async def shown(doors: Doors, device: Device, scenario: Scenario) -> tuple[Any, dict[str, str]]:
    """What a phone adds where much is at stake, and what the scanner says of it."""
    if not scenario.high_value:
        return {}, {}
    site = (await doors.signed(device, "GET", "/v1/scanners/me")).json()["site_id"]
    return {"aud": site, "cnonce": NONCE}, {"cnonce": base64.urlsafe_b64encode(NONCE).rstrip(b"=").decode()}


@pytest.mark.parametrize("number", PERSONAL)
async def test_scenario_from_the_phone_to_the_record(doors: Doors, number: int) -> None:
    scenario, phone = SHIPPED.get(number), await doors.a_phone()
    device = await a_door(doors, scenario)
    payload, facts = await shown(doors, device, scenario)
    code = phone.show(number, **payload)

    result = await doors.scan(device, code, number, **facts)
    assert (result["verdict"], result["reason"], result["kind"]) == ("ACCEPT", "OK", "P")
    assert set(result["disclosed"]) <= set(scenario.discloses)
    assert set(result["disclosed"]) | set(result["withheld"]) == set(scenario.discloses)
    again = await doors.scan(device, code, number, **facts)
    assert (again["reason"], again["disclosed"]) == ("REPLAYED", {})

    elsewhere = await doors.scan(device, phone.show(999, grant=1, **payload), number, **facts)
    assert (elsewhere["verdict"], elsewhere["reason"]) == ("REJECT", "SCENARIO_MISMATCH")
    general = await doors.scan(device, phone.show(0, grant=2, **payload), number, **facts)
    assert (general["reason"] == "OK") == scenario.general_ok
    assert set(general["disclosed"]) <= {"openid", "entitlements"}

    other = await doors.enrol(608 if number != 608 else 301)
    strange = await doors.scan(other, phone.show(number, grant=3, **payload), number, **facts)
    assert (strange["verdict"], strange["disclosed"]) == ("REJECT", {})

    doors.caller.principal = phone.principal
    records = (await doors.http.get("/v1/codes/scans")).json()["items"]
    doors.caller.principal = None
    first = next(record for record in records if record["verification_id"] == result["verification_id"])
    assert (first["scenario"]["number"], first["basis"]) == (number, scenario.basis_kind)
    assert first["disclosed"] == sorted(result["disclosed"])


def test_the_list_names_every_scenario_that_is_played_here_and_no_other() -> None:
    assert sorted(number for number, name in end_to_end_tests().items() if name == HERE) == PERSONAL


def test_every_listed_test_exists_and_every_number_ships() -> None:
    for name in set(end_to_end_tests().values()):
        file, function = name.split("::")
        defined = {node.name for node in ast.parse((ROOT / file).read_text()).body if hasattr(node, "name")}
        assert function in defined
    assert all(SHIPPED.find(number) for number in end_to_end_tests())


async def test_in_use_needs_all_three(doors: Doors) -> None:
    async def use_of(number: int) -> Any:
        uses = await list_uses(doors.connection, SHIPPED, doors.clock.now())
        return next(use for use in uses if use.number == number)

    assert not (await use_of(301)).in_use, "tested, and nothing else"
    device, phone = await doors.enrol(301), await doors.a_phone()
    assert ((await use_of(301)).verifiers, (await use_of(301)).in_use) == (1, False)
    await doors.scan(device, phone.show(age=60), 301)
    assert not (await use_of(301)).in_use, "a refusal is no use"
    await doors.scan(device, phone.show(), 301)
    assert (await use_of(301)).in_use
    assert not (await use_of(302)).in_use
    doors.clock.advance(30 * 86400 + 60)
    assert not (await use_of(301)).in_use, "too long ago"


async def test_a_scenario_without_a_test_or_whose_last_device_is_gone_is_not_in_use(doors: Doors) -> None:
    device, phone = await doors.enrol(301), await doors.a_phone()
    await doors.scan(device, phone.show(), 301)
    await doors.as_registrar("DELETE", f"/v1/scanners/{device.id}")
    uses = {use.number: use for use in await list_uses(doors.connection, SHIPPED, doors.clock.now())}
    assert (uses[301].verifiers, uses[301].in_use) == (0, False)
    assert uses[301].last_accepted_at is not None
    assert all(use.tested_by or not use.in_use for use in uses.values())
