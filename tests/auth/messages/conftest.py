"""A city with two SMS vendors, a voice vendor and a messenger for staff, each a real server on loopback."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx
import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.floor import Floor
from auth.people.models import Identity
from auth.people.repository import insert_phone
from auth.settings import AuthSettings
from auth.subject_keys.service import SubjectVault
from auth.wiring import AuthServices, build_auth
from tests.auth.conftest import open_client
from tests.auth.messages.vendors import Vendor, open_vendor


@dataclass(kw_only=True)
class Town:
    """Identity with its vendors. `deliver` lets the outbox work until nothing more is due."""

    auth: AuthServices
    floor: Floor
    clock: ManualClock
    first: Vendor
    second: Vendor
    voice: Vendor
    staff: Vendor

    async def deliver(self) -> None:
        while await self.floor.outbox.deliver_due():
            continue

    async def person(self, number: str, name: str = "演示用户一") -> UUID:
        """Somebody with this phone and, as far as a document goes, this name."""
        async with self.floor.database.transaction() as connection:
            person = await self.auth.people.find_or_register(connection, number)
            document = f"E{number[-8:]}"
            identity = Identity(name=name, document_type="passport", document_number=document)
            await self.auth.people.confirm_identity(connection, person.id, identity)
        return person.id

    async def attach(self, person_id: UUID, number: str) -> None:
        """One more phone of this person, newer than the others."""
        index = self.auth.people.phone_index(number)
        async with self.floor.database.transaction() as connection:
            sealed = await SubjectVault(self.floor.vault, self.clock).seal(
                connection, person_id, "phone", number.encode(), context=index
            )
            later = self.clock.now() + timedelta(seconds=1)
            await insert_phone(connection, phone_index=index, person_id=person_id, phone_sealed=sealed, now=later)

    async def tell(self, person_id: UUID, kind: str = "device_enrolled") -> None:
        async with self.floor.database.transaction() as connection:
            await self.auth.messages.write(connection, person_id, kind, self.clock.now())

    async def states(self, person_id: UUID) -> list[tuple[str, str]]:
        """What became of the newest notice outside the app: channel and state."""
        async with self.floor.database.transaction() as connection:
            (newest, *_), _ = await self.auth.messages.list_messages(connection, person_id, after=None, limit=1)
            receipts = await self.auth.messages.get_receipts(connection, person_id, newest.id)
        return [(delivery.channel, delivery.state) for delivery in receipts.deliveries]


@pytest.fixture
async def vendors() -> AsyncIterator[list[Vendor]]:
    async with open_vendor() as first, open_vendor() as second, open_vendor() as voice, open_vendor() as staff:
        yield [first, second, voice, staff]


@pytest.fixture
def town_settings(auth_settings: AuthSettings, vendors: list[Vendor]) -> AuthSettings:
    first, second, voice, staff = vendors
    return msgspec.structs.replace(
        auth_settings,
        sms_url=first.url,
        sms_second_url=second.url,
        voice_url=voice.url,
        staff_channel_url=staff.url,
        sms_parts_a_day=10,
        notices_a_day=5,
    )


@pytest.fixture
async def town(
    floor: Floor, clock: ManualClock, town_settings: AuthSettings, vendors: list[Vendor]
) -> AsyncIterator[Town]:
    services = build_auth(floor, town_settings)
    first, second, voice, staff = vendors
    yield Town(auth=services, floor=floor, clock=clock, first=first, second=second, voice=voice, staff=staff)
    await services.close()


@pytest.fixture
async def door(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    """The town's HTTP API."""
    async with open_client(town.floor, town.auth) as opened:
        yield opened
