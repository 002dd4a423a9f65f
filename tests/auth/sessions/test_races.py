"""What is checked stays true until what was built on it stands: sign-out, a new responsible person, a lost phone."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from app.demo.registries import RESPONSIBLE, RESTAURANT
from app.kit.clock import ManualClock
from app.kit.database import Database
from app.kit.floor import Floor
from auth.principal import Principal
from auth.sessions.errors import OAuthRefusal
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from tests.auth.phones import Key, Phone

A_WHILE = 0.3


@pytest.fixture
async def services(race_floor: Floor, auth_settings: AuthSettings) -> AsyncIterator[AuthServices]:
    built = build_auth(race_floor, auth_settings)
    yield built
    await built.close()


@pytest.fixture
async def owner(race_client: httpx.AsyncClient, race_floor: Floor) -> Phone:
    phone = Phone(race_client, race_floor.outbox.deliver_due, number="19900000001")
    await phone.become_known(RESPONSIBLE)
    return phone


@pytest.fixture
async def company(owner: Phone) -> UUID:
    body = {"credit_code": RESTAURANT.credit_code}
    return UUID((await owner.client.post("/v1/organizations", json=body, headers=owner.headers)).json()["id"])


@pytest.fixture
def principal(owner: Phone, services: AuthServices, clock: ManualClock) -> Principal:
    return services.access_tokens.verify(owner.tokens["access_token"], clock.now())


async def test_sign_out_everywhere_finds_the_session_just_being_begun(
    services: AuthServices, principal: Principal, company: UUID, race_database: Database
) -> None:
    async def sign_out() -> int:
        async with race_database.transaction() as connection:
            return await services.sessions.end_all_sessions(connection, principal)

    async with race_database.transaction() as connection:
        begun = await services.organizations.switch_to(connection, principal, company)
        ending = asyncio.create_task(sign_out())
        await asyncio.sleep(A_WHILE)
        assert not ending.done()
    assert await ending == len({"the person's", "the organization's"})
    async with race_database.transaction() as connection:
        again = await services.sessions.refresh(connection, begun.refresh_token, client_id=None, jkt=None)
    assert isinstance(again, OAuthRefusal)


async def test_new_responsible_person_ends_the_session_just_being_begun(
    services: AuthServices, principal: Principal, company: UUID, race_floor: Floor, race_client: httpx.AsyncClient
) -> None:
    race_database = race_floor.database
    successor = Phone(race_client, race_floor.outbox.deliver_due, number="19900000002")
    person_id = UUID((await successor.sign_in())["person"]["id"])

    async def replace() -> None:
        async with race_database.transaction() as connection:
            await services.mandates.appoint_responsible(
                connection, organization_id=company, person_id=person_id, role="负责人"
            )

    async with race_database.transaction() as connection:
        begun = await services.organizations.switch_to(connection, principal, company)
        replacing = asyncio.create_task(replace())
        await asyncio.sleep(A_WHILE)
        assert not replacing.done()
    await replacing
    async with race_database.transaction() as connection:
        again = await services.sessions.refresh(connection, begun.refresh_token, client_id=None, jkt=None)
    assert isinstance(again, OAuthRefusal)


async def test_device_that_is_being_given_something_is_revoked_afterwards(
    services: AuthServices, principal: Principal, owner: Phone, race_database: Database
) -> None:
    device_id = UUID((await owner.enroll(Key())).json()["id"])

    async def revoke() -> None:
        async with race_database.transaction() as connection:
            await services.devices.revoke(connection, principal, device_id)

    async with race_database.transaction() as connection:
        assert (await services.devices.get_device_for_share(connection, device_id)).state == "active"
        revoking = asyncio.create_task(revoke())
        await asyncio.sleep(A_WHILE)
        assert not revoking.done()
    await revoking
    async with race_database.acquire() as connection:
        assert (await services.devices.get_device(connection, device_id)).state == "revoked"


async def test_sign_in_under_a_device_ends_with_its_revocation(
    services: AuthServices, principal: Principal, owner: Phone, race_database: Database
) -> None:
    key = Key()
    device_id = UUID((await owner.enroll(key)).json()["id"])
    thumbprint = str((await owner.get("/v1/me/devices")).json()["items"][0]["thumbprint"])

    async def revoke() -> None:
        async with race_database.transaction() as connection:
            await services.devices.revoke(connection, principal, device_id)

    async with race_database.transaction() as connection:
        assert await services.devices.find_active_by_key(connection, principal.subject_id, thumbprint) == device_id
        revoking = asyncio.create_task(revoke())
        await asyncio.sleep(A_WHILE)
        assert not revoking.done()
    await revoking
