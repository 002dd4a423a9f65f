"""Who works at a device: appointed without a name, known by PIN or badge, locked out by guessing, gone when ended."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from codes.venues.admissions.models import LIMITS
from codes.venues.operators.models import LONGEST_SHIFT, WRONG_PINS
from tests.codes.door_city import Doors
from tests.codes.enterprise_city import FIRE_RESCUE, LIBRARY, STRANGERS, Device

SIGN_ON = "/v1/scanners/me/operator"
ROADSIDE = 107  # asks for an operator


async def appoint(doors: Doors, number: str = "A-017", organization_id: UUID = LIBRARY) -> dict[str, Any]:
    body = {"organization_id": str(organization_id), "number": number}
    answer = await doors.as_registrar("POST", "/v1/scanner-operators", json=body, organization_id=organization_id)
    assert answer.status_code == 201, answer.text
    appointed: dict[str, Any] = answer.json()
    return appointed


@pytest.fixture
async def operator(doors: Doors) -> dict[str, Any]:
    return await appoint(doors)


@pytest.fixture
async def device(doors: Doors) -> Device:
    return await doors.enrol(301, ROADSIDE)


def slug_of(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def another(pin: str) -> str:
    return f"{(int(pin) + 1) % 10**6:06}"


async def test_who_signs_on_by_pin_answers_for_the_scans_from_then_on(
    doors: Doors, operator: dict[str, Any], device: Device
) -> None:
    phone = await doors.a_phone()
    before = await doors.scan(device, phone.show())
    answer = await doors.signed(device, "POST", SIGN_ON, {"number": "A-017", "pin": operator["pin"]})
    assert (answer.status_code, answer.json()["operator_id"], answer.json()["method"]) == (200, operator["id"], "pin")
    after = await doors.scan(device, phone.show(grant=1))
    assert (await doors.signed(device, "DELETE", SIGN_ON)).status_code == 204
    finally_ = await doors.scan(device, phone.show(grant=2))
    rows = await doors.connection.fetch("select id::text, operator_id::text from codes.verification")
    assert {row["id"]: row["operator_id"] for row in rows} == {
        before["verification_id"]: None,
        after["verification_id"]: operator["id"],
        finally_["verification_id"]: None,
    }
    assert operator["id"] not in str(after), "the door's answer does not name staff"


async def test_a_badge_signs_on_and_relieves_who_was_there(doors: Doors, device: Device) -> None:
    first, second = await appoint(doors, "A-1"), await appoint(doors, "A-2")
    for operator in (first, second):
        answer = await doors.signed(device, "POST", SIGN_ON, {"badge": operator["badge"]})
        assert (answer.status_code, answer.json()["method"]) == (200, "badge")
    assert await doors.connection.fetchval("select operator_id::text from codes.operator_duty") == second["id"]
    assert [told["detail"] for told in await doors.audited("operator.signed_on")] == [{"method": "badge"}] * 2


async def test_where_the_scenario_says_so_nobody_scans_without_an_operator(
    doors: Doors, operator: dict[str, Any], device: Device
) -> None:
    phone = await doors.a_phone()
    result = await doors.scan(device, phone.show(ROADSIDE), ROADSIDE)
    assert (result["verdict"], result["reason"], result["disclosed"]) == ("REJECT", "SCANNER_NOT_ALLOWED", {})
    await doors.signed(device, "POST", SIGN_ON, {"badge": operator["badge"]})
    assert await doors.reason(device, phone.show(ROADSIDE, grant=1), ROADSIDE) == "OK"


async def test_a_shift_ends_by_itself(doors: Doors, operator: dict[str, Any], device: Device) -> None:
    await doors.signed(device, "POST", SIGN_ON, {"badge": operator["badge"]})
    doors.clock.advance((LONGEST_SHIFT - timedelta(seconds=1)).total_seconds())
    phone = await doors.a_phone()
    assert await doors.reason(device, phone.show(ROADSIDE), ROADSIDE) == "OK"
    doors.clock.advance(1)
    assert await doors.reason(device, phone.show(ROADSIDE, grant=1), ROADSIDE) == "SCANNER_NOT_ALLOWED"


async def test_ending_an_appointment_ends_the_duty_everywhere(doors: Doors, operator: dict[str, Any]) -> None:
    devices = [await doors.enrol(ROADSIDE) for _ in range(2)]
    for device in devices:
        await doors.signed(device, "POST", SIGN_ON, {"badge": operator["badge"]})
    ended = await doors.as_registrar("DELETE", f"/v1/scanner-operators/{operator['id']}")
    assert (ended.status_code, ended.json()["state"]) == (200, "ended")
    phone = await doors.a_phone()
    for device in devices:
        assert await doors.reason(device, phone.show(ROADSIDE), ROADSIDE) == "SCANNER_NOT_ALLOWED"
        for way in ({"badge": operator["badge"]}, {"number": "A-017", "pin": operator["pin"]}):
            assert (await doors.signed(device, "POST", SIGN_ON, way)).status_code == 403


async def test_wrong_pins_lock_the_number_for_a_quarter_of_an_hour_and_the_badge_still_works(
    doors: Doors, operator: dict[str, Any], device: Device
) -> None:
    right, wrong = ({"number": "A-017", "pin": pin} for pin in (operator["pin"], another(operator["pin"])))
    for _ in range(WRONG_PINS):
        assert slug_of(await doors.signed(device, "POST", SIGN_ON, wrong)) == "sign-on-refused"
    assert slug_of(await doors.signed(device, "POST", SIGN_ON, right)) == "sign-on-refused"
    assert (await doors.signed(device, "POST", SIGN_ON, {"badge": operator["badge"]})).status_code == 200
    assert slug_of(await doors.signed(device, "POST", SIGN_ON, right)) == "sign-on-refused"
    doors.clock.advance(15 * 60)
    assert (await doors.signed(device, "POST", SIGN_ON, right)).status_code == 200
    assert len(await doors.audited("operator.locked")) == 1


async def test_a_right_pin_forgives_the_wrong_ones_before_it(
    doors: Doors, operator: dict[str, Any], device: Device
) -> None:
    right, wrong = ({"number": "A-017", "pin": pin} for pin in (operator["pin"], another(operator["pin"])))
    for _ in range(3):
        for _ in range(WRONG_PINS - 1):
            await doors.signed(device, "POST", SIGN_ON, wrong)
        assert (await doors.signed(device, "POST", SIGN_ON, right)).status_code == 200


async def test_guessing_numbers_stops_the_device_and_no_other(
    doors: Doors, operator: dict[str, Any], device: Device
) -> None:
    for attempt in range(LIMITS["wrong_sign_ons"].scanner):
        answer = await doors.signed(device, "POST", SIGN_ON, {"number": f"B-{attempt}", "pin": "000000"})
        assert slug_of(answer) == "sign-on-refused"
    answer = await doors.signed(device, "POST", SIGN_ON, {"badge": operator["badge"]})
    assert (answer.status_code, slug_of(answer)) == (429, "sign-ons-stopped")
    phone = await doors.a_phone()
    assert await doors.reason(device, phone.show()) == "OK", "scanning goes on"
    other = await doors.enrol(301)
    assert (await doors.signed(other, "POST", SIGN_ON, {"badge": operator["badge"]})).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"number": "A-017"},
        {"pin": "123456"},
        {"badge": "SSB1:" + "A" * 32, "pin": "123456"},
        {"badge": "SSB1:" + "A" * 32, "number": "A-017", "pin": "123456"},
        {"number": "a-017", "pin": "123456"},
        {"number": "A-017\n", "pin": "123456"},
        {"number": "A-017", "pin": "12345"},
        {"number": "A-017", "pin": "12345６"},
        {"number": "A-017", "pin": "123456\n"},
        {"number": "A-017", "pin": 123456},
        {"badge": "SSB1:" + "a" * 32},
        {"badge": "SSB1:" + "A" * 33},
        {"badge": "A" * 32},
        {"number": "A-017", "pin": "123456", "name": "somebody"},
    ],
)
async def test_a_sign_on_of_another_shape_is_a_bad_request(doors: Doors, device: Device, body: Any) -> None:
    assert (await doors.signed(device, "POST", SIGN_ON, body)).status_code == 400


async def test_operators_of_one_organization_are_nobody_at_anothers_device(
    doors: Doors, operator: dict[str, Any]
) -> None:
    theirs = await doors.enrol(301, organization_id=str(FIRE_RESCUE))
    for way in ({"badge": operator["badge"]}, {"number": "A-017", "pin": operator["pin"]}):
        assert slug_of(await doors.signed(theirs, "POST", SIGN_ON, way)) == "sign-on-refused"
    await appoint(doors, "A-017", FIRE_RESCUE)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_signing_on_needs_the_devices_signature(doors: Doors, operator: dict[str, Any], method: str) -> None:
    body = {"badge": operator["badge"]} if method == "POST" else None
    answer = await doors.http.request(method, SIGN_ON, json=body)
    assert slug_of(answer) == "scanner-signature-invalid"


async def test_a_revoked_device_signs_nobody_on(doors: Doors, operator: dict[str, Any], device: Device) -> None:
    await doors.as_registrar("DELETE", f"/v1/scanners/{device.id}")
    doors.city.codes.scanning.gate._directory.forget(device.id)
    answer = await doors.signed(device, "POST", SIGN_ON, {"badge": operator["badge"]})
    assert slug_of(answer) == "scanner-not-registered"


async def test_pin_and_badge_are_told_once_and_kept_nowhere(doors: Doors, operator: dict[str, Any]) -> None:
    listed = await doors.as_registrar("GET", f"/v1/scanner-operators?organization_id={LIBRARY}")
    assert [item["id"] for item in listed.json()["items"]] == [operator["id"]]
    row = await doors.connection.fetchval("select o::text from codes.operator o")
    log = await doors.connection.fetchval("select string_agg(e::text, '') from kit.audit_entry e")
    for secret in (operator["pin"], operator["badge"]):
        assert secret not in listed.text
        assert f'"{secret}"' not in row + log
        assert f",{secret}," not in row
    assert (
        "Cache-Control"
        in (
            await doors.as_registrar(
                "POST", "/v1/scanner-operators", json={"organization_id": str(LIBRARY), "number": "A-2"}
            )
        ).headers
    )


async def test_a_number_is_used_once_at_a_time(doors: Doors, operator: dict[str, Any]) -> None:
    body = {"organization_id": str(LIBRARY), "number": "A-017"}
    again = await doors.as_registrar("POST", "/v1/scanner-operators", json=body)
    assert slug_of(again) == "operator-number-in-use"
    await doors.as_registrar("DELETE", f"/v1/scanner-operators/{operator['id']}")
    assert (await doors.as_registrar("POST", "/v1/scanner-operators", json=body)).status_code == 201


async def test_the_list_comes_in_pages(doors: Doors) -> None:
    appointed = [(await appoint(doors, f"A-{place}"))["id"] for place in range(3)]
    path = f"/v1/scanner-operators?organization_id={LIBRARY}&limit=2"
    first = (await doors.as_registrar("GET", path)).json()
    second = (await doors.as_registrar("GET", f"{path}&after={first['next']}")).json()
    assert [item["id"] for page in (first, second) for item in page["items"]] == appointed
    assert second["next"] is None


@pytest.mark.parametrize("stranger", [*STRANGERS, "another organization's administrator"])
async def test_strangers_look_after_nobody(doors: Doors, operator: dict[str, Any], stranger: str) -> None:
    body = {"organization_id": str(LIBRARY), "number": "A-9"}
    wanted = (
        ("POST", "/v1/scanner-operators", body),
        ("GET", f"/v1/scanner-operators?organization_id={LIBRARY}", None),
        ("DELETE", f"/v1/scanner-operators/{operator['id']}", None),
    )
    for method, path, content in wanted:
        if stranger in STRANGERS:
            doors.caller.principal = STRANGERS[stranger]
            answer = await doors.http.request(method, path, json=content)
        else:
            answer = await doors.as_registrar(method, path, json=content, organization_id=FIRE_RESCUE)
        assert answer.status_code in {401, 403}, (method, answer.text)


async def test_ending_an_operator_who_is_not_there_says_so(doors: Doors) -> None:
    answer = await doors.as_registrar("DELETE", f"/v1/scanner-operators/{LIBRARY}")
    assert slug_of(answer) == "operator-unknown"
