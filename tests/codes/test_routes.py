"""The codes over HTTP: a phone, a signing scanner, a citizen who reads, a venue that pulls; and everybody refused."""

import json
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection
from codes.offline_files import export_changes, export_files, verify_folder
from tests.codes.enterprise_city import (
    LIBRARY,
    STRANGERS,
    Caller,
    Device,
    a_principal,
    agent_of,
    an_official,
)
from tests.codes.personal_city import City, Phone

JSON = {"content-type": "application/json"}
FIELDS = {
    *("verification_id", "verdict", "reason", "retry", "mode", "repeated", "kind", "scenario", "checks"),
    *("freshness", "disclosed", "withheld", "sources", "scanner", "receipt", "form_ticket", "printed"),
}


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.fixture
async def device(http: httpx.AsyncClient, caller: Caller, clock: ManualClock) -> Device:
    device = Device(clock)
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    answer = await http.post("/v1/scanners", json=device.enrolment())
    assert answer.status_code == 201, answer.text
    device.id = answer.json()["id"]
    caller.principal = None
    return device


async def verify(http: httpx.AsyncClient, device: Device, **body: Any) -> httpx.Response:
    content = as_json(body)
    headers = device.signed("POST", "/v1/verifications", content)
    return await http.post("/v1/verifications", content=content, headers=JSON | headers)


async def test_from_grant_to_record(
    http: httpx.AsyncClient, city: City, caller: Caller, device: Device, connection: Connection
) -> None:
    phone = Phone(city, city.people.add())
    caller.principal = phone.principal
    request = phone.request()
    answer = await http.post("/v1/codes/grants", json={"request": request.request}, headers={"Idempotency-Key": "k1"})
    assert answer.status_code == 201, answer.text
    assert len(answer.json()["grants"]) == 8
    again = await http.post("/v1/codes/grants", json={"request": request.request}, headers={"Idempotency-Key": "k1"})
    assert again.json() == answer.json()
    await phone.fetch(connection)
    caller.principal = None
    verdict = await verify(http, device, code=phone.show(), scenario=301, request_id="request-0001")
    assert (verdict.status_code, verdict.json()["verdict"]) == (200, "ACCEPT")
    assert verdict.json()["scanner"] == {"org": "演示图书馆", "site": "总馆", "device": "一号闸机"}
    assert set(verdict.json()) == FIELDS
    caller.principal = phone.principal
    scans = (await http.get("/v1/codes/scans")).json()
    assert [scan["verification_id"] for scan in scans["items"]] == [verdict.json()["verification_id"]]
    revoked = await http.post("/v1/codes/revocations", json={"device_id": str(phone.id)})
    assert (revoked.status_code, revoked.json()["grants"]) == (201, 16)
    assert (await verify(http, device, code=phone.show(age=4), scenario=301)).json()["reason"] == "REVOKED"


async def test_a_venue_pulls_lists_and_verifies_without_the_city(
    http: httpx.AsyncClient, city: City, connection: Connection, tmp_path: Path, clock: ManualClock
) -> None:
    phone = await city.a_phone(connection)
    shards = (await http.get("/v1/status")).json()["items"]
    paths = ["/v1/trust-root", "/v1/trust-list", "/v1/status", *(f"/v1/status/{shard}" for shard in shards)]
    answers = {path: (await http.get(path)).raise_for_status().content for path in paths}
    export_files(answers.__getitem__, tmp_path)
    result = verify_folder(phone.show(), tmp_path, scenario=301, now=clock.now())
    assert (result.verdict, result.mode, result.freshness.status_as_of) == ("ACCEPT", "offline", clock.now())
    await city.codes.grants.device_revoked(connection, phone.id, clock.now())
    await city.codes.status_steps.take_when_due()
    clock.advance(60)
    answers["/v1/status/changes?after=0"] = (await http.get("/v1/status/changes?after=0")).raise_for_status().content
    export_changes(answers.__getitem__, tmp_path, clock.now())
    result = verify_folder(phone.show(), tmp_path, scenario=301, now=clock.now())
    assert (result.verdict, result.reason, result.freshness.status_as_of) == ("REJECT", "REVOKED", clock.now())


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 400), ("?after=-1", 400), ("?after=x", 400), ("?after=7", 410), (f"?after={1 << 70}", 400)],
)
async def test_changes_after_nothing_that_was_are_refused(http: httpx.AsyncClient, query: str, status: int) -> None:
    answer = await http.get(f"/v1/status/changes{query}")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("path", ["/v1/trust-list", "/v1/status/0"])
async def test_unchanged_lists_are_304(http: httpx.AsyncClient, path: str) -> None:
    first = await http.get(path)
    again = await http.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"].startswith("public")


@pytest.mark.parametrize("shard", ["999", "-1", "4294967296", "99999999999999999999", "x"])
async def test_unknown_shards_are_404(http: httpx.AsyncClient, shard: str) -> None:
    answer = await http.get(f"/v1/status/{shard}")
    assert answer.status_code == 404


