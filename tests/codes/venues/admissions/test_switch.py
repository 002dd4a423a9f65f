"""A device keeps its scenario: a switch is written down, and the next one waits five minutes, on every worker."""

import asyncio
from collections.abc import Iterator

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Database
from codes.scenarios.catalogue import load_scenarios
from codes.scenarios.models import Scenario
from codes.venues.admissions import repository
from codes.venues.admissions.limiter import Limiter
from codes.venues.admissions.models import LIMITS, SWITCH_LOCK
from codes.venues.admissions.service import Admissions
from codes.verdict import Reason
from tests.codes.door_city import Doors
from tests.codes.personal_city import Phone, a_scanner

LIBRARY_ENTRY, LENDING, HOTEL = 301, 302, 601
LOCKED_SECONDS = int(SWITCH_LOCK.total_seconds())


@pytest.fixture
async def phone(doors: Doors) -> Phone:
    return await doors.a_phone()


@pytest.fixture
def grants() -> Iterator[int]:
    """A presentation is accepted once: each scan takes another grant."""
    return iter(range(8))


async def test_a_first_scenario_is_no_switch_and_a_switch_is_written_down(
    doors: Doors, phone: Phone, grants: Iterator[int]
) -> None:
    device = await doors.enrol(LIBRARY_ENTRY, LENDING)
    assert await doors.reason(device, phone.show(LIBRARY_ENTRY, grant=next(grants)), LIBRARY_ENTRY) == "OK"
    assert await doors.audited("scanner.scenario_switched") == []
    assert await doors.reason(device, phone.show(LENDING, grant=next(grants)), LENDING) == "OK"
    [told] = await doors.audited("scanner.scenario_switched")
    assert (told["subject"], told["detail"]) == (f"scanner:{device.id}", {"scenario": LENDING})


async def test_after_a_switch_the_next_one_waits_five_minutes(
    doors: Doors, phone: Phone, grants: Iterator[int]
) -> None:
    device = await doors.enrol(LIBRARY_ENTRY, LENDING)
    for scenario in (LIBRARY_ENTRY, LENDING):
        await doors.reason(device, phone.show(scenario, grant=next(grants)), scenario)
    doors.clock.advance(LOCKED_SECONDS - 1)
    back = await doors.scan(device, phone.show(LIBRARY_ENTRY, grant=next(grants)), LIBRARY_ENTRY)
    assert (back["verdict"], back["reason"], back["disclosed"]) == ("REJECT", "SCANNER_NOT_ALLOWED", {})
    assert await doors.reason(device, phone.show(LENDING, grant=next(grants)), LENDING) == "OK", "its own goes on"
    doors.clock.advance(1)
    assert await doors.reason(device, phone.show(LIBRARY_ENTRY, grant=next(grants)), LIBRARY_ENTRY) == "OK"
    assert len(await doors.audited("scanner.scenario_switched")) == 2


async def test_a_refused_try_does_not_prolong_the_lock(doors: Doors, phone: Phone, grants: Iterator[int]) -> None:
    device = await doors.enrol(LIBRARY_ENTRY, LENDING)
    for scenario in (LIBRARY_ENTRY, LENDING):
        await doors.reason(device, phone.show(scenario, grant=next(grants)), scenario)
    doors.clock.advance(LOCKED_SECONDS - 1)
    assert await doors.reason(device, "HELLO", LIBRARY_ENTRY) == "SCANNER_NOT_ALLOWED"
    doors.clock.advance(1)
    assert await doors.reason(device, phone.show(LIBRARY_ENTRY, grant=next(grants)), LIBRARY_ENTRY) == "OK"


async def test_a_bad_code_switches_too_so_that_nobody_looks_around_for_free(
    doors: Doors, phone: Phone, grants: Iterator[int]
) -> None:
    device = await doors.enrol(LIBRARY_ENTRY, LENDING)
    await doors.reason(device, phone.show(LIBRARY_ENTRY, grant=next(grants)), LIBRARY_ENTRY)
    assert await doors.reason(device, "HELLO", LENDING) == "MALFORMED"
    assert await doors.reason(device, phone.show(LIBRARY_ENTRY, grant=next(grants)), LIBRARY_ENTRY) == (
        "SCANNER_NOT_ALLOWED"
    )


async def test_a_scenario_that_is_not_the_devices_switches_nothing(
    doors: Doors, phone: Phone, grants: Iterator[int]
) -> None:
    device = await doors.enrol(LIBRARY_ENTRY, LENDING)
    await doors.reason(device, phone.show(LIBRARY_ENTRY, grant=next(grants)), LIBRARY_ENTRY)
    assert await doors.reason(device, phone.show(HOTEL, grant=next(grants)), HOTEL) == "SCANNER_NOT_ALLOWED"
    assert await doors.audited("scanner.scenario_switched") == []
    assert await doors.reason(device, phone.show(LENDING, grant=next(grants)), LENDING) == "OK"


async def test_devices_are_locked_one_by_one(doors: Doors, phone: Phone, grants: Iterator[int]) -> None:
    for device in [await doors.enrol(LIBRARY_ENTRY, LENDING) for _ in range(2)]:
        for scenario in (LIBRARY_ENTRY, LENDING):
            assert await doors.reason(device, phone.show(scenario, grant=next(grants)), scenario) == "OK"


@pytest.mark.parametrize("used_before", [False, True])
async def test_of_switches_at_once_over_many_connections_one_holds(
    race_database: Database, clock: ManualClock, *, used_before: bool
) -> None:
    scenarios, now = [load_scenarios().get(number) for number in range(301, 307)], clock.now()
    scanner = a_scanner(*(scenario.number for scenario in scenarios))
    admissions = Admissions(Limiter(LIMITS))
    if used_before:
        async with race_database.transaction() as connection:
            await repository.insert_use(connection, scanner.id, 999)

    async def ask(scenario: Scenario) -> Reason | None:
        async with race_database.transaction() as connection:
            refusal = await admissions.refusal(connection, scanner, scenario, now)
            await asyncio.sleep(0.02)
            return refusal

    told = await asyncio.gather(*(ask(scenario) for scenario in scenarios))
    # Of a device that never scanned, one scan sets the scenario, which is no switch, and one more may switch it.
    assert 1 <= told.count(None) <= (1 if used_before else 2)
    assert set(told) == {None, Reason.SCANNER_NOT_ALLOWED}


async def test_bad_codes_at_once_over_many_connections_are_all_counted(
    race_database: Database, clock: ManualClock
) -> None:
    limiter, scanner, now = Limiter(LIMITS), a_scanner(), clock.now()

    async def count() -> None:
        async with race_database.transaction() as connection:
            await limiter.count(connection, scanner, "bad_codes", now)

    most = LIMITS["bad_codes"].scanner
    await asyncio.gather(*(count() for _ in range(most - 1)))
    async with race_database.acquire() as connection:
        assert not await limiter.is_stopped(connection, scanner, "bad_codes", now)
    await count()
    async with race_database.acquire() as connection:
        assert await limiter.is_stopped(connection, scanner, "bad_codes", now)
        stops = await connection.fetchval("select count(*) from kit.audit_entry where action = 'scanner.stopped'")
    assert stops == 1
