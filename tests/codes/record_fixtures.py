"""The record of a city in the test's own process."""

from collections.abc import AsyncIterator

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from codes.wiring import routers
from tests.codes.enterprise_city import Caller, build_app, client_of
from tests.codes.personal_city import City, Phone
from tests.codes.record_city import Record


@pytest.fixture
async def record(city: City, floor: Floor, connection: Connection, clock: ManualClock) -> AsyncIterator[Record]:
    caller = Caller()
    async with client_of(build_app(floor, routers(city.codes), caller)) as http:
        yield Record(city=city, connection=connection, clock=clock, http=http, caller=caller)


@pytest.fixture
async def phone(city: City, connection: Connection) -> Phone:
    return await city.a_phone(connection)
