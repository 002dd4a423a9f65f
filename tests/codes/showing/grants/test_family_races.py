"""A child's grants and the end of the guardianship, at once, over identity's own mandates: none outlives it."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Database
from app.kit.floor import Floor
from app.kit.outbox import Outbox
from auth.documents import make_synthetic_id_number
from auth.people.models import Identity
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from codes.errors import GrantsExhausted, NotTheGuardian
from codes.showing.grants.models import GrantsView
from codes.verification.models import VerifyCode
from tests.codes.enterprise_city import ORIGIN
from tests.codes.family_city import FamilyCity, fetch_for, request_for
from tests.codes.personal_city import Person, Phone, a_scanner

A_WHILE = 0.3
BORN = date(2018, 3, 15)
CHILD = Identity(
    name="演示小朋友",
    document_type="id_card",
    document_number=make_synthetic_id_number(birth=BORN, sequence=21),
    birth_date=BORN,
)


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
async def city(race_floor: Floor, identity: AuthServices) -> AsyncIterator[FamilyCity]:
    """The codes with identity's own people and mandates behind them."""
    city = FamilyCity(race_floor, people=identity.people, guardians=identity.guardians)
    identity.mandates.tell(city.codes.grants)
    yield city
    await city.codes.close()


@dataclasses.dataclass(frozen=True)
class Family:
    """A guardian's phone and the child."""

    phone: Phone
    child: Person


@pytest.fixture
async def family(city: FamilyCity, identity: AuthServices, race_database: Database, clock: ManualClock) -> Family:
    async with race_database.transaction() as connection:
        guardian = await identity.people.find_or_register(connection, "19900000001")
        child_id = await identity.people.register_known(connection, CHILD, actor="system")
        await identity.mandates.appoint_guardian(
            connection,
            guardian_id=guardian.id,
            child_id=child_id,
            ends_at=clock.now() + timedelta(days=365),
            own_word_from=clock.now() + timedelta(days=1),
        )
    return Family(phone=Phone(city, Person(id=guardian.id)), child=Person(id=child_id))


async def issue(city: FamilyCity, database: Database, family: Family) -> GrantsView:
    request = request_for(family.phone, family.child.id)
    async with database.transaction() as connection:
        return await city.codes.grants.issue(connection, family.phone.principal, request)


async def end(identity: AuthServices, database: Database, family: Family) -> None:
    async with database.transaction() as connection:
        await identity.mandates.end_guardianship(
            connection, guardian_id=family.phone.person.id, child_id=family.child.id
        )


async def living_batches(database: Database, child_id: UUID) -> int:
    async with database.acquire() as connection:
        living = "select count(*) from codes.grant_batch where person_id = $1 and revoked_at is null"
        count: int = await connection.fetchval(living, child_id)
        return count


async def waits(task: asyncio.Task[Any]) -> bool:
    done, _ = await asyncio.wait([task], timeout=A_WHILE)
    return not done


async def test_grants_that_are_being_issued_end_with_the_guardianship(
    city: FamilyCity, identity: AuthServices, race_database: Database, family: Family
) -> None:
    async with race_database.transaction() as connection:
        request = request_for(family.phone, family.child.id)
        await city.codes.grants.issue(connection, family.phone.principal, request)
        ending = asyncio.create_task(end(identity, race_database, family))
        assert await waits(ending)
    await ending
    assert await living_batches(race_database, family.child.id) == 0


async def test_grants_asked_while_the_guardianship_ends_are_refused(
    city: FamilyCity, identity: AuthServices, race_database: Database, family: Family
) -> None:
    async with race_database.transaction() as connection:
        await identity.mandates.end_guardianship(
            connection, guardian_id=family.phone.person.id, child_id=family.child.id
        )
        asking = asyncio.create_task(issue(city, race_database, family))
        assert await waits(asking)
    with pytest.raises(NotTheGuardian):
        await asking


async def test_grants_and_the_end_in_any_order_leave_none_alive(
    city: FamilyCity, identity: AuthServices, race_database: Database, family: Family
) -> None:
    asked = [issue(city, race_database, family) for _ in range(4)]
    outcomes = await asyncio.gather(*asked, end(identity, race_database, family), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {GrantsView, NotTheGuardian, GrantsExhausted, type(None)}
    assert await living_batches(race_database, family.child.id) == 0


async def test_code_is_worth_nothing_from_the_moment_in_which_the_guardianship_ended(
    city: FamilyCity, identity: AuthServices, race_database: Database, family: Family
) -> None:
    async with race_database.transaction() as connection:
        await fetch_for(family.phone, family.child, connection)

    async def reason(grant: int) -> str:
        request = VerifyCode(code=family.phone.show(104, grant=grant), scenario=104)
        async with race_database.transaction() as connection:
            return str((await city.codes.verifications.verify(connection, a_scanner(104), request)).reason)

    assert await reason(0) == "OK"
    await end(identity, race_database, family)
    assert await reason(1) == "REVOKED"
