"""A freeze and the issuing of grants at once, over real connections: no grant slips through unfrozen."""

import asyncio
import dataclasses
from typing import Any
from uuid import UUID

import pytest

from app.kit.database import Database
from app.kit.errors import SuishenError
from app.kit.floor import Floor
from app.kit.outbox import Outbox
from codes.errors import CodesFrozen
from codes.showing.freezes.errors import AlreadyFrozen
from codes.showing.freezes.models import FreezeCodes, FreezeView, LiftFreeze
from codes.showing.grants.models import GrantsView
from tests.codes.enterprise_city import LIBRARY, an_official
from tests.codes.family_city import FamilyCity, freezing, request_for
from tests.codes.personal_city import Person, Phone

A_WHILE = 0.3
OFFICIAL, COLLEAGUE = an_official("counter", organization_id=LIBRARY), an_official("counter", organization_id=LIBRARY)

UNFROZEN_GRANTS = """
select count(*) from codes.grant_batch b
 where (select count(*) from codes.status_entry where status = 2) < 8 * (select count(*) from codes.grant_batch)
"""


@pytest.fixture
def city(floor: Floor, race_database: Database) -> FamilyCity:
    outbox = Outbox(race_database, floor.vault, floor.clock)
    return FamilyCity(dataclasses.replace(floor, database=race_database, outbox=outbox))


async def freeze(city: FamilyCity, database: Database, request: FreezeCodes) -> FreezeView:
    async with database.transaction() as connection:
        answer = await city.codes.counter.freezes.freeze(connection, OFFICIAL, request)  # type: ignore[union-attr]
    assert isinstance(answer, FreezeView)
    return answer


async def lift(city: FamilyCity, database: Database, freeze_id: UUID) -> FreezeView:
    request = LiftFreeze(because="已找回", holder_checked=True)
    async with database.transaction() as connection:
        return await city.codes.counter.freezes.lift(connection, COLLEAGUE, freeze_id, request)  # type: ignore[union-attr]


async def issue(city: FamilyCity, database: Database, phone: Phone, child: Person | None = None) -> GrantsView:
    request = phone.request() if child is None else request_for(phone, child.id)
    async with database.transaction() as connection:
        return await city.codes.grants.issue(connection, phone.principal, request)


async def unfrozen_grants(database: Database) -> Any:
    async with database.acquire() as connection:
        return await connection.fetchval(UNFROZEN_GRANTS)


async def waits(task: asyncio.Task[Any]) -> bool:
    done, _ = await asyncio.wait([task], timeout=A_WHILE)
    return not done


async def test_grants_that_are_being_issued_are_frozen_with_the_rest(city: FamilyCity, race_database: Database) -> None:
    phone = Phone(city, city.people.add())
    request = freezing(city, phone.person)
    async with race_database.transaction() as connection:
        await city.codes.grants.issue(connection, phone.principal, phone.request())
        frozen = asyncio.create_task(freeze(city, race_database, request))
        assert await waits(frozen)
    await frozen
    assert await unfrozen_grants(race_database) == 0


@pytest.mark.parametrize("whose", ["own", "child's", "guardian's"])
async def test_grants_asked_during_a_freeze_are_refused(city: FamilyCity, race_database: Database, whose: str) -> None:
    phone, child = city.a_family()
    request = freezing(city, child if whose == "child's" else phone.person)
    async with race_database.transaction() as connection:
        await city.codes.counter.freezes.freeze(connection, OFFICIAL, request)  # type: ignore[union-attr]
        asking = asyncio.create_task(issue(city, race_database, phone, None if whose == "own" else child))
        assert await waits(asking)
    with pytest.raises(CodesFrozen):
        await asking


async def test_grants_of_others_wait_for_no_freeze(city: FamilyCity, race_database: Database) -> None:
    phone, other = Phone(city, city.people.add()), Phone(city, city.people.add())
    request = freezing(city, phone.person)
    async with race_database.transaction() as connection:
        await city.codes.counter.freezes.freeze(connection, OFFICIAL, request)  # type: ignore[union-attr]
        assert (await asyncio.wait_for(issue(city, race_database, other), 5)).grants


async def test_freezes_and_grants_in_any_order_leave_none_valid(city: FamilyCity, race_database: Database) -> None:
    phone, child = city.a_family()
    asked = [issue(city, race_database, phone, child) for _ in range(4)]
    frozen = [freeze(city, race_database, freezing(city, one)) for one in (child, phone.person)]
    outcomes = await asyncio.gather(*asked, *frozen, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {GrantsView, FreezeView, CodesFrozen}
    assert await unfrozen_grants(race_database) == 0


async def test_freezing_one_while_the_other_is_thawed_leaves_none_valid(
    city: FamilyCity, race_database: Database
) -> None:
    phone, child = city.a_family()
    await issue(city, race_database, phone, child)
    first = await freeze(city, race_database, freezing(city, phone.person))
    request = freezing(city, child)
    await asyncio.gather(lift(city, race_database, first.id), freeze(city, race_database, request))
    assert await unfrozen_grants(race_database) == 0


async def test_one_of_many_officials_freezes(city: FamilyCity, race_database: Database) -> None:
    request = freezing(city, city.people.add())
    outcomes = await asyncio.gather(*(freeze(city, race_database, request) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(outcome, FreezeView) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, AlreadyFrozen) for outcome in outcomes) == 7
    assert all(isinstance(outcome, (FreezeView, SuishenError)) for outcome in outcomes)
