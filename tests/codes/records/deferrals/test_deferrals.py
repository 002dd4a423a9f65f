"""A notice is deferred by law, by two officials and for a time; then the holder reads of the scan, and why so late."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.database import Connection
from app.kit.ids import new_id
from auth.principal import Principal
from codes.records.deferrals.models import LONGEST_DAYS, READABLE, may_be_deferred
from codes.scenarios.catalogue import load_scenarios
from codes.venues.scanners.models import Scanner
from tests.codes.enterprise_city import FIRE_RESCUE, LIBRARY, STRANGERS, Device, an_official
from tests.codes.personal_city import Phone, a_scanner
from tests.codes.record_city import Record

NOTICES, TOTALS, SCANS = "/v1/staff/deferred-notices", "/v1/codes/deferred-notices", "/v1/codes/scans"
HOTEL, LIBRARY_ENTRY = 601, 301
PROPOSER = an_official("scanner_admin", organization_id=LIBRARY)
SECURITY = an_official("security_admin")
LAW = "《刑事诉讼法》第一百五十二条"


@pytest.fixture
async def door(record: Record) -> Scanner:
    """An enrolled device of the library's that asks as the law wants, and as a library does."""
    device = Device(record.clock)
    enrolment = device.enrolment(scenarios=[HOTEL, LIBRARY_ENTRY])
    answer = await record.call(PROPOSER, "POST", "/v1/scanners", json=enrolment)
    assert answer.status_code == 201, answer.text
    return a_scanner(HOTEL, LIBRARY_ENTRY, id=UUID(answer.json()["id"]))


async def propose(record: Record, door: Scanner, **changes: Any) -> dict[str, Any]:
    body = {"scanner_id": str(door.id), "scenario": HOTEL, "legal_basis": LAW, "days": 7} | changes
    answer = await record.call(PROPOSER, "POST", NOTICES, json=body)
    assert answer.status_code == 201, answer.text
    proposed: dict[str, Any] = answer.json()
    return proposed


async def decide(record: Record, notice: dict[str, Any], *, by: Principal = SECURITY, approve: bool = True) -> Any:
    path = f"{NOTICES}/{notice['id']}/decision"
    return await record.call(by, "POST", path, json={"approve": approve})


async def approved(record: Record, door: Scanner, **changes: Any) -> dict[str, Any]:
    answer = await decide(record, await propose(record, door, **changes))
    assert answer.status_code == 200, answer.text
    notice: dict[str, Any] = answer.json()
    return notice


async def read(record: Record, phone: Phone) -> list[str]:
    return [item["verification_id"] for item in await record.read(phone.principal, SCANS)]


async def test_a_deferred_scan_is_read_afterwards_with_the_law(record: Record, door: Scanner, phone: Phone) -> None:
    notice = await approved(record, door)
    scan = await record.scan(phone, HOTEL, scanner=door)
    record.clock.advance(7 * 86400 - 1)
    assert await read(record, phone) == []
    record.clock.advance(1)
    (item,) = await record.read(phone.principal, SCANS)
    assert item["verification_id"] == scan
    assert item["deferral"]["legal_basis"] == LAW
    assert datetime.fromisoformat(item["deferral"]["until"]) == datetime.fromisoformat(notice["ends_at"])


async def test_other_scans_are_read_at_once(record: Record, door: Scanner, phone: Phone) -> None:
    before = await record.scan(phone, HOTEL, scanner=door)
    record.clock.advance(1)
    await approved(record, door)
    record.clock.advance(1)
    hidden = await record.scan(phone, HOTEL, scanner=door, grant=1)
    elsewhere = await record.scan(phone, HOTEL, scanner=a_scanner(HOTEL), grant=2)
    another_scenario = await record.scan(phone, LIBRARY_ENTRY, scanner=door, grant=3)
    assert set(await read(record, phone)) == {before, elsewhere, another_scenario}
    record.clock.advance(7 * 86400)
    after = await record.scan(await record.city.a_phone(record.connection), HOTEL, scanner=door)
    assert set(await read(record, phone)) == {before, hidden, elsewhere, another_scenario}
    assert after not in await read(record, phone)


