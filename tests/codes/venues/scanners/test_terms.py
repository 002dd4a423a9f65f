"""What a device is registered to learn: less than the scenario, on a cited ground, and never more than it was told."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.scenarios.catalogue import load_scenarios
from codes.scenarios.models import Scenario
from codes.venues.scanners.models import Terms
from codes.venues.scanners.narrowing import Registrations
from tests.codes.door_city import Doors
from tests.codes.enterprise_city import Device
from tests.codes.personal_city import a_scanner

VISITOR = 602
SHIPPED = load_scenarios()
NARROW = {"scenario": VISITOR, "attributes": ["phone_tail"]}
attributes = st.frozensets(st.sampled_from(["full_name", "phone_tail", "id_number", "openid", "entitlements"]))


async def test_a_narrow_registration_gets_less_and_the_rest_is_withheld(doors: Doors) -> None:
    device, phone = await doors.enrol(VISITOR, terms=[NARROW]), await doors.a_phone()
    result = await doors.scan(device, phone.show(VISITOR), VISITOR)
    assert (result["reason"], result["disclosed"], result["withheld"]) == ("OK", {"phone_tail": "0001"}, ["full_name"])
    [row] = await doors.connection.fetch("select disclosed, withheld from codes.verification")
    assert (row["disclosed"], row["withheld"]) == (["phone_tail"], ["full_name"]), "as the citizen reads it"
    assert doors.city.people.asked == [frozenset({"phone_tail"})], "identity is not even asked for the rest"


async def test_a_registration_for_nothing_learns_that_the_code_is_good(doors: Doors) -> None:
    device = await doors.enrol(VISITOR, terms=[{"scenario": VISITOR, "attributes": []}])
    result = await doors.scan(device, (await doors.a_phone()).show(VISITOR), VISITOR)
    assert (result["verdict"], result["disclosed"], result["withheld"]) == ("ACCEPT", {}, ["full_name", "phone_tail"])


async def test_without_terms_a_device_learns_what_the_scenario_discloses(doors: Doors) -> None:
    device, phone = await doors.enrol(VISITOR), await doors.a_phone()
    result = await doors.scan(device, phone.show(VISITOR), VISITOR)
    assert (set(result["disclosed"]), result["withheld"]) == ({"full_name", "phone_tail"}, [])


async def test_terms_of_one_scenario_leave_the_others_alone(doors: Doors) -> None:
    device, phone = await doors.enrol(301, VISITOR, terms=[NARROW]), await doors.a_phone()
    assert "openid" in (await doors.scan(device, phone.show(), 301))["disclosed"]


async def test_the_registration_is_written_down_in_full_and_read_by_the_device(doors: Doors) -> None:
    device = await doors.enrol(301, VISITOR, terms=[NARROW | {"basis": "访客管理协议第三条"}])
    view = (await doors.signed(device, "GET", "/v1/scanners/me")).json()
    entry, visitor = SHIPPED.get(301), SHIPPED.get(VISITOR)
    assert view["terms"] == [
        {
            "scenario": 301,
            "attributes": sorted(entry.discloses),
            "basis_kind": entry.basis_kind,
            "basis": entry.legal_basis.zh,
        },
        {
            "scenario": VISITOR,
            "attributes": ["phone_tail"],
            "basis_kind": visitor.basis_kind,
            "basis": "访客管理协议第三条",
        },
    ]
    [told] = await doors.audited("scanner.enrolled")
    assert told["detail"]["terms"] == view["terms"]


async def test_a_catalogue_that_grows_gives_an_old_registration_nothing(doors: Doors) -> None:
    device, phone = await doors.enrol(VISITOR), await doors.a_phone()
    scenarios = doors.city.codes.scenarios
    wider = msgspec.structs.replace(scenarios.get(VISITOR), discloses=("full_name", "phone_tail", "id_number"))
    scenarios._by_number = {**scenarios._by_number, VISITOR: wider}
    result = await doors.scan(device, phone.show(VISITOR), VISITOR)
    assert (set(result["disclosed"]), result["withheld"]) == ({"full_name", "phone_tail"}, ["id_number"])


async def test_a_ground_of_another_kind_carries_nothing(doors: Doors) -> None:
    device, phone = await doors.enrol(301), await doors.a_phone()
    scenarios = doors.city.codes.scenarios
    lawful = msgspec.structs.replace(scenarios.get(301), basis_kind="statutory")
    scenarios._by_number = {**scenarios._by_number, 301: lawful}
    result = await doors.scan(device, phone.show(), 301)
    assert (result["verdict"], result["disclosed"]) == ("ACCEPT", {})


async def test_a_device_of_the_time_before_terms_learns_as_it_did(doors: Doors) -> None:
    device, phone = await doors.enrol(VISITOR), await doors.a_phone()
    await doors.connection.execute("update codes.scanner set terms = null")
    result = await doors.scan(device, phone.show(VISITOR), VISITOR)
    assert set(result["disclosed"]) == {"full_name", "phone_tail"}


@pytest.mark.parametrize(
    "terms",
    [
        [{"scenario": 301, "attributes": ["full_name"]}],
        [{"scenario": VISITOR, "attributes": ["phone_tail", "id_number"]}],
        [{"scenario": 601}],
        [{"scenario": 999}],
        [NARROW, NARROW],
        [NARROW, {"scenario": VISITOR, "attributes": ["full_name"]}],
    ],
)
async def test_terms_that_widen_or_contradict_are_refused(doors: Doors, terms: list[Any]) -> None:
    answer = await enrolment(doors, terms)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/scanner-terms-invalid")
    assert await doors.connection.fetchval("select count(*) from codes.scanner") == 0


@pytest.mark.parametrize(
    "terms",
    [
        [{"attributes": ["phone_tail"]}],
        [NARROW | {"attributes": ["health"]}],
        [NARROW | {"attributes": "phone_tail"}],
        [NARROW | {"basis": ""}],
        [NARROW | {"basis": " 第三条"}],
        [NARROW | {"basis": "第\n三条"}],
        [NARROW | {"basis": "条" * 201}],
        [NARROW | {"basis_kind": "statutory"}],
        [NARROW] * 101,
        NARROW,
    ],
)
async def test_terms_of_another_shape_are_a_bad_request(doors: Doors, terms: Any) -> None:
    assert (await enrolment(doors, terms)).json()["type"] == "/problems/fields-invalid"


async def enrolment(doors: Doors, terms: Any) -> Any:
    body = Device(doors.clock).enrolment(scenarios=[301, VISITOR], terms=terms)
    return await doors.as_registrar("POST", "/v1/scanners", json=body)


@given(st.sampled_from(list(SHIPPED)), attributes, attributes, st.sampled_from(["statutory", "contract", "consent"]))
def test_nothing_is_ever_added(scenario: Scenario, allowed: frozenset[str], told: frozenset[str], kind: Any) -> None:
    terms = Terms(scenario=scenario.number, attributes=sorted(told), basis_kind=kind, basis="第三条")
    scanner = a_scanner(scenario.number, terms={scenario.number: terms})
    left = Registrations().narrowed(scanner, scenario, allowed)
    grounded = scenario.basis_kind in {kind, "consent"}
    assert left == (allowed & told if grounded else frozenset())


@given(st.sampled_from(list(SHIPPED)), attributes)
def test_terms_of_no_such_scenario_permit_nothing(scenario: Scenario, allowed: frozenset[str]) -> None:
    assert Registrations().narrowed(a_scanner(scenario.number, terms={}), scenario, allowed) == frozenset()
