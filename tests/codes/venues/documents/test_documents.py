"""Typed documents: only with the city's permission, a holder, and a try left; told to the holder like every scan."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.ids import new_id
from auth.documents import make_synthetic_id_number
from codes.scenarios.errors import ScenarioUnknown
from codes.venues.documents.models import PER_ORGANIZATION, PER_SCANNER, VerifyDocument
from codes.venues.scanners.models import Scanner
from codes.verdict import Reason, Verdict, VerificationResult
from tests.codes.enterprise_city import (
    FIRE_RESCUE,
    LIBRARY,
    Caller,
    Device,
    a_principal,
    an_official,
)
from tests.codes.personal_city import City, a_scanner

LIBRARY_ENTRY, LENDING, OFFICE, FIRE_CHECK = 301, 302, 602, 804
NUMBER, NOBODY_S = (make_synthetic_id_number(birth=date(1990, 1, 1), sequence=sequence) for sequence in (1, 2))
WRONG_CHECK = NUMBER[:-1] + str((int(NUMBER[-1].replace("X", "10")) + 1) % 10)
FULL_WIDTH = NUMBER.translate(str.maketrans("0123456789X", "０１２３４５６７８９Ｘ"))


@pytest.fixture
def principal(city: City) -> Any:
    person = city.people.add()
    city.people.by_document[NUMBER] = person.id
    return a_principal("person", subject_id=person.id)


@pytest.fixture
async def desk(connection: Connection, principal: Any) -> Scanner:
    """A device whose staff may type in both of its scenarios."""
    assert principal
    return await a_desk(connection)


async def a_desk(connection: Connection, *scenarios: int, **facts: Any) -> Scanner:
    desk = a_scanner(*(scenarios or (LIBRARY_ENTRY, LENDING)), **facts)
    await enrolled(connection, desk)
    await connection.execute(
        "insert into codes.document_entry (scanner_id, scenarios, legal_basis, granted_by, granted_at)"
        " values ($1, $2, 'basis', 'official:x', '2026-03-02')",
        desk.id,
        sorted(desk.scenarios),
    )
    return desk


async def enrolled(connection: Connection, desk: Scanner) -> None:
    """The rows that a permission hangs on."""
    await connection.execute(
        "insert into codes.scanner_site (id, organization_id, name, address, created_at)"
        " values ($1, $2, $3, 'address', '2026-03-02')",
        desk.site_id,
        desk.organization_id,
        str(desk.site_id),
    )
    await connection.execute(
        "insert into codes.scanner (id, organization_id, site_id, device_name, scenarios, public_key, thumbprint,"
        " profile, state, enrolled_at) values ($1, $2, $3, 'desk', $4, ''::bytea, $5, 1, 'active', '2026-03-02')",
        desk.id,
        desk.organization_id,
        desk.site_id,
        sorted(desk.scenarios),
        str(desk.id),
    )


async def type_in(
    city: City, connection: Connection, desk: Scanner, number: str = NUMBER, **asked: Any
) -> VerificationResult:
    body: dict[str, Any] = {"scenario": LENDING, "holder_checked": True, "document_number": number}
    return await city.codes.typed_documents.verify(connection, desk, VerifyDocument(**(body | asked)))


def checks_of(result: VerificationResult) -> dict[str, str]:
    return {check.name: check.result for check in result.checks}


async def test_a_right_number_has_the_result_of_every_code(
    city: City, connection: Connection, desk: Scanner, principal: Any
) -> None:
    result = await type_in(city, connection, desk)
    assert (result.verdict, result.reason, result.kind, result.mode) == ("ACCEPT", "OK", "document", "online")
    assert "openid" in result.disclosed
    made = {name for name, outcome in checks_of(result).items() if outcome == "pass"}
    assert made == {"format", "kind", "trust_list", "status", "scenario", "scanner", "holder", "replay"}
    assert result.receipt is not None
    scans = await city.codes.scan_records.list_scans(connection, principal, after=None, limit=5)
    told = [(item.kind, item.verdict, item.disclosed) for item in scans.items]
    assert told == [("document", "ACCEPT", sorted(result.disclosed))]


@pytest.mark.parametrize("number", [f"{NUMBER[:6]} {NUMBER[6:14]}-{NUMBER[14:].lower()}", FULL_WIDTH])
async def test_a_number_is_read_as_staff_write_it(
    city: City, connection: Connection, desk: Scanner, number: str
) -> None:
    assert (await type_in(city, connection, desk, number)).reason is Reason.OK


@pytest.mark.parametrize("number", [WRONG_CHECK, "1", "A", f"{NUMBER} OR 1=1", "190000199002300010"])
async def test_a_mistyped_number_is_malformed_and_no_try(
    city: City, connection: Connection, desk: Scanner, number: str
) -> None:
    for _ in range(PER_SCANNER.tries + 1):
        result = await type_in(city, connection, desk, number)
    assert (result.verdict, result.reason, result.kind) == (Verdict.REJECT, Reason.MALFORMED, "document")
    assert (await type_in(city, connection, desk)).reason is Reason.OK


async def test_a_number_of_nobody_s_goes_to_a_person_and_says_nothing(
    city: City, connection: Connection, desk: Scanner
) -> None:
    result = await type_in(city, connection, desk, NOBODY_S)
    assert (result.verdict, result.reason, result.disclosed) == (Verdict.REVIEW, Reason.STATUS_UNKNOWN, {})


async def test_a_number_of_another_kind_of_document_is_another_number(
    city: City, connection: Connection, desk: Scanner
) -> None:
    result = await type_in(city, connection, desk, "E12345678", document_type="passport")
    assert result.reason is Reason.STATUS_UNKNOWN
    malformed = await type_in(city, connection, desk, "E12345678")
    assert malformed.reason is Reason.MALFORMED


async def test_without_a_look_at_the_holder_nothing_is_looked_up(
    city: City, connection: Connection, desk: Scanner
) -> None:
    for number in (NUMBER, NOBODY_S, "nonsense"):
        result = await type_in(city, connection, desk, number, holder_checked=False)
        assert (result.verdict, result.reason) == (Verdict.REVIEW, Reason.HOLDER_CHECK_REQUIRED)
        assert {name for name, outcome in checks_of(result).items() if outcome != "skipped"} == {"holder"}
    rows = await connection.fetch("select subject_id from codes.verification")
    assert [row["subject_id"] for row in rows] == [None] * 3
    assert await connection.fetchval("select count(*) from codes.attempt") == 0


NOT_ALLOWED: dict[str, Callable[[Connection, Scanner], Any]] = {
    "never permitted": lambda connection, _desk: connection.execute("delete from codes.document_entry"),
    "permission ended": lambda connection, _desk: connection.execute(
        "update codes.document_entry set revoked_at = '2026-03-02'"
    ),
    "another scenario": lambda connection, _desk: connection.execute(
        "update codes.document_entry set scenarios = array[301]"
    ),
    "another device's": lambda connection, desk: connection.execute(
        "update codes.document_entry set scanner_id = (select id from codes.scanner where id <> $1)", desk.id
    ),
}


@pytest.mark.parametrize("change", NOT_ALLOWED.values(), ids=NOT_ALLOWED.keys())
async def test_without_the_city_s_permission_nothing_is_looked_up(
    city: City, connection: Connection, desk: Scanner, change: Callable[..., Any]
) -> None:
    await enrolled(connection, a_scanner(LENDING))
    await change(connection, desk)
    for number in (NUMBER, NOBODY_S):
        result = await type_in(city, connection, desk, number)
        assert (result.verdict, result.reason) == (Verdict.REJECT, Reason.SCANNER_NOT_ALLOWED)


async def test_a_permission_gives_no_scenario(city: City, connection: Connection, desk: Scanner) -> None:
    elsewhere = msgspec.structs.replace(desk, scenarios=frozenset({LIBRARY_ENTRY}))
    assert (await type_in(city, connection, elsewhere)).reason is Reason.SCANNER_NOT_ALLOWED
    ended = msgspec.structs.replace(desk, state="revoked")
    assert (await type_in(city, connection, ended)).reason is Reason.SCANNER_NOT_REGISTERED


async def test_what_rests_on_consent_is_not_told_for_a_number(
    city: City, connection: Connection, principal: Any
) -> None:
    assert principal
    desk = await a_desk(connection, OFFICE)
    result = await type_in(city, connection, desk, scenario=OFFICE)
    assert (result.verdict, result.reason, result.disclosed) == (Verdict.REVIEW, Reason.CONSENT_REQUIRED, {})


async def test_a_scenario_of_stickers_takes_no_documents(city: City, connection: Connection, principal: Any) -> None:
    assert principal
    desk = await a_desk(connection, FIRE_CHECK)
    assert (await type_in(city, connection, desk, scenario=FIRE_CHECK)).verdict is not Verdict.ACCEPT


async def test_an_unknown_scenario_is_an_error_of_the_request(
    city: City, connection: Connection, desk: Scanner
) -> None:
    with pytest.raises(ScenarioUnknown):
        await type_in(city, connection, desk, scenario=999)


async def test_a_device_types_only_so_often(
    city: City, connection: Connection, desk: Scanner, clock: ManualClock
) -> None:
    for number in [NUMBER, NOBODY_S] * (PER_SCANNER.tries // 2):
        assert (await type_in(city, connection, desk, number)).reason in (Reason.OK, Reason.STATUS_UNKNOWN)
    limited = await type_in(city, connection, desk)
    assert (limited.verdict, limited.reason, limited.disclosed) == (Verdict.REVIEW, Reason.RATE_LIMITED, {})
    clock.advance(PER_SCANNER.seconds)
    assert (await type_in(city, connection, desk)).reason is Reason.OK


async def test_an_organization_types_only_so_often_on_all_its_devices(
    city: City, connection: Connection, desk: Scanner, clock: ManualClock
) -> None:
    await connection.execute(
        "insert into codes.attempt (who, what, window_start, tried) values ($1, 'document', $2, $3)",
        LIBRARY,
        PER_ORGANIZATION.window_of(clock.now()),
        PER_ORGANIZATION.tries - 1,
    )
    assert (await type_in(city, connection, desk)).reason is Reason.OK
    other = await a_desk(connection, device_name="二号柜台")
    assert (await type_in(city, connection, other)).reason is Reason.RATE_LIMITED
    elsewhere = await a_desk(connection, organization_id=FIRE_RESCUE)
    assert (await type_in(city, connection, elsewhere)).reason is Reason.OK


async def test_a_closed_account_is_no_holder(city: City, connection: Connection, desk: Scanner, principal: Any) -> None:
    person = city.people.by_id[principal.subject_id]
    city.people.by_id[person.id] = msgspec.structs.replace(person, status="closed")
    result = await type_in(city, connection, desk)
    assert (result.reason, result.disclosed) == (Reason.REVOKED, {})


async def test_no_number_is_written_anywhere(city: City, connection: Connection, desk: Scanner) -> None:
    await type_in(city, connection, desk)
    await type_in(city, connection, desk, NOBODY_S)
    rows = await connection.fetch(
        "select v::text as row from codes.verification v union all select a::text from codes.attempt a"
    )
    assert not any(number in row["row"] for row in rows for number in (NUMBER, NOBODY_S, NUMBER[-4:]))


# By HTTP.


@pytest.fixture
async def device(http: httpx.AsyncClient, caller: Caller, clock: ManualClock) -> Device:
    device = Device(clock)
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    answer = await http.post("/v1/scanners", json=device.enrolment())
    device.id = answer.json()["id"]
    return device


def path_of(device: Device) -> str:
    return f"/v1/scanners/{device.id}/document-entry"


ALLOWED = {"scenarios": [LENDING], "legal_basis": "《演示市图书馆条例》第九条"}


async def ask(http: httpx.AsyncClient, device: Device, **changes: Any) -> httpx.Response:
    body = {"document_number": NUMBER, "scenario": LENDING, "holder_checked": True} | changes
    content = json.dumps(body).encode()
    headers = device.signed("POST", "/v1/verifications/documents", content)
    return await http.post("/v1/verifications/documents", content=content, headers=headers)


async def test_a_permission_is_given_used_and_taken_back(
    *, http: httpx.AsyncClient, caller: Caller, device: Device, principal: Any, connection: Connection
) -> None:
    assert principal
    caller.principal = an_official("system_admin")
    assert (await ask(http, device)).json()["reason"] == "SCANNER_NOT_ALLOWED"
    assert (await http.get(path_of(device))).status_code == 404
    given = await http.put(path_of(device), json=ALLOWED)
    assert (given.status_code, given.json()["scenarios"]) == (200, [LENDING])
    assert (await ask(http, device)).json()["verdict"] == "ACCEPT"
    assert (await http.get(path_of(device))).json() == given.json()
    ended = await http.delete(path_of(device))
    assert ended.json()["revoked_at"] is not None
    assert (await ask(http, device)).json()["reason"] == "SCANNER_NOT_ALLOWED"
    actions = await connection.fetch("select action from kit.audit_entry where action like 'document%' order by id")
    assert [row["action"] for row in actions] == ["document_entry.allowed", "document_entry.ended"]


BENT: dict[str, Any] = {
    "no scenario": ALLOWED | {"scenarios": []},
    "twice": ALLOWED | {"scenarios": [LENDING, LENDING]},
    "unknown": ALLOWED | {"scenarios": [999]},
    "of stickers": ALLOWED | {"scenarios": [FIRE_CHECK]},
    "resting on consent": ALLOWED | {"scenarios": [OFFICE]},
    "no basis": ALLOWED | {"legal_basis": ""},
    "two lines": ALLOWED | {"legal_basis": "a\nb"},
}


@pytest.mark.parametrize("body", BENT.values(), ids=BENT.keys())
async def test_a_bent_permission_is_refused(
    http: httpx.AsyncClient, caller: Caller, device: Device, body: dict[str, Any]
) -> None:
    caller.principal = an_official("system_admin")
    assert (await http.put(path_of(device), json=body)).status_code == 400


async def test_a_permission_of_no_scanner_is_refused(http: httpx.AsyncClient, caller: Caller) -> None:
    caller.principal = an_official("system_admin")
    assert (await http.put(f"/v1/scanners/{new_id()}/document-entry", json=ALLOWED)).status_code == 404
    assert (await http.delete(f"/v1/scanners/{new_id()}/document-entry")).status_code == 404


NOT_THE_CITY: dict[str, tuple[Callable[[], Any], int]] = {
    "nobody": (lambda: None, 401),
    "the venue's own administrator": (lambda: an_official("scanner_admin", organization_id=LIBRARY), 403),
    "a counter": (lambda: an_official("counter"), 403),
    "a citizen": (lambda: a_principal("person"), 403),
}


@pytest.mark.parametrize(("who", "status"), NOT_THE_CITY.values(), ids=NOT_THE_CITY.keys())
async def test_nobody_but_the_city_gives_permissions(
    *, http: httpx.AsyncClient, caller: Caller, device: Device, who: Callable[[], Any], status: int
) -> None:
    caller.principal = who()
    assert (await http.put(path_of(device), json=ALLOWED)).status_code == status
    assert (await http.get(path_of(device))).status_code == status
    assert (await http.delete(path_of(device))).status_code == status


async def test_an_unsigned_question_is_refused(http: httpx.AsyncClient) -> None:
    body = {"document_number": NUMBER, "scenario": LENDING, "holder_checked": True}
    assert (await http.post("/v1/verifications/documents", json=body)).status_code == 401


@pytest.mark.parametrize(
    "changes", [{"name": "测试甲"}, {"document_number": ""}, {"document_number": "1" * 41}, {"document_type": "visa"}]
)
async def test_a_bent_question_is_refused(http: httpx.AsyncClient, device: Device, changes: dict[str, Any]) -> None:
    assert (await ask(http, device, **changes)).status_code == 400
