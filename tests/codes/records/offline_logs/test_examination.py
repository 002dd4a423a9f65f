"""Offline logs are examined as of their moment, and flagged where door and books disagree."""

import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from codes.envelope.claims import Kind
from codes.records.offline_logs.history import TrustHistory, left_by_itself
from codes.records.offline_logs.models import LATEST_UPLOAD, OfflineEntry, conflicts_of
from codes.showing.grants.models import RevokeCodes
from codes.trust.models import TrustedKey
from codes.verdict import Reason, Verdict, verdict_of
from codes.verification.models import VerifyCode
from tests.codes.enterprise_city import Caller, Device
from tests.codes.personal_city import SETTINGS, City, Phone, a_scanner
from tests.codes.records.offline_logs.gates import (
    JSON,
    an_entry,
    enrolled,
    records_of,
    told,
)


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
