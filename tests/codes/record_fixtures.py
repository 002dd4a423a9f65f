"""The record of a city in the test's own process."""

from collections.abc import AsyncIterator

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from tests.codes.enterprise_city import Caller, app_of, client_of
from tests.codes.personal_city import City, Phone
from tests.codes.record_city import Record


@pytest.fixture
async def record(city: City, floor: Floor, connection: Connection, clock: ManualClock) -> AsyncIterator[Record]:
    caller = Caller()
    async with client_of(app_of(floor, city.codes, caller)) as http:
        yield Record(city=city, connection=connection, clock=clock, http=http, caller=caller)


@pytest.fixture
async def phone(city: City, connection: Connection) -> Phone:
    return await city.a_phone(connection)