async def test_a_proposal_hides_nothing(record: Record, door: Scanner, phone: Phone) -> None:
    await propose(record, door)
    scan = await record.scan(phone, HOTEL, scanner=door)
    assert await read(record, phone) == [scan]


async def test_a_refused_proposal_hides_nothing(record: Record, door: Scanner, phone: Phone) -> None:
    answer = await decide(record, await propose(record, door), approve=False)
    assert (answer.json()["state"], answer.json()["in_force"]) == ("refused", False)
    scan = await record.scan(phone, HOTEL, scanner=door)
    assert await read(record, phone) == [scan]


async def test_ending_early_tells_at_once(record: Record, door: Scanner, phone: Phone) -> None:
    notice = await approved(record, door)
    scan = await record.scan(phone, HOTEL, scanner=door)
    record.clock.advance(60)
    assert await read(record, phone) == []
    ended = await record.call(PROPOSER, "DELETE", f"{NOTICES}/{notice['id']}")
    assert (ended.status_code, ended.json()["in_force"]) == (200, False)
    assert await read(record, phone) == [scan]
    again = await record.call(PROPOSER, "DELETE", f"{NOTICES}/{notice['id']}")
    assert again.json() == ended.json()


async def test_what_is_hidden_cannot_be_complained_about_yet(record: Record, door: Scanner, phone: Phone) -> None:
    """Else a guess would tell that there was a scan."""
    await approved(record, door)
    scan = await record.scan(phone, HOTEL, scanner=door)
    body = {"verification_id": scan}
    hidden = await record.call(phone.principal, "POST", "/v1/codes/complaints", json=body)
    nothing = await record.call(
        phone.principal, "POST", "/v1/codes/complaints", json={"verification_id": str(new_id())}
    )
    assert (hidden.status_code, hidden.json()) == (nothing.status_code, nothing.json())
    record.clock.advance(7 * 86400)
    told = await record.call(phone.principal, "POST", "/v1/codes/complaints", json=body)
    assert told.status_code == 201


async def test_pages_neither_show_nor_count_what_is_hidden(record: Record, door: Scanner, phone: Phone) -> None:
    seen = [await record.scan(phone, LIBRARY_ENTRY, grant=grant) for grant in range(3)]
    await approved(record, door)
    for grant in range(3, 6):
        await record.scan(phone, HOTEL, scanner=door, grant=grant)
    page = (await record.call(phone.principal, "GET", f"{SCANS}?limit=3")).json()
    assert ({item["verification_id"] for item in page["items"]}, page["next"]) == (set(seen), None)


async def test_nobody_decides_about_their_own_proposal(record: Record, door: Scanner) -> None:
    both = an_official("security_admin", "scanner_admin", organization_id=LIBRARY)
    body = {"scanner_id": str(door.id), "scenario": HOTEL, "legal_basis": LAW, "days": 7}
    proposed = (await record.call(both, "POST", NOTICES, json=body)).json()
    answer = await decide(record, proposed, by=both)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/second-official-needed")
    assert (await decide(record, proposed)).status_code == 200


async def test_a_proposal_is_decided_once_and_soon(record: Record, door: Scanner) -> None:
    notice = await approved(record, door)
    again = await decide(record, notice, by=an_official("security_admin"), approve=False)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/deferral-decided")
    old = await propose(record, door)
    record.clock.advance(2 * 86400)
    late = await decide(record, old)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/deferral-decided")


async def test_the_days_begin_with_the_approval(record: Record, door: Scanner) -> None:
    proposed = await propose(record, door, days=5)
    record.clock.advance(86400)
    notice = (await decide(record, proposed)).json()
    assert datetime.fromisoformat(notice["ends_at"]) == record.clock.now() + timedelta(days=5)