@pytest.mark.parametrize("who", STRANGERS)
async def test_only_persons_get_grants_and_revoke(http: httpx.AsyncClient, caller: Caller, who: str) -> None:
    caller.principal = STRANGERS[who]
    grants = await http.post("/v1/codes/grants", json={"request": "x"})
    revocation = await http.post("/v1/codes/revocations", json={})
    if who == "person":
        assert (grants.status_code, revocation.status_code) == (403, 201)
    else:
        assert {grants.status_code, revocation.status_code} == {401 if who == "anonymous" else 403}


@pytest.mark.parametrize("who", STRANGERS)
async def test_only_citizens_read_scans(http: httpx.AsyncClient, caller: Caller, who: str) -> None:
    caller.principal = STRANGERS[who]
    answer = await http.get("/v1/codes/scans")
    allowed = caller.principal is not None and caller.principal.subject_type != "official"
    assert answer.status_code == (200 if allowed else 401 if who == "anonymous" else 403)


async def test_a_code_is_verified_for_signed_scanners_only(
    http: httpx.AsyncClient, city: City, caller: Caller, device: Device, connection: Connection
) -> None:
    phone = await city.a_phone(connection)
    body = as_json({"code": phone.show(), "scenario": 301})
    for principal in (None, phone.principal, an_official("system_admin"), agent_of(phone.person.id)):
        caller.principal = principal
        assert (await http.post("/v1/verifications", content=body, headers=JSON)).status_code == 401
    other = device.signed("POST", "/v1/verifications", as_json({"code": "", "scenario": 301}))
    assert (await http.post("/v1/verifications", content=body, headers=JSON | other)).status_code == 401


async def test_a_revoked_scanner_gets_a_verdict_by_name(
    http: httpx.AsyncClient, city: City, caller: Caller, device: Device, connection: Connection
) -> None:
    phone = await city.a_phone(connection)
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    assert (await http.delete(f"/v1/scanners/{device.id}")).status_code == 200
    caller.principal = None
    answer = await verify(http, device, code=phone.show(), scenario=301)
    assert (answer.status_code, answer.json()["reason"]) == (200, "SCANNER_NOT_REGISTERED")


BAD_REQUESTS: dict[str, dict[str, Any]] = {
    "no code": {"scenario": 301},
    "no scenario": {"code": ""},
    "code is no text": {"code": 5, "scenario": 301},
    "scenario is no number": {"code": "", "scenario": "library"},
    "an unknown field": {"code": "", "scenario": 301, "extra": 1},
    "a short request id": {"code": "", "scenario": 301, "request_id": "1"},
    "a request id with a zero byte": {"code": "", "scenario": 301, "request_id": "12345678\x00"},
    "a request id with a newline": {"code": "", "scenario": 301, "request_id": "12345678\n"},
    "a nonce that is no base64url": {"code": "", "scenario": 301, "cnonce": "not base64url!"},
}


@pytest.mark.parametrize("body", BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
async def test_a_malformed_request_is_a_problem(http: httpx.AsyncClient, device: Device, body: dict[str, Any]) -> None:
    answer = await verify(http, device, **body)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_an_unknown_scenario_is_a_problem(http: httpx.AsyncClient, device: Device) -> None:
    answer = await verify(http, device, code="", scenario=999)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/scenario-unknown")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(code=st.text(max_size=200), nonce=st.from_regex(r"\A[A-Za-z0-9_-]{11,43}\Z"))
async def test_whatever_was_read_is_a_verdict(http: httpx.AsyncClient, device: Device, code: str, nonce: str) -> None:
    answer = await verify(http, device, code=code, scenario=301, cnonce=nonce)
    assert answer.status_code == 200
    assert answer.json()["verdict"] == "REJECT"


async def test_bad_grant_requests_are_problems(http: httpx.AsyncClient, city: City, caller: Caller) -> None:
    phone = Phone(city, city.people.add())
    caller.principal = phone.principal
    stale = phone.request(iat=1).request
    for body in ({"request": stale}, {"request": "a.b.c"}, {"request": jwt.encode({}, "k" * 32)}, {}, {"requests": ""}):
        answer = await http.post("/v1/codes/grants", json=body)
        assert answer.status_code == 400, answer.text
    caller.principal = a_principal("person", device_id=phone.id)
    answer = await http.post("/v1/codes/grants", json={"request": phone.request().request})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/device-not-ready")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "after=x"])
async def test_pages_of_scans_have_bounds(http: httpx.AsyncClient, caller: Caller, query: str) -> None:
    caller.principal = a_principal("person")
    assert (await http.get(f"/v1/codes/scans?{query}")).status_code == 400


async def test_the_root_says_how_this_city_s_codes_look(http: httpx.AsyncClient) -> None:
    root = json.loads((await http.get("/v1/trust-root")).content)
    assert (root["environment"], root["prefix"]) == ("development", "SSM1:")
    assert all("d" not in key for key in root["keys"])
