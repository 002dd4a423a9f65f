"""Enrolling and ending scanners: who may, what a device must prove, and that nothing half-written stays."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.kit.clock import ManualClock
from app.kit.database import Connection
from tests.codes.enterprise_city import (
    FIRE_RESCUE,
    LIBRARY,
    ORIGIN,
    STRANGERS,
    Caller,
    Device,
    KnownOrganizations,
    an_official,
    jwk_of,
)


async def count(connection: Connection, table: str) -> int:
    counted: int = await connection.fetchval(f"select count(*) from {table}")
    return counted


async def test_enrol_scanner_answers_with_its_registration(
    city: httpx.AsyncClient, caller: Caller, clock: ManualClock, connection: Connection
) -> None:
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    answer = await city.post("/v1/scanners", json=Device(clock).enrolment())
    body = answer.json()
    assert answer.status_code == 201
    assert (body["state"], body["scenarios"], body["site_name"]) == ("active", [301, 302], "总馆")
    assert "public_key" not in body
    audited = await connection.fetchrow("select actor, action, subject from kit.audit_entry")
    assert tuple(audited or ()) == (caller.principal.actor, "scanner.enrolled", f"scanner:{body['id']}")


async def test_enrol_two_devices_of_one_site_share_it(
    city: httpx.AsyncClient, caller: Caller, clock: ManualClock, connection: Connection
) -> None:
    caller.principal = an_official("system_admin")
    answers = [await city.post("/v1/scanners", json=Device(clock).enrolment()) for _ in range(2)]
    assert len({answer.json()["site_id"] for answer in answers}) == 1
    assert await count(connection, "codes.scanner_site") == 1


async def test_enrol_repeated_with_the_same_key_answers_the_same(
    city: httpx.AsyncClient, caller: Caller, clock: ManualClock, connection: Connection
) -> None:
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    request = {"json": Device(clock).enrolment(), "headers": {"Idempotency-Key": "one"}}
    first, second = [await city.post("/v1/scanners", **request) for _ in range(2)]  # type: ignore[arg-type] # a dict of both
    assert first.json() == second.json()
    assert await count(connection, "codes.scanner") == 1


@pytest.mark.parametrize("who", STRANGERS)
async def test_enrol_by_anybody_else_is_refused(
    city: httpx.AsyncClient, caller: Caller, clock: ManualClock, connection: Connection, who: str
) -> None:
    caller.principal = STRANGERS[who]
    answer = await city.post("/v1/scanners", json=Device(clock).enrolment())
    assert answer.status_code == (401 if caller.principal is None else 403)
    assert await count(connection, "codes.scanner") == 0


@pytest.mark.parametrize("organization_id", [FIRE_RESCUE, None])
async def test_scanner_admin_is_in_charge_of_one_s_own_organization_only(
    city: httpx.AsyncClient, caller: Caller, clock: ManualClock, device: Device, organization_id: UUID | None
) -> None:
    caller.principal = an_official("scanner_admin", organization_id=organization_id)
    answers = [
        await city.post("/v1/scanners", json=Device(clock).enrolment()),
        await city.get(f"/v1/scanners?organization_id={LIBRARY}"),
        await city.delete(f"/v1/scanners/{device.id}"),
    ]
    refused = (403, "/problems/scanners-of-another-organization")
    assert [(answer.status_code, answer.json()["type"]) for answer in answers] == [refused] * 3
    assert (await city.post("/knock", content=b'{"word":"a"}', headers=_signed(device))).status_code == 200


async def test_system_admin_is_in_charge_everywhere(
    city: httpx.AsyncClient, caller: Caller, clock: ManualClock, device: Device
) -> None:
    caller.principal = an_official("system_admin", organization_id=FIRE_RESCUE)
    assert (await city.post("/v1/scanners", json=Device(clock).enrolment())).status_code == 201
    assert len((await city.get(f"/v1/scanners?organization_id={LIBRARY}")).json()["items"]) == 2
    assert (await city.delete(f"/v1/scanners/{device.id}")).status_code == 200


@pytest.mark.parametrize("who", STRANGERS)
async def test_list_and_revoke_by_anybody_else_is_refused(
    city: httpx.AsyncClient, caller: Caller, device: Device, who: str
) -> None:
    caller.principal = STRANGERS[who]
    refused = 401 if caller.principal is None else 403
    assert (await city.get(f"/v1/scanners?organization_id={LIBRARY}")).status_code == refused
    assert (await city.delete(f"/v1/scanners/{device.id}")).status_code == refused
    assert (await city.post("/knock", json={"word": "a"}, headers=_signed(device))).status_code == 200


def _signed(device: Device) -> dict[str, str]:
    return device.signed("POST", "/knock", b'{"word":"a"}') | {"content-type": "application/json"}


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "JWT"},
        {"aud": "https://elsewhere.example"},
        {"aud": [ORIGIN]},
        {"organization_id": str(uuid4())},
        {"iat": 0},
        {"iat": "now"},
        {"iat": True},
        {"key": ec.generate_private_key(ec.SECP256R1())},
        {"key": "a-shared-secret-of-32-characters!", "algorithm": "HS256"},
    ],
)
async def test_enrol_with_a_wrong_proof_is_refused(
    city: httpx.AsyncClient, caller: Caller, clock: ManualClock, connection: Connection, changes: Any
) -> None:
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    device = Device(clock)
    answer = await city.post("/v1/scanners", json=device.enrolment(proof=device.proof(**changes)))
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/scanner-proof-invalid")
    assert await count(connection, "codes.scanner") == 0
    assert await count(connection, "codes.scanner_site") == 0


async def test_enrol_with_a_proof_too_old_or_from_the_future_is_refused(
    city: httpx.AsyncClient, caller: Caller, clock: ManualClock
) -> None:
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    for seconds in (601, -31):
        body = Device(clock).enrolment()
        clock.advance(seconds)
        assert (await city.post("/v1/scanners", json=body)).json()["type"] == "/problems/scanner-proof-invalid"


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({"scenarios": []}, "fields-invalid"),
        ({"scenarios": ["x"]}, "fields-invalid"),
        ({"scenarios": [0]}, "scanner-scenarios-invalid"),
        ({"scenarios": [301, 301]}, "scanner-scenarios-invalid"),
        ({"scenarios": [301, 999]}, "scanner-scenarios-invalid"),
        ({"device_name": ""}, "fields-invalid"),
        ({"device_name": " gate "}, "fields-invalid"),
        ({"device_name": "x" * 61}, "fields-invalid"),
        ({"device_name": "a\u0000b"}, "fields-invalid"),
        ({"device_name": "gate\n"}, "fields-invalid"),
        ({"site": {"name": "总馆"}}, "fields-invalid"),
        ({"surprise": 1}, "fields-invalid"),
        ({"organization_id": "library"}, "fields-invalid"),
        ({"proof": "x" * 5000}, "fields-invalid"),
        ({"proof": "no.jws.here"}, "scanner-proof-invalid"),
    ],
)
async def test_enrol_with_a_wrong_field_is_refused(
    city: httpx.AsyncClient, caller: Caller, clock: ManualClock, changes: Any, slug: str
) -> None:
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    answer = await city.post("/v1/scanners", json=Device(clock).enrolment(**changes))
    assert (answer.status_code, answer.json()["type"]) == (400, f"/problems/{slug}")


@pytest.mark.parametrize("bent", [{"crv": "P-384"}, {"kty": "RSA"}, {"x": "A" * 43}, {"x": ""}, {"d": "A" * 43}])
async def test_enrol_with_a_wrong_key_is_refused(
    city: httpx.AsyncClient, caller: Caller, clock: ManualClock, bent: dict[str, str]
) -> None:
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    device = Device(clock)
    answer = await city.post("/v1/scanners", json=device.enrolment(public_key=jwk_of(device.key) | bent))
    assert answer.status_code == 400


async def test_enrol_for_an_organization_that_does_not_exist_is_refused(
    city: httpx.AsyncClient, caller: Caller, clock: ManualClock
) -> None:
    caller.principal = an_official("system_admin")
    device, nobody = Device(clock), str(uuid4())
    body = device.enrolment(organization_id=nobody, proof=device.proof(organization_id=nobody))
    assert (await city.post("/v1/scanners", json=body)).status_code == 404


@pytest.mark.parametrize("status", ["suspended", "closed"])
async def test_enrol_for_an_organization_that_is_not_active_is_refused(
    city: httpx.AsyncClient, caller: Caller, clock: ManualClock, organizations: KnownOrganizations, status: str
) -> None:
    caller.principal = an_official("system_admin")
    organizations.change(LIBRARY, status)
    answer = await city.post("/v1/scanners", json=Device(clock).enrolment())
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/organization-not-active")


async def test_enrol_a_key_twice_is_refused_even_after_its_end(
    city: httpx.AsyncClient, caller: Caller, device: Device
) -> None:
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    await city.delete(f"/v1/scanners/{device.id}")
    answer = await city.post("/v1/scanners", json=device.enrolment(device_name="二号闸机"))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/scanner-key-in-use")


async def test_revoke_scanner_is_seen_and_audited_once(
    city: httpx.AsyncClient, caller: Caller, device: Device, connection: Connection
) -> None:
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    answers = [await city.delete(f"/v1/scanners/{device.id}") for _ in range(2)]
    assert [answer.json()["state"] for answer in answers] == ["revoked", "revoked"]
    revoked = "select count(*) from kit.audit_entry where action = 'scanner.revoked'"
    assert await connection.fetchval(revoked) == 1


async def test_revoke_scanner_that_does_not_exist_is_refused(city: httpx.AsyncClient, caller: Caller) -> None:
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    answer = await city.delete(f"/v1/scanners/{uuid4()}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/scanner-unknown")
    assert (await city.delete("/v1/scanners/1")).status_code in {400, 404, 405}


async def test_list_scanners_goes_page_by_page(city: httpx.AsyncClient, caller: Caller, clock: ManualClock) -> None:
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    enrolled = [(await city.post("/v1/scanners", json=Device(clock).enrolment())).json()["id"] for _ in range(3)]
    first = (await city.get(f"/v1/scanners?organization_id={LIBRARY}&limit=2")).json()
    second = (await city.get(f"/v1/scanners?organization_id={LIBRARY}&limit=2&after={first['next']}")).json()
    assert sorted(item["id"] for item in first["items"] + second["items"]) == sorted(enrolled)
    assert second["next"] is None


@pytest.mark.parametrize("query", ["", "organization_id=x", f"organization_id={LIBRARY}&limit=0"])
async def test_list_scanners_with_a_wrong_query_is_refused(city: httpx.AsyncClient, caller: Caller, query: str) -> None:
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    assert (await city.get(f"/v1/scanners?{query}")).status_code == 400
