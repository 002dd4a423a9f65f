"""The fixtures that the rooms around enterprise codes share; each room's conftest imports them."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.floor import Floor
from codes.wiring import routers
from tests.codes.enterprise_city import RESTAURANT, Caller, EnterpriseRooms, agent_of, build_app, client_of


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.fixture
async def rooms(floor: Floor) -> AsyncIterator[EnterpriseRooms]:
    rooms = EnterpriseRooms(floor)
    yield rooms
    await rooms.services.close()


@pytest.fixture
async def city(floor: Floor, caller: Caller, rooms: EnterpriseRooms) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(build_app(floor, routers(rooms.services), caller)) as client:
        yield client


@pytest.fixture
async def carrier(city: httpx.AsyncClient, caller: Caller, clock: ManualClock) -> str:
    """The text of the restaurant's sticker."""
    caller.principal = agent_of(RESTAURANT)
    answer = await city.post(f"/v1/organizations/{RESTAURANT}/codes", json={"label": "前厅"})
    assert answer.status_code == 201, answer.text
    caller.principal = None
    carrier: str = answer.json()["carrier"]
    return carrier
