"""Real commits: of all scans of one presentation exactly one is accepted, whichever way each of them goes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.ids import new_id
from codes.venues.scanners.models import Scanner
from codes.verdict import Reason, ScannedBy, Verdict, VerificationResult
from codes.verification import repository
from codes.verification.models import Verification, VerifyCode
from tests.codes.personal_city import City, Phone, a_scanner
from tests.codes.verification.lane.door import LIBRARY_ENTRY, ask, asking, at_work, rows

SCANS = 100


@pytest.fixture
async def scanners(race_floor: Floor, workers: list[City]) -> list[Scanner]:
    for worker in workers:
        await worker.codes.trust_lists.publish_when_due()
    async with race_floor.database.acquire() as connection:
        return [await at_work(connection, a_scanner(LIBRARY_ENTRY), LIBRARY_ENTRY) for _ in range(SCANS)]


@pytest.fixture
async def outside(race_dsn: str) -> AsyncIterator[Connection]:
    """Somebody who reads what is committed, and nothing else."""
    connection = await asyncpg.connect(race_dsn)
    yield connection
    await connection.close()


async def scan_all(
    floor: Floor, workers: list[City], scanners: list[Scanner], request: VerifyCode
) -> list[VerificationResult]:
    asked = [
        ask(floor.database, workers[number % len(workers)], scanner, request) for number, scanner in enumerate(scanners)
    ]
    return await asyncio.gather(*asked)


async def test_a_hundred_scanners_on_one_presentation(
    race_floor: Floor, workers: list[City], scanners: list[Scanner], phone: Phone, outside: Connection
) -> None:
    results = await scan_all(race_floor, workers, scanners, asking(phone.show(), request_id="request-0001"))
    assert Counter(result.reason for result in results) == {"OK": 1, "REPLAYED": SCANS - 1}
    assert [bool(result.disclosed) for result in results].count(True) == 1
    assert Counter(row["verdict"] for row in await rows(outside)) == {"ACCEPT": 1, "REJECT": SCANS - 1}


async def test_a_hundred_retries_of_one_request(
    race_floor: Floor, workers: list[City], scanners: list[Scanner], phone: Phone, outside: Connection
) -> None:
    request = asking(phone.show(), request_id="request-0001")
    results = await scan_all(race_floor, workers, [scanners[0]] * SCANS, request)
    told = Counter((result.reason, result.repeated) for result in results)
    assert told == {("OK", False): 1, ("OK", True): SCANS - 1}
    assert len({result.verification_id for result in results}) == 1
    assert len(await rows(outside)) == 1


def a_row(number: int, at: datetime) -> Verification:
    """An accepted scan of the presentation `number`."""
    return Verification(
        id=new_id(),
        iat=at,
        guard_cti=number.to_bytes(16, "big"),
        verified_at=at,
        scanner_id=new_id(),
        organization_id=new_id(),
        scanned_by=ScannedBy(org="演示图书馆", site="总馆", device="一号闸机"),
        request_id=None,
        subject_type=None,
        subject_id=None,
        kind="P",
        scenario=LIBRARY_ENTRY,
        basis="contract",
        disclosed=[],
        withheld=[],
        verdict=Verdict.ACCEPT,
        reason=Reason.OK,
    )


async def test_groups_with_the_same_presentations_in_opposite_order(
    race_floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each commits as a whole: had they no order of their own, two of them would wait for each other, and fail."""
    # Patient enough for the database to find a deadlock, whatever else the machine does.
    monkeypatch.setattr(repository, "INSERT_IN_GROUP", repository.INSERT_IN_GROUP.replace("250ms", "20s"))
    numbers, now = range(200), race_floor.clock.now()

    async def write(order: Sequence[int]) -> set[UUID]:
        async with race_floor.database.acquire() as connection:
            return await repository.insert_verifications(connection, [a_row(number, now) for number in order])

    for _ in range(3):
        written = await asyncio.gather(write(numbers), write(numbers[::-1]))
        assert sum(map(len, written)) == len(numbers)
        now += timedelta(seconds=1)


async def test_what_is_told_is_committed(
    workers: list[City], scanners: list[Scanner], phone: Phone, outside: Connection
) -> None:
    for age in range(10):
        result = await workers[0].codes.lane.accept(scanners[0], asking(phone.show(age=age)))
        assert result is not None
        assert str((await rows(outside))[-1]["id"]) == result.verification_id


async def test_a_scan_that_takes_long_elsewhere_keeps_nobody_else_waiting(
    race_floor: Floor, workers: list[City], scanners: list[Scanner], phone: Phone
) -> None:
    """A worker froze in the middle of the long way. Whoever shares a group with a scan of that code still gets in."""
    taken, other = asking(phone.show()), asking(phone.show(grant=1))
    async with race_floor.database.acquire() as connection:
        frozen = connection.transaction()
        await frozen.start()
        lost = await workers[0].codes.verifications.verify(connection, scanners[0], taken)
        waiting = asyncio.create_task(ask(race_floor.database, workers[1], scanners[1], taken))
        beside = asyncio.create_task(ask(race_floor.database, workers[1], scanners[2], other))
        assert (await asyncio.wait_for(beside, 3)).reason is Reason.OK
        assert not waiting.done(), "whoever shows the same code waits for the end of it"
        await frozen.rollback()
    assert (lost.reason, (await waiting).reason) == (Reason.OK, Reason.OK)


async def test_a_connection_that_is_cut_takes_no_code_along(
    race_floor: Floor, workers: list[City], scanners: list[Scanner], phone: Phone, outside: Connection
) -> None:
    """The database ends the lane's connection while its group waits to be written."""
    requests = [asking(phone.show(grant=number)) for number in range(3)]
    async with race_floor.database.acquire() as connection:
        holding = connection.transaction()
        await holding.start()
        await workers[0].codes.verifications.verify(connection, scanners[0], requests[0])
        asked = [asyncio.create_task(workers[1].codes.lane.accept(scanners[1], request)) for request in requests]
        async with asyncio.timeout(5):
            while not await outside.fetchval(CUT):
                await asyncio.sleep(0)
        failures = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(failure, asyncpg.PostgresError | OSError) for failure in failures)
        await holding.rollback()
    assert await rows(outside) == []
    results = [await ask(race_floor.database, workers[1], scanners[1], request) for request in requests]
    assert {result.reason for result in results} == {Reason.OK}


CUT = """
select bool_or(pg_terminate_backend(pid)) from pg_stat_activity
 where datname = current_database() and wait_event_type = 'Lock' and query like '%patience%'
"""
