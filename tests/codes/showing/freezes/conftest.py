"""A counter over HTTP, with real tables, real status lists and real scans."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.kit.floor import Floor
from tests.codes.enterprise_city import Caller, app_of, client_of
from tests.codes.family_city import FamilyCity


@pytest.fixture
def city(floor: Floor) -> FamilyCity:
    return FamilyCity(floor)


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.fixture
async def http(floor: Floor, city: FamilyCity, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app_of(floor, city.codes, caller)) as client:
        yield client
