"""Real commits and real races on the steps below the personal code: once each, over workers."""

import asyncio
import base64
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.ids import new_id
from codes.showing.online.models import ISSUES_PER_DAY, IssueOnlineCode, OnlineCodeView
from codes.showing.online.reader import GUESSES
from codes.showing.paper.errors import TooManyPaperCodes
from codes.showing.paper.models import MOST_LIVING, IssuePaperCode, PaperCodeView
from codes.verdict import VerificationResult
from codes.verification.models import VerifyCode
from tests.codes.personal_city import City, Phone, a_scanner
from tests.codes.showing.online.thin_client import ThinClient

SCANS = 40
LIBRARY_ENTRY, KIOSK = 301, 502
T = TypeVar("T")


async def at_once(floor: Floor, workers: list[City], act: Callable[[City, Connection, int], Awaitable[T]]) -> list[T]:
    """What `act` gives at every worker in turn, each in a transaction of its own, all at the same moment."""

    async def once(number: int) -> T:
        async with floor.database.transaction() as connection:
            return await act(workers[number % len(workers)], connection, number)

    return await asyncio.gather(*(once(number) for number in range(SCANS)))


async def a_thin_client(floor: Floor, city: City, phone: Phone) -> ThinClient:
    async with floor.database.transaction() as connection:
        return ThinClient(await city.codes.ladder.online_codes.issue(connection, phone.principal, IssueOnlineCode()))


async def test_a_step_is_accepted_once_whether_as_token_or_as_digits(
    race_floor: Floor, workers: list[City], phone: Phone
) -> None:
    thin, now = await a_thin_client(race_floor, workers[0], phone), race_floor.clock.now()
    shown = [thin.token(now), thin.digits(now)]

    async def scan(city: City, connection: Connection, number: int) -> VerificationResult:
        request = VerifyCode(code=shown[number % 3 % 2], scenario=LIBRARY_ENTRY)
        door = a_scanner(LIBRARY_ENTRY, organization_id=new_id())
        return await city.codes.verifications.verify(connection, door, request)

    results = await at_once(race_floor, workers, scan)
    assert Counter(result.reason for result in results) == {"OK": 1, "REPLAYED": SCANS - 1}
    assert [bool(result.disclosed) for result in results].count(True) == 1


async def test_of_many_guesses_at_once_none_slips_past_the_limit(
    race_floor: Floor, workers: list[City], phone: Phone
) -> None:
    thin, now = await a_thin_client(race_floor, workers[0], phone), race_floor.clock.now()
    thin.secret = msgspec.structs.replace(thin.secret, key=bytes(32))
    scanner = a_scanner(LIBRARY_ENTRY)

    async def guess(city: City, connection: Connection, number: int) -> VerificationResult:
        request = VerifyCode(code=thin.digits(now, steps=number), scenario=LIBRARY_ENTRY)
        return await city.codes.verifications.verify(connection, scanner, request)

    reasons = Counter(result.reason for result in await at_once(race_floor, workers, guess))
    assert reasons == {"BAD_DEVICE_SIGNATURE": GUESSES.tries, "RATE_LIMITED": SCANS - GUESSES.tries}


async def test_a_grant_answers_one_nonce_of_many_at_once(race_floor: Floor, workers: list[City], phone: Phone) -> None:
    """Of kiosks that share nothing, so that nothing but the grant makes them wait for each other."""
    kiosks = [a_scanner(KIOSK, organization_id=new_id()) for _ in range(SCANS)]

    async def scan(city: City, connection: Connection, number: int) -> VerificationResult:
        kiosk, nonce = kiosks[number], f"nonce of scan number {number}".encode()
        request = VerifyCode(
            code=phone.show(KIOSK, aud=str(kiosk.site_id), cnonce=nonce, age=number % 25),
            scenario=KIOSK,
            cnonce=base64.urlsafe_b64encode(nonce).decode().rstrip("="),
        )
        return await city.codes.verifications.verify(connection, kiosk, request)

    results = await at_once(race_floor, workers, scan)
    assert Counter(result.reason for result in results) == {"OK": 1, "REPLAYED": SCANS - 1}
    assert [bool(result.disclosed) for result in results].count(True) == 1


async def test_nobody_gets_a_paper_or_an_online_code_too_many(
    race_floor: Floor, workers: list[City], phone: Phone
) -> None:
    async def print_one(city: City, connection: Connection, _number: int) -> PaperCodeView | None:
        try:
            return await city.codes.ladder.paper_codes.issue(connection, phone.principal, IssuePaperCode())
        except TooManyPaperCodes:
            return None

    papers = await at_once(race_floor, workers, print_one)
    assert sum(paper is not None for paper in papers) == MOST_LIVING

    async def issue_one(number: int) -> OnlineCodeView:
        async with race_floor.database.transaction() as connection:
            return await workers[number % 2].codes.ladder.online_codes.issue(
                connection, phone.principal, IssueOnlineCode()
            )

    issued = await asyncio.gather(*(issue_one(number) for number in range(SCANS)), return_exceptions=True)
    given = [one for one in issued if isinstance(one, OnlineCodeView)]
    assert 1 <= len(given) <= ISSUES_PER_DAY
    assert len({handle.digits for one in given for handle in one.handles}) == len(given) * 8
