"""Two workers deliver at once, with real commits: every notice leaves once, every receipt counts once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Database
from app.kit.floor import Floor
from app.kit.outbox import Outbox
from auth.settings import AuthSettings
from auth.wiring import build_auth
from tests.auth.conftest import open_client
from tests.auth.messages.conftest import Town
from tests.auth.messages.vendors import Vendor

NOTICES = 9
WORKERS = 3


@pytest.fixture
async def towns(
    race_database: Database, floor: Floor, clock: ManualClock, town_settings: AuthSettings, vendors: list[Vendor]
) -> AsyncIterator[list[Town]]:
    """The same town, as each of three workers has it."""
    first, second, voice, staff = vendors
    towns = []
    for _ in range(WORKERS):
        own = Floor(
            database=race_database,
            notifications=floor.notifications,
            clock=clock,
            vault=floor.vault,
            keyring=floor.keyring,
            outbox=Outbox(race_database, floor.vault, clock),
        )
        services = build_auth(own, town_settings)
        towns.append(Town(auth=services, floor=own, clock=clock, first=first, second=second, voice=voice, staff=staff))
    yield towns
    for town in towns:
        await town.auth.close()


async def test_workers_send_each_notice_once_and_each_receipt_counts_once(
    towns: list[Town], clock: ManualClock
) -> None:
    town = towns[0]
    people = [await town.person(f"1990000030{number}") for number in range(NOTICES)]
    async with town.floor.database.transaction() as connection:  # money is not what is tried here
        await connection.execute("insert into auth.sms_spending values ('2026-03-02', -100)")
    await asyncio.gather(*(towns[number % WORKERS].tell(person) for number, person in enumerate(people)))
    clock.advance(61)
    sweeps = [worker.auth.message_centre.courier.sweep() for worker in towns]
    await asyncio.gather(*sweeps, *(worker.deliver() for worker in towns))
    await asyncio.gather(*(worker.deliver() for worker in towns))
    assert Counter(message["id"] for message in town.first.taken) == dict.fromkeys(
        (message["id"] for message in town.first.taken), 1
    )
    assert len(town.first.taken) == NOTICES
    async with open_client(towns[1].floor, towns[1].auth) as door:
        await _say_it_failed_ten_times(town, door)
    await asyncio.gather(*(worker.deliver() for worker in towns))
    assert len(town.second.taken) == 1
    assert {(await town.states(person))[0] for person in people} == {("sms", "sent")}


async def _say_it_failed_ten_times(town: Town, door: httpx.AsyncClient) -> None:
    failed = town.first.receipt("failed")
    answers = await asyncio.gather(*(door.post("/v1/message-receipts", json=failed) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
