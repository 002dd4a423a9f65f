"""Offline logs over HTTP: taken from whom it may concern, recorded once, refused by name."""

import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from codes.records.offline_logs.models import LATEST_UPLOAD, MOST_ENTRIES
from tests.codes.enterprise_city import FIRE_RESCUE, LIBRARY, Caller, Device, an_official
from tests.codes.personal_city import City, Phone
from tests.codes.records.offline_logs.gates import (
    BATCH,
    JSON,
    an_entry,
    records_of,
    told,
    upload,
)


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
