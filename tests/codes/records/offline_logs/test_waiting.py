"""Whoever tries codes out by logs has to wait, as at the door; an honest gate does not."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from codes.venues.admissions.models import LIMITS, Limit
from tests.codes.enterprise_city import Caller, Device
from tests.codes.personal_city import City, Phone
from tests.codes.records.offline_logs.gates import (
    JSON,
    LIBRARY_ENTRY,
    ONLINE,
    an_entry,
    enrolled,
    told,
    upload,
)

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
