"""Whoever tries codes out, or looks up one person after another, has to wait: the device, then its organization."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.scenarios.models import NAMING
from codes.venues.admissions import models
from codes.venues.admissions.models import BAD_CODE, LIMITS, Counted, Limit, counted_as
from codes.verdict import Freshness, Reason, Retry, VerificationResult, verdict_of
from tests.codes.door_city import Doors
from tests.codes.enterprise_city import FIRE_RESCUE, LIBRARY, STRANGERS
from tests.codes.personal_city import Phone

MOST, TOGETHER, SECONDS = 4, 7, 600
VISITOR = 602


@pytest.fixture(autouse=True)
def small_limits(doors: Doors) -> None:
    limiter = doors.city.codes.scanning.limiter
    small = Limit(scanner=MOST, organization=TOGETHER, seconds=SECONDS)
    limiter._limits = dict.fromkeys(LIMITS, small)


@pytest.fixture
async def phone(doors: Doors) -> Phone:
    return await doors.a_phone()


async def try_out(doors: Doors, device: Any, times: int) -> list[str]:
    return [await doors.reason(device, f"SSM1:MADE UP {attempt}") for attempt in range(times)]


async def test_a_device_that_tries_codes_out_has_to_wait_and_then_goes_on(doors: Doors, phone: Phone) -> None:
    device = await doors.enrol(301)
    assert await try_out(doors, device, MOST + 2) == ["MALFORMED"] * MOST + ["RATE_LIMITED"] * 2
    result = await doors.scan(device, phone.show())
    assert (result["verdict"], result["reason"], result["retry"]) == ("REVIEW", "RATE_LIMITED", "later")
    assert result["disclosed"] == {}
    assert {check["result"] for check in result["checks"] if check["name"] != "scanner"} == {"skipped"}
    doors.clock.advance(SECONDS - 1)
    assert await doors.reason(device, phone.show()) == "RATE_LIMITED"
    doors.clock.advance(1)
    assert await doors.reason(device, phone.show()) == "OK"


async def test_a_good_code_in_between_gives_nothing_back(doors: Doors, phone: Phone) -> None:
    device = await doors.enrol(301)
    await try_out(doors, device, MOST - 1)
    assert await doors.reason(device, phone.show()) == "OK"
    assert await try_out(doors, device, 2) == ["MALFORMED", "RATE_LIMITED"]


async def test_another_device_of_the_organization_goes_on_until_they_are_too_many_together(
    doors: Doors, phone: Phone
) -> None:
    first, second, third = [await doors.enrol(301) for _ in range(3)]
    await try_out(doors, first, MOST)
    assert await doors.reason(second, phone.show()) == "OK"
    assert await try_out(doors, second, TOGETHER - MOST) == ["MALFORMED"] * (TOGETHER - MOST)
    assert await doors.reason(third, phone.show(grant=1)) == "RATE_LIMITED"


async def test_another_organization_is_not_touched(doors: Doors, phone: Phone) -> None:
    ours = [await doors.enrol(301) for _ in range(2)]
    theirs = await doors.enrol(301, organization_id=str(FIRE_RESCUE))
    for device in ours:
        await try_out(doors, device, MOST)
    assert await doors.reason(theirs, phone.show()) == "OK"


async def test_looking_up_people_by_name_is_limited_and_asking_for_nothing_is_not(doors: Doors) -> None:
    device = await doors.enrol(VISITOR)
    phones = [await doors.a_phone() for _ in range(MOST + 1)]
    seen = [await doors.reason(device, phone.show(VISITOR), VISITOR) for phone in phones]
    assert seen == ["OK"] * MOST + ["RATE_LIMITED"]
    door = await doors.enrol(301)
    assert [await doors.reason(door, phone.show(grant=1)) for phone in phones] == ["OK"] * (MOST + 1)


async def test_what_true_codes_come_to_counts_as_nothing(doors: Doors, phone: Phone) -> None:
    device = await doors.enrol(301)
    for _ in range(MOST + 1):
        assert await doors.reason(device, phone.show(age=60)) == "STALE_CODE"
        assert await doors.reason(device, phone.show(601)) == "SCENARIO_MISMATCH"
    assert await doors.reason(device, phone.show()) == "OK"


async def test_an_answer_that_is_repeated_counts_once(doors: Doors) -> None:
    device, phone = await doors.enrol(VISITOR), await doors.a_phone()
    code = phone.show(VISITOR)
    for _ in range(MOST + 1):
        result = await doors.scan(device, code, VISITOR, request_id="gate-7-0001")
        assert result["reason"] == "OK"
    assert result["repeated"]


async def test_a_refusal_is_a_row_that_names_nobody(doors: Doors, phone: Phone) -> None:
    device = await doors.enrol(301)
    await try_out(doors, device, MOST)
    await doors.reason(device, phone.show())
    rows = await doors.connection.fetch(
        "select subject_id, kind, disclosed from codes.verification where reason = 'RATE_LIMITED'"
    )
    assert [(row["subject_id"], row["kind"], row["disclosed"]) for row in rows] == [(None, None, [])]


async def test_administrators_read_who_waits_and_the_log_says_it_once(doors: Doors) -> None:
    device = await doors.enrol(301)
    await try_out(doors, device, MOST + 3)
    answer = await doors.as_registrar("GET", f"/v1/scanner-stops?organization_id={LIBRARY}")
    [stop] = answer.json()["items"]
    assert (stop["subject"], stop["what"], stop["scope"], stop["counted"]) == (device.id, "bad_codes", "scanner", MOST)
    [told] = await doors.audited("scanner.stopped")
    assert (told["actor"], told["subject"]) == ("system", f"scanner:{device.id}")
    doors.clock.advance(SECONDS)
    answer = await doors.as_registrar("GET", f"/v1/scanner-stops?organization_id={LIBRARY}")
    assert answer.json()["items"] == []


@pytest.mark.parametrize("stranger", [*STRANGERS, "another organization's administrator"])
async def test_nobody_else_reads_who_waits(doors: Doors, stranger: str) -> None:
    path = f"/v1/scanner-stops?organization_id={LIBRARY}"
    if stranger in STRANGERS:
        doors.caller.principal = STRANGERS[stranger]
        answer = await doors.http.get(path)
    else:
        answer = await doors.as_registrar("GET", path, organization_id=FIRE_RESCUE)
    assert answer.status_code in {401, 403}


async def test_old_windows_are_forgotten_and_present_ones_are_not(doors: Doors) -> None:
    limiter, device = doors.city.codes.scanning.limiter, await doors.enrol(301)
    await try_out(doors, device, MOST)
    await limiter.forget(doors.connection, doors.clock.now())
    assert await try_out(doors, device, 1) == ["RATE_LIMITED"]
    doors.clock.advance(2 * 86400)
    await limiter.forget(doors.connection, doors.clock.now())
    for table in ("scan_count", "scan_stop"):
        assert await doors.connection.fetchval(f"select count(*) from codes.{table}") == 0


def a_result(reason: Reason, **facts: Any) -> VerificationResult:
    defaults: dict[str, Any] = {
        "verification_id": None,
        "verdict": verdict_of(reason),
        "reason": reason,
        "retry": Retry.NONE,
        "mode": "online",
        "scenario": 301,
        "checks": [],
        "freshness": Freshness(),
    }
    return VerificationResult(**(defaults | facts))


@given(
    st.sampled_from(list(Reason)), st.sets(st.sampled_from(["openid", "entitlements", *sorted(NAMING)])), st.booleans()
)
def test_only_made_up_codes_and_named_holders_count(reason: Reason, disclosed: set[str], repeated: bool) -> None:
    told = dict.fromkeys(disclosed if reason is Reason.OK else (), "x")
    expected: Counted | None = None
    if not repeated and reason in BAD_CODE:
        expected = "bad_codes"
    elif not repeated and NAMING & told.keys():
        expected = "named_holders"
    assert counted_as(a_result(reason, disclosed=told, repeated=repeated)) == expected


@given(st.integers(0, 10**6), st.sampled_from(sorted(LIMITS)))
def test_every_moment_lies_in_one_window_that_began_before_it(seconds: int, what: Any) -> None:
    limit, now = models.LIMITS[what], datetime(2026, 3, 2, tzinfo=UTC) + timedelta(seconds=seconds)
    window = limit.window_of(now)
    assert timedelta(0) <= now - window < timedelta(seconds=limit.seconds)
    assert limit.window_of(window) == window


def test_limits_leave_room_for_an_ordinary_day() -> None:
    assert all(limit.scanner < limit.organization for limit in LIMITS.values())
    assert LIMITS["named_holders"].scanner / LIMITS["named_holders"].seconds * 60 >= 5, "a busy counter, a minute"
