"""Grants and the end of their phone, at once, over the real register of devices: no grant outlives its device."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.floor import Floor
from app.kit.outbox import Outbox
from auth.devices import repository as devices
from auth.devices.models import StoredDevice
from auth.devices.service import NAME_PURPOSE
from auth.keys import point_of, thumbprint
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from codes.errors import DeviceNotReady, GrantsExhausted
from codes.showing.grants.models import GrantsView
from codes.wiring import CodesPorts, build_codes
from tests.codes.enterprise_city import ORIGIN
from tests.codes.personal_city import SETTINGS, City, Person, Phone

A_WHILE = 0.3


@pytest.fixture
def race_floor(floor: Floor, race_database: Database) -> Floor:
    """The same floor over a real pool, for real commits."""
    outbox = Outbox(race_database, floor.vault, floor.clock)
    return dataclasses.replace(floor, database=race_database, outbox=outbox)


@pytest.fixture
async def identity(race_floor: Floor) -> AsyncIterator[AuthServices]:
    services = build_auth(race_floor, AuthSettings(issuer=ORIGIN))
    yield services
    await services.close()


@pytest.fixture
async def city(race_floor: Floor, identity: AuthServices) -> AsyncIterator[City]:
    """The codes with identity's own people and devices behind them."""
    city = City(race_floor)
    ports = CodesPorts(people=identity.people, devices=identity.devices, organizations=city.organizations)
    city.codes = build_codes(race_floor, SETTINGS, ports)
    identity.devices.tell(city.codes.grants)
    yield city
    await city.codes.close()


@pytest.fixture
async def person(identity: AuthServices, race_database: Database) -> Person:
    async with race_database.transaction() as connection:
        known = await identity.people.find_or_register(connection, "19900000001")
    return Person(id=known.id, identity_level=known.identity_level)


@pytest.fixture
async def phone(city: City, person: Person, race_database: Database, clock: ManualClock) -> Phone:
    async with race_database.transaction() as connection:
        return await enrolled(city, connection, person, clock)


async def enrolled(city: City, connection: Connection, person: Person, clock: ManualClock) -> Phone:
    phone = Phone(city, person)
    public_key = phone.key.public_key()
    device = StoredDevice(
        id=phone.id,
        person_id=person.id,
        name_sealed=city.vault.seal(NAME_PURPOSE, "演示手机".encode(), context=phone.id.bytes),
        public_key=point_of(public_key),
        thumbprint=thumbprint(public_key),
        enrolled_at=clock.now(),
        active_from=clock.now(),
    )
    assert await devices.insert_device(connection, device)
    return phone


async def issue(city: City, database: Database, phone: Phone) -> GrantsView:
    async with database.transaction() as connection:
        return await city.codes.grants.issue(connection, phone.principal, phone.request())


async def revoke(identity: AuthServices, database: Database, phone: Phone) -> None:
    async with database.transaction() as connection:
        await identity.devices.revoke(connection, phone.principal, phone.id)


async def living_batches(database: Database, device_id: UUID) -> int:
    async with database.acquire() as connection:
        living = "select count(*) from codes.grant_batch where device_id = $1 and revoked_at is null"
        count: int = await connection.fetchval(living, device_id)
        return count


async def waits(task: asyncio.Task[Any]) -> bool:
    done, _ = await asyncio.wait([task], timeout=A_WHILE)
    return not done


async def test_grants_that_are_being_issued_end_with_their_device(
    city: City, identity: AuthServices, race_database: Database, phone: Phone
) -> None:
    async with race_database.transaction() as connection:
        await city.codes.grants.issue(connection, phone.principal, phone.request())
        ending = asyncio.create_task(revoke(identity, race_database, phone))
        assert await waits(ending)
    await ending
    assert await living_batches(race_database, phone.id) == 0


async def test_grants_asked_while_their_device_ends_are_refused(
    city: City, identity: AuthServices, race_database: Database, phone: Phone
) -> None:
    async with race_database.transaction() as connection:
        await identity.devices.revoke(connection, phone.principal, phone.id)
        asking = asyncio.create_task(issue(city, race_database, phone))
        assert await waits(asking)
    with pytest.raises(DeviceNotReady):
        await asking
    assert await living_batches(race_database, phone.id) == 0


async def test_grants_of_another_device_wait_for_nobody(
    *, city: City, identity: AuthServices, race_database: Database, phone: Phone, person: Person, clock: ManualClock
) -> None:
    async with race_database.transaction() as connection:
        other = await enrolled(city, connection, person, clock)
    async with race_database.transaction() as connection:
        await identity.devices.revoke(connection, phone.principal, phone.id)
        assert (await asyncio.wait_for(issue(city, race_database, other), 5)).grants
    assert await living_batches(race_database, other.id) == 1


async def test_grants_and_ends_in_any_order_leave_none_alive(
    city: City, identity: AuthServices, race_database: Database, phone: Phone
) -> None:
    issuing = [issue(city, race_database, phone) for _ in range(4)]
    outcomes = await asyncio.gather(*issuing, revoke(identity, race_database, phone), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {GrantsView, DeviceNotReady, GrantsExhausted, type(None)}
    assert await living_batches(race_database, phone.id) == 0
