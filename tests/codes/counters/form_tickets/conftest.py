"""Counters over HTTP: a device that signs, citizens who read, real tables and real scans."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.kit.floor import Floor
from tests.codes.counters.form_tickets.desk import Desk
from tests.codes.enterprise_city import Caller, app_of, client_of
from tests.codes.family_city import FamilyCity


@pytest.fixture
def city(floor: Floor) -> FamilyCity:
    return FamilyCity(floor)


@pytest.fixture
async def desk(floor: Floor, city: FamilyCity) -> AsyncIterator[Desk]:
    caller = Caller()
    async with client_of(app_of(floor, city.codes, caller)) as http:
        yield Desk(http, caller, city)


@pytest.fixture
def http(desk: Desk) -> httpx.AsyncClient:
    return desk.http
