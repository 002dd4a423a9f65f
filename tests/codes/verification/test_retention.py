"""Scans forget their holders by their scenario's own days; what stays is written down here, column by column."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.ids import new_id
from codes.scenarios.catalogue import Scenarios, load_scenarios
from codes.verification.models import Retention
from codes.verification.retention import AT_ONCE, Forgetting, beginnings, due, forgotten_by

LIBRARY, OFFICE, FIRE_CHECK = 301, 602, 804
HOLDER, GUARDIAN, OPERATOR = new_id(), new_id(), new_id()
GONE = {"subject_type", "subject_id", "guardian_id", "operator_id", "guard_cti", "request_id", "answer_sealed"}
STAYS = {
    *("id", "iat", "verified_at", "scanner_id", "organization_id", "scanned_by", "kind", "scenario", "basis"),
    *("disclosed", "withheld", "verdict", "reason", "mode", "recorded_at", "said", "conflicts"),
}
INSERT = """
insert into codes.verification
       (id, iat, guard_cti, verified_at, scanner_id, organization_id, scanned_by, request_id, subject_type, subject_id,
        guardian_id, operator_id, kind, scenario, basis, disclosed, withheld, verdict, reason, answer_sealed, conflicts)
values ($1, $2, $3, $2, $4, $4, $5, 'request-0001', 'person', $6, $8, $9, 'P', $7, 'contract', '{openid}', '{}',
        'ACCEPT', 'OK', '\\x01', '{}')
