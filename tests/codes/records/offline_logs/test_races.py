"""Logs that come at once: a showing counts once among them, nobody waits for ever, a lost upload may be repeated."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Database, Notifications
from app.kit.errors import RateLimited
from app.kit.floor import Floor
from app.kit.keyring import Keyring
from app.kit.outbox import Outbox
from app.kit.vault import Vault
from codes.records.offline_logs.models import LogAnswer, OfflineEntry, UploadLog
from codes.venues.admissions.models import LIMITS, Limit
from codes.venues.scanners.models import Scanner
from codes.verdict import Reason, Verdict
from tests.codes.personal_city import City, a_scanner

SHOWINGS = 24


@pytest.fixture
async def race_city(race_database: Database, race_dsn: str, vault: Vault) -> City:
    clock = ManualClock(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
    keyring = Keyring(race_database, vault, clock)
    async with race_database.acquire() as connection:
        await keyring.load(connection)
    city = City(
        Floor(
            database=race_database,
            notifications=Notifications(race_dsn),
            clock=clock,
            vault=vault,
            keyring=keyring,
            outbox=Outbox(race_database, vault, clock),
        )
    )
    await city.codes.trust_lists.publish_when_due()
    return city


async def showings(city: City, database: Database) -> list[str]:
    async with database.transaction() as connection:
        phone = await city.a_phone(connection)
    return [phone.show(grant=number % 8, age=number // 8) for number in range(SHOWINGS)]


def a_log(city: City, codes: list[str], name: str) -> UploadLog:
    return UploadLog(
        entries=[
            OfflineEntry(
                entry_id=f"{name}-{number:04}",
                code=code,
                scenario=301,
                scanned_at=city.clock.now() + timedelta(seconds=1),
                verdict=Verdict.ACCEPT,
                reason=Reason.OK,
            )
            for number, code in enumerate(codes)
        ]
    )


async def upload(city: City, database: Database, scanner: Scanner, log: UploadLog) -> LogAnswer:
    async with database.transaction() as connection:
        return await city.codes.record.offline_logs.upload(connection, scanner, log)


async def test_doors_that_saw_the_same_codes_in_any_order(race_city: City, race_database: Database) -> None:
    codes = await showings(race_city, race_database)
    orders = [codes, codes[::-1], codes[7:] + codes[:7], codes[::2] + codes[1::2]]
    logs = [a_log(race_city, order, f"door{number}") for number, order in enumerate(orders)]
    answers = await asyncio.gather(*(upload(race_city, race_database, a_scanner(301), log) for log in logs))
    reasons = Counter(item.reason for answer in answers for item in answer.items)
    assert reasons == {Reason.OK: SHOWINGS, Reason.REPLAYED: 3 * SHOWINGS}
    async with race_database.acquire() as connection:
        assert (
            await connection.fetchval(
                "select count(distinct guard_cti || iat::text::bytea) from codes.verification where verdict = 'ACCEPT'"
            )
            == SHOWINGS
        )


async def test_one_log_many_times_at_once(race_city: City, race_database: Database) -> None:
    log, scanner = a_log(race_city, await showings(race_city, race_database), "door"), a_scanner(301)
    answers = await asyncio.gather(*(upload(race_city, race_database, scanner, log) for _ in range(6)))
    told = {tuple((item.verification_id, item.reason) for item in answer.items) for answer in answers}
    assert len(told) == 1
    assert sum(not item.repeated for answer in answers for item in answer.items) == SHOWINGS
    async with race_database.acquire() as connection:
        assert await connection.fetchval("select count(*) from codes.verification") == SHOWINGS


async def test_an_upload_that_was_cut_off_leaves_nothing_and_may_come_again(
    race_city: City, race_database: Database
) -> None:
    log, scanner = a_log(race_city, await showings(race_city, race_database), "door"), a_scanner(301)
    async with race_database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await race_city.codes.record.offline_logs.upload(connection, scanner, log)
        await transaction.rollback()
    answer = await upload(race_city, race_database, scanner, log)
    assert {(item.state, item.repeated, item.reason) for item in answer.items} == {("recorded", False, Reason.OK)}


async def test_logs_of_one_device_come_one_after_the_other(race_city: City, race_database: Database) -> None:
    """Sent all at once, they would all be below the limit."""
    race_city.codes.scanning.limiter._limits = dict.fromkeys(LIMITS, Limit(scanner=5, organization=1000, seconds=600))
    scanner = a_scanner(301)
    logs = [a_log(race_city, ["SSM1:MADE UP"] * 5, f"log{number}") for number in range(6)]
    answers = await asyncio.gather(
        *(upload(race_city, race_database, scanner, log) for log in logs), return_exceptions=True
    )
    assert Counter(type(answer) for answer in answers) == {LogAnswer: 1, RateLimited: 5}