REFUSED: dict[str, dict[str, Any]] = {
    "by contract": {"scenario": LIBRARY_ENTRY},
    "a scenario of other devices": {"scenario": 107},
    "no scenario": {"scenario": 999},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
async def test_only_statutory_scenarios_of_the_device(record: Record, door: Scanner, changes: dict[str, Any]) -> None:
    body = {"scanner_id": str(door.id), "scenario": HOTEL, "legal_basis": LAW, "days": 7} | changes
    answer = await record.call(PROPOSER, "POST", NOTICES, json=body)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/deferral-not-allowed")


@pytest.mark.parametrize(
    "changes", [{"days": 0}, {"days": LONGEST_DAYS + 1}, {"legal_basis": "法"}, {"legal_basis": " "}]
)
async def test_a_law_and_an_end_are_needed(record: Record, door: Scanner, changes: dict[str, Any]) -> None:
    body = {"scanner_id": str(door.id), "scenario": HOTEL, "legal_basis": LAW, "days": 7} | changes
    answer = await record.call(PROPOSER, "POST", NOTICES, json=body)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/fields-invalid")


async def test_devices_of_others_are_unknown(record: Record, door: Scanner) -> None:
    for principal in (
        an_official("scanner_admin", organization_id=FIRE_RESCUE),
        an_official("inspector", organization_id=None),
    ):
        body = {"scanner_id": str(door.id), "scenario": HOTEL, "legal_basis": LAW, "days": 7}
        answer = await record.call(principal, "POST", NOTICES, json=body)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/scanner-unknown")


async def test_others_neither_see_nor_end_it(record: Record, door: Scanner) -> None:
    notice = await approved(record, door)
    outsider = an_official("scanner_admin", organization_id=FIRE_RESCUE)
    assert await record.read(outsider, NOTICES) == []
    ended = await record.call(outsider, "DELETE", f"{NOTICES}/{notice['id']}")
    assert (ended.status_code, ended.json()["type"]) == (404, "/problems/deferral-unknown")
    assert [one["id"] for one in await record.read(PROPOSER, NOTICES)] == [notice["id"]]
    assert [one["id"] for one in await record.read(an_official("audit_admin"), NOTICES)] == [notice["id"]]


@pytest.mark.parametrize("who", STRANGERS)
async def test_strangers_are_refused(record: Record, door: Scanner, who: str) -> None:
    principal, notice = STRANGERS[who], await propose(record, door)
    expected = 401 if principal is None else 403
    body = {"scanner_id": str(door.id), "scenario": HOTEL, "legal_basis": LAW, "days": 7}
    assert (await record.call(principal, "POST", NOTICES, json=body)).status_code == expected
    assert (await record.call(principal, "GET", NOTICES)).status_code == expected
    assert (await record.call(principal, "DELETE", f"{NOTICES}/{notice['id']}")).status_code == expected
    answer = await record.call(principal, "POST", f"{NOTICES}/{notice['id']}/decision", json={"approve": True})
    assert answer.status_code == expected


async def test_the_proposer_s_role_decides_nothing(record: Record, door: Scanner) -> None:
    answer = await decide(record, await propose(record, door), by=an_official("scanner_admin", organization_id=LIBRARY))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/role-missing")


async def test_the_totals_are_everybody_s(record: Record, door: Scanner) -> None:
    await approved(record, door)
    ended = await approved(record, door)
    record.clock.advance(1)
    await record.call(SECURITY, "DELETE", f"{NOTICES}/{ended['id']}")
    await decide(record, await propose(record, door), approve=False)
    await propose(record, door)
    answer = await record.call(None, "GET", TOTALS)
    assert answer.status_code == 200
    (total,) = answer.json()["items"]
    assert total["scenario"]["number"] == HOTEL
    assert (total["year"], total["approved"], total["refused"], total["in_force"]) == (2026, 2, 1, 1)


async def test_every_step_is_in_the_audit_log(record: Record, door: Scanner, connection: Connection) -> None:
    notice = await approved(record, door)
    record.clock.advance(1)
    await record.call(SECURITY, "DELETE", f"{NOTICES}/{notice['id']}")
    rows = await connection.fetch(
        "select actor, action from kit.audit_entry where action like 'deferral.%' order by id"
    )
    assert [(row["actor"], row["action"]) for row in rows] == [
        (PROPOSER.actor, "deferral.proposed"),
        (SECURITY.actor, "deferral.approved"),
        (SECURITY.actor, "deferral.ended"),
    ]


@given(scenario=st.sampled_from(list(load_scenarios())), days=st.integers(1, LONGEST_DAYS))
def test_a_holder_always_has_a_week_to_read(scenario: Any, days: int) -> None:
    if may_be_deferred(scenario, days):
        assert scenario.basis_kind == "statutory"
        assert timedelta(days=scenario.retention_days) - timedelta(days=days) >= READABLE
