"""用码记录 is read in parts of the years: whatever the times and the size of a page, every scan once, latest first."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.ids import new_id
from auth.principal import Principal
from codes.scenarios.catalogue import load_scenarios
from codes.verification.scans import AT_ONCE, CURSOR, EPOCH, ScanRecords, cursor_of, place_of, spans
from tests.codes.enterprise_city import a_principal, agent_of

INSERT = """
insert into codes.verification
       (id, iat, verified_at, scanner_id, organization_id, scanned_by, subject_type, subject_id, scenario, basis,
        disclosed, withheld, verdict, reason)
values ($1, $2, $2, $1, $1, '{"org": "", "site": "", "device": ""}', $3, $4, 301, 'contract', '{}', '{}', 'REJECT',
        'STALE_CODE')
"""
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LONGEST = timedelta(days=181)
# Also exactly where one part ends and the next begins, several at once.
AGES = st.one_of(
    st.integers(-30, 20_000_000).map(lambda seconds: timedelta(seconds=seconds)),
    st.integers(0, 6).map(lambda parts: parts * AT_ONCE - timedelta(minutes=1)),
)


@pytest.fixture
def records(clock: ManualClock) -> ScanRecords:
    return ScanRecords(load_scenarios(), clock)


async def insert(connection: Connection, principal: Principal, at: datetime) -> UUID:
    scan_id = new_id()
    await connection.execute(INSERT, scan_id, at, principal.subject_type, principal.subject_id)
    return scan_id


async def read_all(records: ScanRecords, connection: Connection, principal: Principal, limit: int) -> list[UUID]:
    found: list[UUID] = []
    after: str | None = None
    while True:
        page = await records.list_scans(connection, principal, after=after, limit=limit)
        assert len(page.items) <= limit
        found += [item.verification_id for item in page.items]
        after = page.next
        if after is None:
            return found
        assert len(page.items) == limit


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ages=st.lists(AGES, max_size=12), limit=st.integers(1, 5))
async def test_pages_have_every_scan_once_latest_first(
    records: ScanRecords, connection: Connection, ages: list[timedelta], limit: int
) -> None:
    principal = a_principal("person")
    kept = [(NOON - age, await insert(connection, principal, NOON - age)) for age in ages]
    await insert(connection, a_principal("person"), NOON)
    expected = [scan_id for at, scan_id in sorted(kept, reverse=True) if at >= NOON - LONGEST]
    assert await read_all(records, connection, principal, limit) == expected


async def test_a_company_reads_further_back_than_a_person(records: ScanRecords, connection: Connection) -> None:
    person, company = a_principal("person"), agent_of(new_id())
    for principal in (person, company):
        await insert(connection, principal, NOON - timedelta(days=1000))
    assert await read_all(records, connection, person, 5) == []
    assert len(await read_all(records, connection, company, 5)) == 1


async def test_the_same_id_as_person_and_company_are_two(records: ScanRecords, connection: Connection) -> None:
    company = agent_of(new_id())
    person = a_principal("person", subject_id=company.subject_id)
    scan = await insert(connection, company, NOON)
    assert await read_all(records, connection, person, 5) == []
    assert await records.find_scan(connection, person, scan) is None
    assert await records.find_scan(connection, company, scan) is not None


@given(latest=st.integers(0, 10**9), length=st.integers(-(10**8), 10**8))
def test_parts_touch_and_cover_everything(latest: int, length: int) -> None:
    end, begin = EPOCH + timedelta(seconds=latest), EPOCH + timedelta(seconds=latest - length)
    parts = list(spans(end, begin))
    assert [since for since, _ in parts[:-1]] == [until for _, until in parts[1:]]
    assert all(timedelta() < until - since <= AT_ONCE for since, until in parts)
    assert (parts[0][1], parts[-1][0]) == (end, begin) if length > 0 else parts == []


@given(microseconds=st.integers(0, (1 << 52) - 1), number=st.uuids())
def test_a_cursor_is_a_place(microseconds: int, number: UUID) -> None:
    at = EPOCH + timedelta(microseconds=microseconds)
    assert place_of(cursor_of(at, number)) == (at, number)


@given(text=st.from_regex(CURSOR.removesuffix(r"(?![\s\S])") + r"\Z", fullmatch=True))
def test_whatever_looks_like_a_cursor_is_one(text: str) -> None:
    at, number = place_of(text)
    assert cursor_of(at, number) == text
