"""Real commits and real races: of all scans of one presentation, exactly one is accepted."""

import asyncio
from collections import Counter
from collections.abc import Callable

from app.kit.floor import Floor
from codes.errors import GrantRequestReused, GrantsExhausted
from codes.showing.grants.models import GrantsView
from codes.venues.scanners.models import Scanner
from codes.verdict import VerificationResult
from codes.verification.models import VerifyCode
from tests.codes.personal_city import City, Phone, a_scanner

SCANS = 100


async def scan_at_once(
    floor: Floor, workers: list[City], request: VerifyCode, scanner_of: Callable[[int], Scanner]
) -> list[VerificationResult]:
    async def scan(number: int) -> VerificationResult:
        async with floor.database.transaction() as connection:
            city = workers[number % len(workers)]
            return await city.codes.verifications.verify(connection, scanner_of(number), request)

    return await asyncio.gather(*(scan(number) for number in range(SCANS)))


async def accepted_rows(floor: Floor) -> int:
    async with floor.database.acquire() as connection:
        count: int = await connection.fetchval("select count(*) from codes.verification where verdict = 'ACCEPT'")
        return count


async def test_a_hundred_scanners_on_one_presentation(race_floor: Floor, workers: list[City], phone: Phone) -> None:
    request = VerifyCode(code=phone.show(), scenario=301, request_id="request-0001")
    results = await scan_at_once(race_floor, workers, request, lambda _number: a_scanner(301))
    assert Counter(result.reason for result in results) == {"OK": 1, "REPLAYED": SCANS - 1}
    assert [bool(result.disclosed) for result in results].count(True) == 1
    assert await accepted_rows(race_floor) == 1


async def test_a_hundred_retries_of_one_request(race_floor: Floor, workers: list[City], phone: Phone) -> None:
    request = VerifyCode(code=phone.show(), scenario=301, request_id="request-0001")
    scanner = a_scanner(301)
    results = await scan_at_once(race_floor, workers, request, lambda _number: scanner)
    assert Counter((result.reason, result.repeated) for result in results) == {
        ("OK", False): 1,
        ("OK", True): SCANS - 1,
    }
    assert len({result.verification_id for result in results}) == 1
    assert await accepted_rows(race_floor) == 1


async def test_a_scan_whose_worker_died_before_its_commit_leaves_the_code_good(
    race_floor: Floor, workers: list[City], phone: Phone
) -> None:
    request = VerifyCode(code=phone.show(), scenario=301)
    async with race_floor.database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        lost = await workers[0].codes.verifications.verify(connection, a_scanner(301), request)
        waiting = asyncio.create_task(scan_once(race_floor, workers[1], request))
        await asyncio.sleep(0.05)
        assert not waiting.done(), "the second scan waits for the first one's end"
        await transaction.rollback()
    second = await waiting
    assert (lost.reason, second.reason) == ("OK", "OK")
    assert await accepted_rows(race_floor) == 1


async def scan_once(floor: Floor, city: City, request: VerifyCode) -> VerificationResult:
    async with floor.database.transaction() as connection:
        return await city.codes.verifications.verify(connection, a_scanner(301), request)


async def test_one_grant_request_sent_at_once_counts_once(race_floor: Floor, workers: list[City]) -> None:
    phone = Phone(workers[0], workers[0].people.add())
    request = phone.request()

    async def issue(number: int) -> GrantsView:
        async with race_floor.database.transaction() as connection:
            return await workers[number % 2].codes.grants.issue(connection, phone.principal, request)

    results = await asyncio.gather(*(issue(number) for number in range(20)), return_exceptions=True)
    assert sum(isinstance(result, GrantsView) for result in results) == 1
    assert {type(result) for result in results} <= {GrantsView, GrantRequestReused, GrantsExhausted}


async def test_every_worker_publishes_the_same_trust_list(race_floor: Floor, workers: list[City]) -> None:
    await asyncio.gather(*(city.codes.trust_lists.publish_when_due() for city in workers * 5))
    async with race_floor.database.acquire() as connection:
        assert await connection.fetchval("select count(*) from codes.trust_list") == 1
        bodies = {(await city.codes.trust_lists.current(connection)).body for city in workers}
    assert len(bodies) == 1
