"""One yes of the citizen's before two acts at once, over a real pool with real commits."""

import asyncio
from datetime import timedelta

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.errors import SuishenError
from app.kit.floor import Floor
from app.kit.ids import new_id
from auth.mandates import repository
from auth.mandates.engine import Authority
from auth.mandates.models import Mandate
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from tests.auth.consents.test_consents import make_department

WAITING = "select count(*) from pg_locks where not granted"
CONFIRM = "update auth.mandate_confirmation set decision = 'confirmed', decided_at = asked_at"


async def authority_of(services: AuthServices, connection: Connection, clock: ManualClock) -> Authority:
    """A helper beside a citizen, who confirms each act."""
    citizen, helper = [await services.people.find_or_register(connection, f"1990000003{last}") for last in (1, 2)]
    mandate = Mandate(
        id=new_id(),
        principal_type="person",
        principal_id=citizen.id,
        agent_id=helper.id,
        kind="assisted",
        role="",
        proof="agreement",
        starts_at=clock.now(),
        ends_at=clock.now() + timedelta(hours=1),
        items=("card",),
        sponsor_id=await make_department(services, connection),
    )
    await repository.insert_mandate(connection, mandate)
    return Authority(
        mandate_id=mandate.id,
        kind="assisted",
        principal_type="person",
        principal_id=citizen.id,
        agent_id=helper.id,
        scope=mandate.scope,
        ends_at=mandate.ends_at,
        role="",
        confirm_each=True,
    )


async def test_one_yes_is_for_one_of_two_acts_at_once(
    race_floor: Floor, race_database: Database, auth_settings: AuthSettings, clock: ManualClock
) -> None:
    services = build_auth(race_floor, auth_settings)

    async def use(connection: Connection) -> SuishenError | None:
        return await services.mandate_rooms.confirmations.use(
            connection, authority, kind="app_acted", detail={}, fingerprint=bytes(32), now=clock.now()
        )

    async def use_as_well() -> SuishenError | None:
        async with race_database.transaction() as connection:
            return await use(connection)

    async with race_database.transaction() as connection:
        authority = await authority_of(services, connection, clock)
        assert await use(connection) is not None
        await connection.execute(CONFIRM)
    async with race_database.acquire() as looking:
        async with race_database.transaction() as connection:
            assert await use(connection) is None
            second = asyncio.create_task(use_as_well())
            while not await looking.fetchval(WAITING):
                assert not second.done()
        assert await second is not None
        asked = await looking.fetch("select id, used_at from auth.mandate_confirmation order by id")
    assert [row["used_at"] is not None for row in asked] == [True, False]
    await services.close()
