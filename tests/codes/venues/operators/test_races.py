"""Guessing a PIN over many connections at once is no faster than one after the other."""

import asyncio

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Database
from app.kit.errors import SuishenError
from app.kit.vault import Vault
from codes.venues.admissions.limiter import Limiter
from codes.venues.admissions.models import LIMITS
from codes.venues.operators.models import WRONG_PINS, AppointOperator, Duty, SignOn
from codes.venues.operators.service import Operators
from tests.codes.enterprise_city import LIBRARY, an_official
from tests.codes.personal_city import a_scanner

GUESSES = 15


@pytest.fixture
def operators(vault: Vault, clock: ManualClock) -> Operators:
    return Operators(vault, Limiter(LIMITS), clock)


async def test_wrong_pins_at_once_lock_as_wrong_pins_in_turn(race_database: Database, operators: Operators) -> None:
    keeper = an_official("scanner_admin", organization_id=LIBRARY)
    async with race_database.transaction() as connection:
        request = AppointOperator(organization_id=LIBRARY, number="A-1")
        appointed = await operators.appoint(connection, keeper, request)
    scanner = a_scanner()
    wrong = f"{(int(appointed.pin) + 1) % 10**6:06}"

    async def sign_on(pin: str) -> Duty | SuishenError:
        async with race_database.transaction() as connection:
            return await operators.sign_on(connection, scanner, SignOn(number="A-1", pin=pin))

    answers = await asyncio.gather(*(sign_on(wrong) for _ in range(GUESSES)))
    assert all(isinstance(answer, SuishenError) for answer in answers)
    async with race_database.acquire() as connection:
        row = await connection.fetchrow("select wrong_pins, locked_until from codes.operator")
        locks = await connection.fetchval("select count(*) from kit.audit_entry where action = 'operator.locked'")
    assert row is not None
    assert row["locked_until"] is not None
    assert (row["wrong_pins"], locks) == (0, 1), f"{WRONG_PINS} were looked at, the others met the lock"
    assert isinstance(await sign_on(appointed.pin), SuishenError)


async def test_one_number_is_appointed_once_by_many_at_once(race_database: Database, operators: Operators) -> None:
    keeper = an_official("scanner_admin", organization_id=LIBRARY)

    async def appoint() -> bool:
        async with race_database.transaction() as connection:
            await operators.appoint(connection, keeper, AppointOperator(organization_id=LIBRARY, number="A-1"))
        return True

    answers = await asyncio.gather(*(appoint() for _ in range(8)), return_exceptions=True)
    assert [answer for answer in answers if answer is True] == [True]
    assert sum(isinstance(answer, SuishenError) for answer in answers) == 7
