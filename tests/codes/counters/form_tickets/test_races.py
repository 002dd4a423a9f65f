"""Many counters redeem one ticket at once, over real connections: exactly one gets the fields."""

import asyncio
import dataclasses

import pytest

from app.kit.database import Database
from app.kit.errors import SuishenError
from app.kit.floor import Floor
from app.kit.outbox import Outbox
from codes.counters.form_tickets.errors import TicketUsed
from codes.counters.form_tickets.models import PrefilledForm, RedeemTicket
from codes.venues.scanners.models import Scanner
from codes.verification.models import VerifyCode
from tests.codes.counters.form_tickets.desk import COUNTER_IDENTITY, ITEM
from tests.codes.family_city import FamilyCity
from tests.codes.personal_city import a_scanner

COUNTERS = 15


@pytest.fixture
def city(floor: Floor, race_database: Database) -> FamilyCity:
    outbox = Outbox(race_database, floor.vault, floor.clock)
    return FamilyCity(dataclasses.replace(floor, database=race_database, outbox=outbox))


async def a_ticket(city: FamilyCity, database: Database, scanner: Scanner) -> str:
    async with database.transaction() as connection:
        phone = await city.a_phone(connection)
        request = VerifyCode(code=phone.show(COUNTER_IDENTITY), scenario=COUNTER_IDENTITY, item=ITEM)
        result = await city.codes.verifications.verify(connection, scanner, request)
    assert result.form_ticket is not None
    return result.form_ticket


async def redeem(
    city: FamilyCity, database: Database, scanner: Scanner, ticket: str, request_id: str
) -> PrefilledForm | SuishenError:
    request = RedeemTicket(ticket=ticket, request_id=request_id, title="居住证办理申请表")
    async with database.transaction() as connection:
        try:
            return await city.codes.form_tickets.redeem(connection, scanner, request)
        except SuishenError as refusal:
            return refusal


async def test_one_of_many_counters_redeems(city: FamilyCity, race_database: Database) -> None:
    counters = [a_scanner(COUNTER_IDENTITY) for _ in range(COUNTERS)]
    ticket = await a_ticket(city, race_database, counters[0])
    answers = await asyncio.gather(*(redeem(city, race_database, counter, ticket, "counter-1") for counter in counters))
    assert sum(isinstance(answer, PrefilledForm) for answer in answers) == 1
    assert sum(isinstance(answer, TicketUsed) for answer in answers) == COUNTERS - 1


async def test_many_retries_of_one_request_are_one_redemption(city: FamilyCity, race_database: Database) -> None:
    counter = a_scanner(COUNTER_IDENTITY)
    ticket = await a_ticket(city, race_database, counter)
    answers = await asyncio.gather(
        *(redeem(city, race_database, counter, ticket, "counter-1") for _ in range(COUNTERS))
    )
    forms = [answer for answer in answers if isinstance(answer, PrefilledForm)]
    assert len(forms) == COUNTERS
    assert sum(not form.repeated for form in forms) == 1
    assert len({form.id for form in forms}) == 1
