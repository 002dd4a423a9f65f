"""Several workers at once: an end is brought about once, and of two ratings of one act one is kept."""

import asyncio
from datetime import timedelta

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Database, Notifications
from app.kit.floor import Floor
from app.kit.ids import new_id
from app.kit.keyring import Keyring
from app.kit.outbox import Outbox
from app.kit.vault import Vault
from auth.principal import Principal
from miniapps.errors import ActRated
from miniapps.lifecycle.models import AnnounceSunset
from miniapps.manifest import LocalText
from miniapps.ratings.models import RateAct
from miniapps.settings import MiniappsSettings
from miniapps.wiring import MiniappsServices, build_miniapps
from tests.miniapps.centre import Centre
from tests.miniapps.city import KnownOrganizations, ObedientPolicy, official, person
from tests.miniapps.conftest import APP_ID, Steps
from tests.miniapps.documents import sound_document
from tests.miniapps.lifecycle.test_emergencies import KEY, public
from tests.miniapps.ratings.test_ratings import Uses, receipt

WORKERS = 6


@pytest.fixture
async def floor(race_database: Database, vault: Vault, clock: ManualClock) -> Floor:
    return Floor(
        database=race_database,
        notifications=Notifications(race_database.dsn),
        clock=clock,
        vault=vault,
        keyring=Keyring(race_database, vault, clock),
        outbox=Outbox(race_database, vault, clock),
    )


@pytest.fixture
async def services(floor: Floor) -> MiniappsServices:
    services = build_miniapps(floor, MiniappsSettings(), organizations=KnownOrganizations(), policy=ObedientPolicy())
    author, reviewer = official("developer"), official("reviewer")
    async with floor.database.transaction() as connection:
        steps = Steps(services=services, floor=floor, connection=connection, author=author, reviewer=reviewer)
        await steps.register()
        await steps.draft(backend=sound_document()["backend"] | {"keys": [public(KEY, "k1")]})
        await connection.execute("update miniapps.version set state = 'approved'")
        await steps.publish()
    return services


async def test_an_end_is_brought_about_and_told_once(
    services: MiniappsServices, floor: Floor, clock: ManualClock
) -> None:
    centre, sunsets = Centre(), services.stewardship.sunsets
    services.stewardship.tellers.speak_through(centre, centre)
    sunsets.end_consents_in(centre)
    people = [new_id() for _ in range(700)]
    centre.consents = {"library.loans": list(people)}
    end = AnnounceSunset(at=clock.now() + timedelta(days=31), reason=LocalText(zh="合并", en="Merged"))
    async with floor.database.transaction() as connection:
        await sunsets.announce(connection, official("developer"), APP_ID, end)
    clock.advance(31 * 86_400)
    await asyncio.gather(*(sunsets.retire_due() for _ in range(WORKERS)))
    await asyncio.gather(*(sunsets.end_consents() for _ in range(WORKERS)))

    assert [kind for kind, _ in centre.alerts] == ["miniapp_retiring", "miniapp_retired"]
    assert sorted(person_id for person_id, _ in centre.messages) == sorted(people)
    async with floor.database.acquire() as connection:
        rows = await connection.fetch("select action, count(*) as times from kit.audit_entry group by action")
    times = {row["action"]: row["times"] for row in rows}
    assert (times["miniapp.retired"], times["miniapp.consents_ended"]) == (1, 1)


async def test_of_many_ratings_of_one_visit_one_is_kept(
    services: MiniappsServices, floor: Floor, clock: ManualClock
) -> None:
    citizen, uses, ratings = person(), Uses(), services.stewardship.ratings
    uses.used[citizen.subject_id] = clock.now()
    ratings.find_uses_in(uses)

    async def rate(level: int) -> None:
        async with floor.database.transaction() as connection:
            await ratings.rate(connection, citizen, APP_ID, RateAct(level=level))

    results = await asyncio.gather(*(rate(1 + number % 5) for number in range(WORKERS)), return_exceptions=True)
    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, ActRated) for result in results) == WORKERS - 1


async def test_a_visit_and_its_receipt_are_rated_once(
    services: MiniappsServices, floor: Floor, clock: ManualClock
) -> None:
    uses, ratings = Uses(), services.stewardship.ratings
    ratings.find_uses_in(uses)

    async def rate(who: Principal, proof: str | None) -> None:
        async with floor.database.transaction() as connection:
            await ratings.rate(connection, who, APP_ID, RateAct(level=1, receipt=proof))

    for citizen in [person() for _ in range(WORKERS)]:
        uses.used[citizen.subject_id] = clock.now()
        proofs = [None, receipt(floor, citizen, act=str(citizen.subject_id))]
        results = await asyncio.gather(*(rate(citizen, proof) for proof in proofs), return_exceptions=True)
        assert sorted(type(result).__name__ for result in results) == ["ActRated", "NoneType"]
