"""Two workers on one database, with real commits, for races."""

from datetime import UTC, datetime

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Database, Notifications
from app.kit.floor import Floor
from app.kit.keyring import Keyring
from app.kit.outbox import Outbox
from app.kit.vault import Vault
from tests.codes.personal_city import City, Phone


@pytest.fixture
async def race_floor(race_database: Database, race_dsn: str, vault: Vault) -> Floor:
    clock = ManualClock(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
    keyring = Keyring(race_database, vault, clock)
    async with race_database.acquire() as connection:
        await keyring.load(connection)
    return Floor(
        database=race_database,
        notifications=Notifications(race_dsn),
        clock=clock,
        vault=vault,
        keyring=keyring,
        outbox=Outbox(race_database, vault, clock),
    )


@pytest.fixture
async def workers(race_floor: Floor) -> list[City]:
    """Two workers that share nothing but the database, and the people and phones of one city."""
    first, second = City(race_floor), City(race_floor)
    second.people.by_id, second.devices.by_id = first.people.by_id, first.devices.by_id
    await first.codes.trust_lists.publish_when_due()
    return [first, second]


@pytest.fixture
async def phone(race_floor: Floor, workers: list[City]) -> Phone:
    async with race_floor.database.transaction() as connection:
        return await workers[0].a_phone(connection)
