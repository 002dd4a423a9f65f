"""A gate of the library, a citizen with a phone, and the city that takes logs."""

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from tests.codes.enterprise_city import Caller, Device
from tests.codes.personal_city import City, Phone
from tests.codes.records.offline_logs.gates import enrolled


@pytest.fixture
async def device(http: httpx.AsyncClient, caller: Caller, clock: ManualClock) -> Device:
    return await enrolled(http, caller, clock, device_name="一号闸机")


@pytest.fixture
async def phone(city: City, connection: Connection) -> Phone:
    return await city.a_phone(connection)
