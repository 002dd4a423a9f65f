"""A city for the tests of personal codes, and a client of its routes for whoever the test lets in."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.kit.floor import Floor
from tests.codes.enterprise_city import Caller, app_of, client_of
from tests.codes.personal_city import City


@pytest.fixture
def city(floor: Floor) -> City:
    return City(floor)


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.fixture
async def http(city: City, floor: Floor, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app_of(floor, city.codes, caller)) as client:
        yield client
