"""The fixtures that the rooms around enterprise codes share; each room's conftest imports them."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Database, Notifications
from app.kit.floor import Floor
from app.kit.keyring import Keyring
from app.kit.outbox import Outbox
from app.kit.vault import Vault
from auth.principal import Principal
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


TASK: dict[str, Any] = {
    "organization_id": str(RESTAURANT),
    "scenario": 804,
    "purpose": "消防监督检查",
    "authority": "通知书〔2026〕1 号",
}


async def open_task(city: httpx.AsyncClient, caller: Caller, officer: Principal, **changes: Any) -> str:
    """A task of this officer, who calls from now on."""
    caller.principal = officer
    answer = await city.post("/v1/inspections", json=TASK | changes)
    assert answer.status_code == 201, answer.text
    task: str = answer.json()["id"]
    return task


async def apply_for_code(city: httpx.AsyncClient, caller: Caller, officer: Principal, task: str) -> str:
    """The text of the picture that the officer shows."""
    caller.principal = officer
    answer = await city.post(f"/v1/inspections/{task}/code")
    assert answer.status_code == 201, answer.text
    text: str = answer.json()["carrier"]
    return text


async def arrive(city: httpx.AsyncClient, caller: Caller, officer: Principal, task: str) -> None:
    """The officer shows the code, the restaurant scans it; the officer calls again."""
    code = await apply_for_code(city, caller, officer, task)
    caller.principal = agent_of(RESTAURANT)
    answer = await city.post("/v1/inspections/scans", json={"code": code})
    assert answer.json()["verdict"] == "ACCEPT", answer.text
    caller.principal = officer


@contextlib.asynccontextmanager
async def committed_rooms(
    dsn: str, vault: Vault, clock: ManualClock, *, connections: int = 8
) -> AsyncIterator[tuple[EnterpriseRooms, Database]]:
    """Rooms over a real pool; every write commits."""
    database = Database(dsn, max_size=connections)
    await database.open()
    keyring = Keyring(database, vault, clock)
    await keyring.refresh()
    floor = Floor(
        database=database,
        notifications=Notifications(dsn),
        clock=clock,
        vault=vault,
        keyring=keyring,
        outbox=Outbox(database, vault, clock),
    )
    rooms = EnterpriseRooms(floor)
    try:
        yield rooms, database
    finally:
        await rooms.services.close()
        await database.close()