"""


async def insert(connection: Connection, at: datetime, scenario: int = LIBRARY) -> None:
    await connection.execute(INSERT, new_id(), at, new_id().bytes, new_id(), {}, HOLDER, scenario, GUARDIAN, OPERATOR)


def scenarios_with(**days: int) -> Scenarios:
    """The catalogue, with other days for scenarios by their slug."""
    return Scenarios(
        msgspec.structs.replace(scenario, retention_days=days[scenario.slug]) if scenario.slug in days else scenario
        for scenario in load_scenarios()
    )


@pytest.fixture
def forgetting(database: Database, clock: ManualClock) -> Forgetting:
    return Forgetting(database, clock, load_scenarios())


async def known(connection: Connection, scenario: int = LIBRARY) -> int:
    count: int = await connection.fetchval(
        "select count(*) from codes.verification where scenario = $1 and subject_id is not null", scenario
    )
    return count


async def test_each_scenario_forgets_by_its_own_days(
    database: Database, connection: Connection, clock: ManualClock
) -> None:
    days = scenarios_with(**{"library-entry": 1, "office-visitor": 3, "enterprise-fire-safety-check": 5})
    forgetting = Forgetting(database, clock, days)
    for scenario in (LIBRARY, OFFICE, FIRE_CHECK):
        await insert(connection, clock.now(), scenario)
    seen: list[tuple[int, int, int]] = []
    for _ in range(8):
        await forgetting.run()
        seen.append(
            (await known(connection, LIBRARY), await known(connection, OFFICE), await known(connection, FIRE_CHECK))
        )
        clock.advance(86400)
    assert seen == [(1, 1, 1)] * 2 + [(0, 1, 1)] * 2 + [(0, 0, 1)] * 2 + [(0, 0, 0)] * 2


async def test_what_goes_and_what_stays(forgetting: Forgetting, connection: Connection, clock: ManualClock) -> None:
    await insert(connection, clock.now())
    before = dict((await connection.fetch("select * from codes.verification"))[0])
    clock.advance(40 * 86400)
    await forgetting.run()
    after = dict((await connection.fetch("select * from codes.verification"))[0])
    assert {name for name in before if after[name] is None and before[name] is not None} == GONE
    assert {name: after[name] for name in STAYS} == {name: before[name] for name in STAYS}


async def test_nothing_in_a_forgotten_row_leads_to_the_holder(
    forgetting: Forgetting, connection: Connection, clock: ManualClock
) -> None:
    await insert(connection, clock.now())
    cti: bytes = await connection.fetchval("select guard_cti from codes.verification")
    clock.advance(40 * 86400)
    await forgetting.run()
    text: str = await connection.fetchval("select v::text from codes.verification v")
    for trace in (str(HOLDER), HOLDER.hex, str(GUARDIAN), str(OPERATOR), cti.hex(), "request-0001"):
        assert trace not in text


async def test_shorter_days_reach_what_is_already_old(
    database: Database, connection: Connection, clock: ManualClock
) -> None:
    await insert(connection, clock.now() - timedelta(days=20))
    await Forgetting(database, clock, load_scenarios()).run()
    assert await known(connection) == 1
    await Forgetting(database, clock, scenarios_with(**{"library-entry": 10})).run()
    assert await known(connection) == 0


async def test_a_scenario_that_left_the_catalogue_still_forgets(
    database: Database, connection: Connection, clock: ManualClock
) -> None:
    await insert(connection, clock.now())
    await Forgetting(database, clock, load_scenarios()).run()
    without = Scenarios(scenario for scenario in load_scenarios() if scenario.number != LIBRARY)
    clock.advance(40 * 86400)
    await Forgetting(database, clock, without).run()
    assert await known(connection) == 0


async def test_the_first_time_reaches_the_oldest_scan(
    forgetting: Forgetting, connection: Connection, clock: ManualClock
) -> None:
    await insert(connection, clock.now() - timedelta(days=33, hours=5))
    await insert(connection, clock.now() - timedelta(days=31))
    await insert(connection, clock.now() - timedelta(days=29))
    await forgetting.run()
    assert await known(connection) == 1


async def test_two_workers_at_once_forget_once_and_everything(race_database: Database, clock: ManualClock) -> None:
    async with race_database.acquire() as connection:
        for hours in range(30):
            await insert(connection, clock.now() - timedelta(days=33, hours=hours))
    jobs = [Forgetting(race_database, clock, load_scenarios()) for _ in range(4)]
    await asyncio.gather(*(job.run() for job in jobs))
    await jobs[0].run()
    async with race_database.acquire() as connection:
        assert await known(connection) == 0


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TIMES = st.integers(-2000 * 24, 48).map(lambda hours: NOON + timedelta(hours=hours))
ROWS = st.builds(Retention, scenario=st.integers(101, 999), days=st.integers(1, 1095), forgotten_until=TIMES)


@given(rows=st.lists(ROWS, max_size=8, unique_by=lambda row: row.scenario), hours=st.integers(1, 1000))
def test_a_stretch_is_short_overdue_and_goes_on_where_it_stood(rows: list[Retention], hours: int) -> None:
    by_scenario, span = {row.scenario: row for row in rows}, hours * AT_ONCE
    stretches = list(due(rows, NOON, span))
    for stretch in stretches:
        assert stretch.since < stretch.until <= stretch.since + span
        for scenario in stretch.scenarios:
            row = by_scenario[scenario]
            assert stretch.since == row.forgotten_until
            assert stretch.until <= forgotten_by(NOON, row.days)
    owed = {row.scenario for row in rows if row.forgotten_until < forgotten_by(NOON, row.days)}
    assert sorted(number for stretch in stretches for number in stretch.scenarios) == sorted(owed)


@given(days=st.integers(1, 1095), seconds=st.integers(0, 4 * 86400))
def test_a_scan_is_known_for_its_days_and_less_than_two_more(days: int, seconds: int) -> None:
    now = NOON + timedelta(seconds=seconds)
    assert timedelta(days=days) <= now - forgotten_by(now, days) < timedelta(days=days + 1)


@given(days=st.dictionaries(st.integers(101, 999), st.integers(1, 1095), max_size=5), oldest=st.none() | TIMES)
def test_no_scan_lies_before_a_beginning_unless_it_may_still_be_known(
    days: dict[int, int], oldest: datetime | None
) -> None:
    for row in beginnings(days, oldest, NOON):
        assert oldest is None or row.forgotten_until <= max(oldest, forgotten_by(NOON, row.days))
        assert row.forgotten_until <= forgotten_by(NOON, row.days)


async def test_every_column_of_a_scan_either_goes_or_is_said_to_stay(connection: Connection) -> None:
    """Whoever adds a column to a scan decides here what becomes of it."""
    rows = await connection.fetch(
        "select attname from pg_attribute"
        " where attrelid = 'codes.verification'::regclass and attnum > 0 and not attisdropped"
    )
    assert {row["attname"] for row in rows} == GONE | STAYS
