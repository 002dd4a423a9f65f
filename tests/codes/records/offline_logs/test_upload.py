"""Offline logs over HTTP: recorded once, examined as of their moment, flagged where door and books disagree."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.ids import new_id
from codes.envelope.claims import Kind
from codes.records.offline_logs.history import TrustHistory, left_by_itself
from codes.records.offline_logs.models import LATEST_UPLOAD, MOST_ENTRIES, OfflineEntry, conflicts_of
from codes.showing.grants.models import RevokeCodes
from codes.trust.models import TrustedKey
from codes.venues.admissions.models import LIMITS, Limit
from codes.verdict import Reason, Verdict, verdict_of
from codes.verification.models import VerifyCode
from tests.codes.enterprise_city import FIRE_RESCUE, LIBRARY, Caller, Device, an_official, app_of, client_of
from tests.codes.personal_city import SETTINGS, City, Phone, a_scanner

BATCH, ONLINE = "/v1/verifications/batch", "/v1/verifications"
JSON = {"content-type": "application/json"}
LIBRARY_ENTRY = 301


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.fixture
async def http(city: City, floor: Floor, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app_of(floor, city.codes, caller)) as client:
        yield client


@pytest.fixture
async def device(http: httpx.AsyncClient, caller: Caller, clock: ManualClock) -> Device:
    return await enrolled(http, caller, clock, device_name="一号闸机")


@pytest.fixture
async def phone(city: City, connection: Connection) -> Phone:
    return await city.a_phone(connection)


async def enrolled(http: httpx.AsyncClient, caller: Caller, clock: ManualClock, **facts: Any) -> Device:
    device = Device(clock)
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    answer = await http.post("/v1/scanners", json=device.enrolment(**facts))
    assert answer.status_code == 201, answer.text
    device.id, caller.principal = answer.json()["id"], None
    return device


async def upload(http: httpx.AsyncClient, device: Device, *entries: dict[str, Any]) -> httpx.Response:
    content = json.dumps({"entries": entries}).encode()
    return await http.post(BATCH, content=content, headers=JSON | device.signed("POST", BATCH, content))


async def told(http: httpx.AsyncClient, device: Device, *entries: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await upload(http, device, *entries)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    assert [item["entry_id"] for item in items] == [entry["entry_id"] for entry in entries]
    return items


def an_entry(code: str, scanned_at: datetime, **changes: Any) -> dict[str, Any]:
    facts = {
        "entry_id": f"entry-{new_id().hex}",
        "code": code,
        "scenario": LIBRARY_ENTRY,
        "scanned_at": scanned_at.isoformat(),
        "verdict": "ACCEPT",
        "reason": "OK",
    }
    return facts | changes


async def records_of(http: httpx.AsyncClient, caller: Caller, phone: Phone) -> list[dict[str, Any]]:
    caller.principal = phone.principal
    items: list[dict[str, Any]] = (await http.get("/v1/codes/scans")).json()["items"]
    caller.principal = None
    return items


async def test_an_offline_scan_reaches_the_holder_s_record(
    http: httpx.AsyncClient, caller: Caller, device: Device, phone: Phone, clock: ManualClock
) -> None:
    scanned_at, code = clock.now(), phone.show()
    clock.advance(2 * 3600)
    (item,) = await told(http, device, an_entry(code, scanned_at))
    assert (item["state"], item["verdict"], item["reason"], item["conflicts"]) == ("recorded", "ACCEPT", "OK", [])
    (record,) = await records_of(http, caller, phone)
    assert record["verification_id"] == item["verification_id"]
    assert (record["mode"], record["said"], record["verdict"]) == ("offline", "ACCEPT", "ACCEPT")
    assert datetime.fromisoformat(record["at"]) == scanned_at
    assert datetime.fromisoformat(record["recorded_at"]) == clock.now()
    assert (record["disclosed"], record["conflicts"]) == ([], [])


async def test_nothing_of_the_holder_is_told(
    http: httpx.AsyncClient, device: Device, phone: Phone, clock: ManualClock, city: City
) -> None:
    answer = await upload(
        http, device, an_entry(phone.show(602), clock.now(), scenario=301), an_entry("x", clock.now())
    )
    assert set(answer.json()["items"][0]) == {
        *("entry_id", "state", "repeated", "refusal", "verification_id", "verdict", "reason", "conflicts"),
    }
    assert city.people.asked == []
    for secret in ("测试甲", '"0001"', str(phone.person.id), str(phone.id)):
        assert secret not in answer.text


async def test_a_repeated_upload_counts_once(
    http: httpx.AsyncClient, caller: Caller, device: Device, phone: Phone, clock: ManualClock
) -> None:
    entries = [an_entry(phone.show(grant=grant), clock.now()) for grant in range(3)]
    first = await told(http, device, *entries)
    again = await told(http, device, *reversed(entries))
    assert again == [item | {"repeated": True} for item in reversed(first)]
    assert len(await records_of(http, caller, phone)) == 3


async def test_the_same_id_with_other_content_is_refused(
    http: httpx.AsyncClient, device: Device, phone: Phone, clock: ManualClock
) -> None:
    entry = an_entry(phone.show(), clock.now())
    await told(http, device, entry)
    (item,) = await told(http, device, entry | {"scenario": 302})
    assert (item["state"], item["refusal"], item["verification_id"]) == ("refused", "entry_reused", None)


async def test_an_entry_twice_in_one_log_counts_once(
    http: httpx.AsyncClient, caller: Caller, device: Device, phone: Phone, clock: ManualClock
) -> None:
    entry = an_entry(phone.show(), clock.now())
    first, second = await told(http, device, entry, entry)
    assert (first["verification_id"], second["repeated"]) == (second["verification_id"], True)
    assert len(await records_of(http, caller, phone)) == 1


async def test_a_showing_that_two_doors_took_is_flagged(
    http: httpx.AsyncClient, caller: Caller, device: Device, phone: Phone, clock: ManualClock
) -> None:
    other, code = await enrolled(http, caller, clock, device_name="二号闸机"), phone.show()
    (first,) = await told(http, device, an_entry(code, clock.now()))
    (second,) = await told(http, other, an_entry(code, clock.now()))
    assert (first["reason"], first["conflicts"]) == ("OK", [])
    assert (second["verdict"], second["reason"]) == ("REJECT", "REPLAYED")
    assert second["conflicts"] == ["replayed", "verdict_differs"]
    records = await records_of(http, caller, phone)
    assert sorted(record["reason"] for record in records) == ["OK", "REPLAYED"]
    assert {record["said"] for record in records} == {"ACCEPT"}


async def test_a_showing_twice_at_one_door_is_flagged(
    http: httpx.AsyncClient, device: Device, phone: Phone, clock: ManualClock
) -> None:
    code = phone.show()
    items = await told(http, device, an_entry(code, clock.now()), an_entry(code, clock.now() + timedelta(seconds=4)))
    assert sorted(item["reason"] for item in items) == ["OK", "REPLAYED"]


async def test_the_door_s_own_acceptance_counts_and_the_earliest_of_those(
    http: httpx.AsyncClient, device: Device, phone: Phone, clock: ManualClock
) -> None:
    """A device that refuses a showing at its second sight was right both times, in whatever order the log is."""
    code, refused = phone.show(), {"verdict": "REJECT", "reason": "REPLAYED"}
    entries = [
        an_entry(code, clock.now() + timedelta(seconds=9), **refused),
        an_entry(code, clock.now() + timedelta(seconds=6)),
        an_entry(code, clock.now() + timedelta(seconds=3)),
        an_entry(code, clock.now(), **refused),
    ]
    items = await told(http, device, *entries)
    assert [item["reason"] for item in items] == ["REPLAYED", "REPLAYED", "OK", "REPLAYED"]
    assert [item["conflicts"] for item in items] == [[], ["replayed", "verdict_differs"], [], []]


async def test_a_showing_that_was_accepted_online_elsewhere_is_flagged(
    *, http: httpx.AsyncClient, city: City, connection: Connection, device: Device, phone: Phone, clock: ManualClock
) -> None:
    code = phone.show()
    online = await city.codes.verifications.verify(connection, a_scanner(301), VerifyCode(code=code, scenario=301))
    (item,) = await told(http, device, an_entry(code, clock.now()))
    assert (online.reason, item["reason"]) == ("OK", "REPLAYED")


async def test_a_showing_that_was_logged_offline_is_not_accepted_online(
    *, http: httpx.AsyncClient, city: City, connection: Connection, device: Device, phone: Phone, clock: ManualClock
) -> None:
    code = phone.show()
    await told(http, device, an_entry(code, clock.now()))
    online = await city.codes.verifications.verify(connection, a_scanner(301), VerifyCode(code=code, scenario=301))
    assert (online.reason, online.disclosed) == ("REPLAYED", {})


async def test_a_scan_whose_online_answer_was_lost_is_known(
    http: httpx.AsyncClient, caller: Caller, device: Device, phone: Phone, clock: ManualClock
) -> None:
    code, path = phone.show(), "/v1/verifications"
    content = json.dumps({"code": code, "scenario": 301, "request_id": "request-0001"}).encode()
    online = (await http.post(path, content=content, headers=JSON | device.signed("POST", path, content))).json()
    (item,) = await told(http, device, an_entry(code, clock.now(), entry_id="request-0001"))
    assert (item["state"], item["verification_id"], item["conflicts"]) == ("known", online["verification_id"], [])
    assert len(await records_of(http, caller, phone)) == 1


async def test_what_was_void_at_that_moment_is_flagged(
    *, http: httpx.AsyncClient, city: City, connection: Connection, device: Device, phone: Phone, clock: ManualClock
) -> None:
    await city.codes.grants.revoke(connection, phone.principal, RevokeCodes(device_id=phone.id))
    clock.advance(60)
    (item,) = await told(http, device, an_entry(phone.show(), clock.now()))
    assert (item["verdict"], item["reason"]) == ("REJECT", "REVOKED")
    assert item["conflicts"] == ["revoked", "verdict_differs"]


async def test_what_became_void_later_was_good_then(
    *, http: httpx.AsyncClient, city: City, connection: Connection, device: Device, phone: Phone, clock: ManualClock
) -> None:
    scanned_at, code = clock.now(), phone.show()
    clock.advance(60)
    await city.codes.grants.revoke(connection, phone.principal, RevokeCodes(device_id=phone.id))
    clock.advance(3600)
    (item,) = await told(http, device, an_entry(code, scanned_at))
    assert (item["reason"], item["conflicts"]) == ("OK", [])


async def test_each_scan_is_judged_by_its_own_moment_however_often_the_code_changed_since(
    *, http: httpx.AsyncClient, city: City, connection: Connection, device: Device, phone: Phone, clock: ManualClock
) -> None:
    """Frozen, thawed, revoked: the log comes when all of it is over, and the lists have forgotten the freeze."""
    codes, person_id, entries = city.codes, phone.person.id, []

    async def freeze() -> None:
        await codes.grants.suspend_codes(connection, person_id, clock.now())

    async def thaw() -> None:
        await codes.grants.restore_codes(connection, person_id, clock.now())
        await codes.status_steps.take_when_due()

    async def revoke() -> None:
        await codes.grants.revoke(connection, phone.principal, RevokeCodes(device_id=phone.id))

    for grant, change in enumerate((None, freeze, thaw, freeze, revoke)):
        if change is not None:
            await change()
        clock.advance(60)
        entries.append(an_entry(phone.show(grant=grant), clock.now()))
        clock.advance(60)
    items = await told(http, device, *entries)
    assert [item["reason"] for item in items] == ["OK", "SUSPENDED", "OK", "SUSPENDED", "REVOKED"]


async def test_the_last_moment_still_finds_the_holder(
    *,
    http: httpx.AsyncClient,
    city: City,
    caller: Caller,
    connection: Connection,
    device: Device,
    phone: Phone,
    clock: ManualClock,
) -> None:
    """Also after the grant has ended, and the books were tidied up."""
    scanned_at, code = clock.now(), phone.show()
    clock.advance(LATEST_UPLOAD.total_seconds())
    await city.codes.grants.forget_expired(connection)
    await city.codes.statuses.forget_expired()
    (item,) = await told(http, device, an_entry(code, scanned_at))
    assert item["reason"] == "OK"
    assert len(await records_of(http, caller, phone)) == 1


AGES: dict[str, tuple[int, dict[str, Any], str, list[str]]] = {
    "61 s old": (61, {}, "STALE_CODE", ["clock", "verdict_differs"]),
    "31 s ahead": (-31, {}, "CLOCK_SKEW", ["clock", "verdict_differs"]),
    "60 s old": (60, {}, "OK", []),
    "30 s ahead": (-30, {}, "OK", []),
    "61 s old and refused there": (61, {"verdict": "REJECT", "reason": "STALE_CODE"}, "STALE_CODE", []),
    "good and refused there": (5, {"verdict": "REJECT", "reason": "STALE_CODE"}, "OK", ["verdict_differs"]),
}


@pytest.mark.parametrize(("age", "said", "reason", "conflicts"), AGES.values(), ids=AGES.keys())
async def test_freshness_is_that_of_an_offline_verifier(
    *,
    http: httpx.AsyncClient,
    device: Device,
    phone: Phone,
    clock: ManualClock,
    age: int,
    said: dict[str, Any],
    reason: str,
    conflicts: list[str],
) -> None:
    (item,) = await told(http, device, an_entry(phone.show(age=age), clock.now(), **said))
    assert (item["reason"], item["conflicts"]) == (reason, conflicts)


async def test_a_device_whose_clock_is_ahead_is_flagged(
    http: httpx.AsyncClient, device: Device, phone: Phone, clock: ManualClock
) -> None:
    (item,) = await told(http, device, an_entry(phone.show(age=-60), clock.now() + timedelta(seconds=60)))
    assert (item["state"], item["reason"], item["conflicts"]) == ("recorded", "OK", ["clock"])


REFUSED: dict[str, tuple[dict[str, Any], timedelta, str]] = {
    "too old": ({}, -LATEST_UPLOAD - timedelta(seconds=1), "too_old"),
    "year 1": ({}, timedelta(days=-730_000), "too_old"),
    "in the future": ({}, timedelta(minutes=6), "in_the_future"),
    "year 9999": ({}, timedelta(days=365 * 7900), "in_the_future"),
    "no scenario": ({"scenario": 999}, timedelta(), "scenario_unknown"),
    "the last number of all": ({"scenario": 0xFFFF}, timedelta(), "scenario_unknown"),
}


@pytest.mark.parametrize(("changes", "off", "refusal"), REFUSED.values(), ids=REFUSED.keys())
async def test_entries_that_cannot_be_recorded_are_answered_by_name(
    *,
    http: httpx.AsyncClient,
    connection: Connection,
    device: Device,
    phone: Phone,
    clock: ManualClock,
    changes: dict[str, Any],
    off: timedelta,
    refusal: str,
) -> None:
    bad = an_entry(phone.show(), clock.now() + off, **changes)
    good = an_entry(phone.show(grant=1), clock.now())
    items = await told(http, device, bad, good)
    assert [(item["state"], item["refusal"]) for item in items] == [("refused", refusal), ("recorded", None)]
    assert await connection.fetchval("select count(*) from codes.offline_entry") == 1


async def test_a_scenario_of_another_device_is_recorded_as_such(
    http: httpx.AsyncClient, caller: Caller, device: Device, phone: Phone, clock: ManualClock
) -> None:
    (item,) = await told(http, device, an_entry(phone.show(602), clock.now(), scenario=602))
    assert (item["reason"], item["conflicts"]) == ("SCANNER_NOT_ALLOWED", ["verdict_differs"])
    assert [record["reason"] for record in await records_of(http, caller, phone)] == ["SCANNER_NOT_ALLOWED"]


@pytest.mark.parametrize("code", ["", "SSM1:AAA", "\x00", "HELLO", "x" * 5000, "SSM1:" + "9" * 700, "码"])
async def test_what_nobody_can_read_is_recorded_without_a_holder(
    http: httpx.AsyncClient, connection: Connection, device: Device, clock: ManualClock, code: str
) -> None:
    (item,) = await told(http, device, an_entry(code, clock.now(), verdict="REJECT", reason="MALFORMED"))
    assert (item["verdict"], item["conflicts"]) == ("REJECT", [])
    row = await connection.fetchrow("select subject_id, guard_cti, mode from codes.verification")
    assert row is not None
    assert tuple(row) == (None, None, "offline")


async def test_a_revoked_scanner_brings_nothing(
    *, http: httpx.AsyncClient, caller: Caller, connection: Connection, device: Device, phone: Phone, clock: ManualClock
) -> None:
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    assert (await http.delete(f"/v1/scanners/{device.id}")).status_code == 200
    caller.principal = None
    answer = await upload(http, device, an_entry(phone.show(), clock.now()))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/scanner-not-registered")
    assert await connection.fetchval("select count(*) from codes.verification") == 0


async def test_only_a_signed_log_is_taken(
    http: httpx.AsyncClient, caller: Caller, device: Device, phone: Phone, clock: ManualClock
) -> None:
    content = json.dumps({"entries": [an_entry(phone.show(), clock.now())]}).encode()
    for principal in (
        None,
        phone.principal,
        an_official("system_admin"),
        an_official("inspector", organization_id=FIRE_RESCUE),
    ):
        caller.principal = principal
        assert (await http.post(BATCH, content=content, headers=JSON)).status_code == 401
    another = device.signed("POST", BATCH, json.dumps({"entries": []}).encode())
    assert (await http.post(BATCH, content=content, headers=JSON | another)).status_code == 401


BAD_LOGS: dict[str, dict[str, Any]] = {
    "a time without zone": {"scanned_at": "2026-03-02T12:00:00"},
    "a time that is none": {"scanned_at": "yesterday"},
    "a verdict that is none": {"verdict": "MAYBE"},
    "a reason that is none": {"reason": "BECAUSE"},
    "a short id": {"entry_id": "1"},
    "an id with a newline": {"entry_id": "12345678\n"},
    "a nonce that is no base64url": {"cnonce": "not base64url!"},
    "a nonce of no possible length": {"cnonce": "A" * 13},
    "a scenario beyond every number": {"scenario": 0x10000},
    "a scenario below zero": {"scenario": -1},
    "an unknown field": {"holder": "somebody"},
}


@pytest.mark.parametrize("bad", BAD_LOGS.values(), ids=BAD_LOGS.keys())
async def test_a_malformed_entry_refuses_the_log(
    *,
    http: httpx.AsyncClient,
    connection: Connection,
    device: Device,
    phone: Phone,
    clock: ManualClock,
    bad: dict[str, Any],
) -> None:
    good = an_entry(phone.show(), clock.now())
    answer = await upload(http, device, good, good | bad)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/fields-invalid")
    assert await connection.fetchval("select count(*) from codes.verification") == 0


async def test_a_log_has_bounds(http: httpx.AsyncClient, device: Device, clock: ManualClock) -> None:
    assert (await upload(http, device)).status_code == 400
    too_many = [an_entry("x", clock.now()) for _ in range(MOST_ENTRIES + 1)]
    assert (await upload(http, device, *too_many)).status_code == 400
    items = await told(http, device, *too_many[:MOST_ENTRIES])
    assert len({item["verification_id"] for item in items}) == MOST_ENTRIES


async def test_an_upload_is_in_the_audit_log_once(
    http: httpx.AsyncClient, connection: Connection, device: Device, phone: Phone, clock: ManualClock
) -> None:
    code = phone.show()
    entries = [an_entry(code, clock.now()), an_entry(code, clock.now())]
    await told(http, device, *entries)
    await told(http, device, *entries)
    rows = await connection.fetch("select actor, detail from kit.audit_entry where action = 'scans.uploaded'")
    assert [(row["actor"], row["detail"]) for row in rows] == [
        (f"scanner:{device.id}", {"entries": 2, "conflicts": {"replayed": 1, "verdict_differs": 1}})
    ]


async def test_a_stolen_key_is_not_believed_of_the_time_before_either(
    *,
    http: httpx.AsyncClient,
    city: City,
    floor: Floor,
    connection: Connection,
    device: Device,
    phone: Phone,
    clock: ManualClock,
) -> None:
    await city.codes.trust_lists.publish_when_due()
    scanned_at, code, kid = clock.now(), phone.show(), floor.keyring.active("grant").kid
    clock.advance(3600)
    await floor.keyring.withdraw(connection, "grant", kid)
    await floor.keyring.load(connection)
    await city.codes.reissues.ask(connection, kid, spread=timedelta(minutes=10), withdrawn=True)
    await city.codes.trust_lists.publish_when_due()
    (item,) = await told(http, device, an_entry(code, scanned_at))
    assert (item["reason"], item["conflicts"]) == ("UNKNOWN_KEY", ["verdict_differs"])


KINDS = [(Kind.P, Kind.F), (Kind.P,), (Kind.L,), (Kind.E, Kind.V, Kind.I), (Kind.P, Kind.L), (64,), (65,)]


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("stolen", [True, False])
def test_only_keys_of_grants_leave_by_themselves_within_days(*, kinds: tuple[int, ...], stolen: bool) -> None:
    key = TrustedKey(
        kid=b"\x00\x00\x00\x01",
        verifying_key=None,
        kinds=frozenset(kinds),
        not_before=0,
        not_after=None,
        state="active",
    )
    assert left_by_itself(key, {key.kid} if stolen else set()) is (not stolen and set(kinds) <= {Kind.P, Kind.F})


async def test_the_keys_of_that_time_are_asked(city: City, connection: Connection, clock: ManualClock) -> None:
    moments = [clock.now()]
    for _ in range(3):
        await city.codes.trust_lists.publish_when_due()
        clock.advance(2 * 3600)
        moments.append(clock.now())
    history = TrustHistory(city.codes.trust_lists, SETTINGS.code_format, connection)
    assert [(await history.at(moment)).version for moment in moments] == [1, 2, 3, 3]
    before_all = await history.at(moments[0] - timedelta(days=1))
    assert before_all.version == 3, "where nothing of that time is kept, the present list"


REASONS = st.sampled_from(list(Reason))
VERDICTS = st.sampled_from(list(Verdict))


@given(found=REASONS, said=VERDICTS, ahead=st.integers(-86400, 299))
def test_conflicts_are_flagged_exactly_where_there_are_any(found: Reason, said: Verdict, ahead: int) -> None:
    now = datetime.fromisoformat("2026-03-02T12:00:00+00:00")
    entry = OfflineEntry(
        entry_id="entry-0001",
        code="",
        scenario=301,
        scanned_at=now + timedelta(seconds=ahead),
        verdict=said,
        reason=Reason.OK,
    )
    conflicts = {conflict.value for conflict in conflicts_of(entry, found, now)}
    wrongly_let_in = said is Verdict.ACCEPT and found is not Reason.OK
    assert ("verdict_differs" in conflicts) is (verdict_of(found) is not said)
    assert ("replayed" in conflicts) is (wrongly_let_in and found is Reason.REPLAYED)
    assert ("revoked" in conflicts) is (wrongly_let_in and found in {Reason.REVOKED, Reason.SUSPENDED})
    if verdict_of(found) is said:
        assert conflicts == ({"clock"} if ahead > 30 else set())


MOST, SECONDS = 4, 600


@pytest.fixture
def small_limits(city: City) -> None:
    small = Limit(scanner=MOST, organization=2 * MOST, seconds=SECONDS)
    city.codes.scanning.limiter._limits = dict.fromkeys(LIMITS, small)


def made_up(clock: ManualClock, count: int = MOST) -> list[dict[str, Any]]:
    said = {"verdict": "REJECT", "reason": "MALFORMED"}
    return [an_entry(f"SSM1:MADE UP {number}", clock.now(), **said) for number in range(count)]


def refusal_of(answer: httpx.Response) -> tuple[int, str, str | None]:
    return answer.status_code, answer.json().get("type"), answer.headers.get("retry-after")


WAIT = (429, "/problems/rate-limited", str(SECONDS))


@pytest.mark.usefixtures("small_limits")
async def test_whoever_tries_codes_out_by_logs_has_to_wait_with_the_next_one(
    *, http: httpx.AsyncClient, connection: Connection, device: Device, phone: Phone, clock: ManualClock
) -> None:
    """Also when the log says another time for each: it counts when it comes."""
    entries = made_up(clock)
    for number, entry in enumerate(entries):
        entry["scanned_at"] = (clock.now() - timedelta(days=2, seconds=number * SECONDS)).isoformat()
    await told(http, device, *entries)
    rows = await connection.fetchval("select count(*) from codes.verification")
    assert refusal_of(await upload(http, device, an_entry(phone.show(), clock.now()))) == WAIT
    assert await connection.fetchval("select count(*) from codes.verification") == rows
    clock.advance(SECONDS)
    (item,) = await told(http, device, an_entry(phone.show(), clock.now()))
    assert item["reason"] == "OK"
    actions = await connection.fetch("select detail from kit.audit_entry where action = 'scanner.stopped'")
    assert [row["detail"]["what"] for row in actions] == ["bad_logged"]


@pytest.mark.usefixtures("small_limits")
async def test_devices_of_one_organization_wait_together(
    *, http: httpx.AsyncClient, caller: Caller, device: Device, phone: Phone, clock: ManualClock
) -> None:
    second = await enrolled(http, caller, clock, device_name="二号闸机")
    third = await enrolled(http, caller, clock, device_name="三号闸机")
    for one in (device, second):
        await told(http, one, *made_up(clock))
    assert refusal_of(await upload(http, third, an_entry(phone.show(), clock.now()))) == WAIT


@pytest.mark.usefixtures("small_limits")
async def test_whoever_has_to_wait_online_brings_no_log_instead(
    *, http: httpx.AsyncClient, device: Device, phone: Phone, clock: ManualClock
) -> None:
    for number in range(MOST):
        content = json.dumps({"code": f"SSM1:MADE UP {number}", "scenario": LIBRARY_ENTRY}).encode()
        answer = await http.post(ONLINE, content=content, headers=JSON | device.signed("POST", ONLINE, content))
        assert answer.json()["reason"] == "MALFORMED"
    assert refusal_of(await upload(http, device, an_entry(phone.show(), clock.now()))) == WAIT


@pytest.mark.usefixtures("small_limits")
async def test_an_honest_gate_s_log_counts_for_nothing_and_a_repeated_one_for_nothing_more(
    *, http: httpx.AsyncClient, device: Device, phone: Phone, clock: ManualClock
) -> None:
    """Old, revoked or used-up codes are honest; and whoever lost the answer asks again."""
    honest = [an_entry(phone.show(grant=number, age=61), clock.now()) for number in range(MOST + 1)]
    log = [*honest, *made_up(clock, MOST - 1)]
    first = await told(http, device, *log)
    assert {item["reason"] for item in first} == {"STALE_CODE", "MALFORMED"}
    again = await told(http, device, *log)
    assert all(item["repeated"] for item in again)
    (item,) = await told(http, device, an_entry(phone.show(), clock.now()))
    assert item["reason"] == "OK"


@pytest.mark.usefixtures("small_limits")
async def test_a_log_of_bad_codes_closes_no_door(
    *, http: httpx.AsyncClient, device: Device, phone: Phone, clock: ManualClock
) -> None:
    await told(http, device, *made_up(clock))
    content = json.dumps({"code": phone.show(), "scenario": LIBRARY_ENTRY}).encode()
    answer = await http.post(ONLINE, content=content, headers=JSON | device.signed("POST", ONLINE, content))
    assert answer.json()["reason"] == "OK"
