"""Many who act at once on a database of their own: one order of things comes out, and nobody is left in between."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Database, Notifications
from app.kit.errors import SuishenError
from app.kit.floor import Floor
from app.kit.keyring import Keyring
from app.kit.outbox import Outbox
from app.kit.vault import Vault
from auth.principal import Principal
from miniapps.manifest import LocalText
from miniapps.releases.health import Health
from miniapps.releases.models import PublishVersion, ReleaseView
from miniapps.rollouts.halting import STRIKES
from miniapps.rollouts.models import RollBack, TakeStep
from miniapps.settings import MiniappsSettings
from miniapps.testers.models import AcceptInvitation, InviteTester
from miniapps.wiring import MiniappsServices, build_miniapps
from tests.miniapps.city import KnownOrganizations, ObedientPolicy, official, person
from tests.miniapps.conftest import APP_ID, Steps
from tests.miniapps.rollouts.test_watch import FAILING, HeardAlerts, KnownHealth

REASON = RollBack(reason=LocalText(zh="办理页面报错", en="The form fails"))


class House:
    """The registry with real commits: version 1 is everybody's, version 2 on trial."""

    def __init__(self, database: Database, clock: ManualClock, services: MiniappsServices, author: Principal) -> None:
        self.database = database
        self.clock = clock
        self.services = services
        self.author = author
        self.trial: ReleaseView

    async def step(self, percent: Any) -> ReleaseView:
        async with self.database.transaction() as connection:
            step = TakeStep(percent=percent)
            return await self.services.rollouts.take_step(connection, self.author, APP_ID, self.trial.id, step)

    async def publish(self) -> ReleaseView:
        async with self.database.transaction() as connection:
            return await self.services.rollouts.publish(connection, self.author, APP_ID, self.trial.id)

    async def roll_back(self) -> ReleaseView:
        async with self.database.transaction() as connection:
            return await self.services.rollouts.roll_back(connection, self.author, APP_ID, self.trial.id, REASON)

    async def begin(self) -> ReleaseView:
        async with self.database.transaction() as connection:
            request = PublishVersion(version_code=2, to="testers")
            return await self.services.releases.publish(connection, self.author, APP_ID, request)

    async def states(self) -> list[str]:
        async with self.database.acquire() as connection:
            rows = await connection.fetch("select state from miniapps.release order by id")
        return [row["state"] for row in rows]


@pytest.fixture
async def house(race_database: Database, vault: Vault, clock: ManualClock) -> House:
    floor = Floor(
        database=race_database,
        notifications=Notifications(race_database.dsn),
        clock=clock,
        vault=vault,
        keyring=Keyring(race_database, vault, clock),
        outbox=Outbox(race_database, vault, clock),
    )
    settings = MiniappsSettings(gray_step_seconds=0)
    services = build_miniapps(floor, settings, organizations=KnownOrganizations(), policy=ObedientPolicy())
    author, reviewer = official("developer"), official("reviewer")
    for code in (1, 2):
        async with race_database.transaction() as connection:
            steps = Steps(services=services, floor=floor, connection=connection, author=author, reviewer=reviewer)
            if code == 1:
                await steps.register()
            digest = await steps.draft(code)
            await steps.submit(code)
        await steps.check()
        async with race_database.transaction() as connection:
            steps.connection = connection
            await steps.review(digest, code)
            if code == 1:
                await steps.publish()
    house = House(race_database, clock, services, author)
    house.trial = await house.begin()
    return house


async def outcomes(*acts: Awaitable[Any]) -> tuple[int, int]:
    """How many succeeded, and how many were refused by name; anything else is an error."""
    results = await asyncio.gather(*acts, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, SuishenError):
            raise result
    refused = sum(isinstance(result, SuishenError) for result in results)
    return len(results) - refused, refused


async def test_of_many_steps_at_once_one_is_taken(house: House) -> None:
    assert await outcomes(*(house.step(1) for _ in range(10))) == (1, 9)
    assert await outcomes(*(house.step(5) for _ in range(10))) == (1, 9)


async def test_of_many_trials_at_once_one_begins(house: House) -> None:
    await house.roll_back()
    assert await outcomes(*(house.begin() for _ in range(10))) == (1, 9)
    assert (await house.states()).count("internal") == 1


async def test_publishing_and_rolling_back_at_once_leave_one_published(house: House) -> None:
    for percent in (1, 5, 20, 50, 100):
        await house.step(percent)
    await outcomes(*(act() for act in (house.publish, house.roll_back) * 5))
    states = await house.states()
    assert states.count("published") == 1
    assert states[1] == "rolled_back"


async def test_a_halt_and_people_at_once_end_a_release_once(house: House) -> None:
    health, alerts = KnownHealth(), HeardAlerts()
    house.services.evidence.count_calls_by(health)
    house.services.watch.alert_through(alerts)
    health.known = {house.trial.id: FAILING}
    for _ in range(STRIKES - 1):
        await house.services.watch.look()
        house.clock.advance(1)
    looks = [house.services.watch.look() for _ in range(4)]
    await outcomes(*looks, house.roll_back(), house.step(1), house.roll_back())
    async with house.database.acquire() as connection:
        ends = await connection.fetchval(
            "select count(*) from kit.audit_entry where action in ('miniapp.release_halted', 'miniapp.rolled_back')"
        )
        state = await connection.fetchval("select state from miniapps.release where id = $1", house.trial.id)
    assert ends == 1
    assert state in {"halted", "rolled_back"}
    assert len(alerts.raised) == (state == "halted")
    assert (await house.states())[0] == "published"


async def test_workers_that_look_at_once_give_one_strike(house: House) -> None:
    health = KnownHealth()
    house.services.evidence.count_calls_by(health)
    health.known = {house.trial.id: Health(calls=100, timeouts=90, durations=(100, 0, 0, 0, 0, 0, 0, 0, 0))}
    await asyncio.gather(*(house.services.watch.look() for _ in range(8)))
    async with house.database.acquire() as connection:
        assert await connection.fetchval("select strikes from miniapps.release_watch") == 1


async def test_a_code_that_many_accept_at_once_makes_one_tester(house: House) -> None:
    testers = house.services.testers
    async with house.database.transaction() as connection:
        invitation = await testers.invite(connection, house.author, APP_ID, InviteTester(label="测试员甲"))

    async def accept(citizen: Principal) -> Any:
        async with house.database.transaction() as connection:
            return await testers.accept(connection, citizen, AcceptInvitation(code=invitation.code))

    assert await outcomes(*(accept(person()) for _ in range(10))) == (1, 9)


async def test_one_citizen_with_two_codes_at_once_is_one_tester(house: House) -> None:
    testers, citizen = house.services.testers, person()
    async with house.database.transaction() as connection:
        codes = [
            (await testers.invite(connection, house.author, APP_ID, InviteTester(label="测试员甲"))).code
            for _ in range(6)
        ]

    async def accept(code: str) -> Any:
        async with house.database.transaction() as connection:
            return await testers.accept(connection, citizen, AcceptInvitation(code=code))

    assert await outcomes(*(accept(code) for code in codes)) == (6, 0)
    async with house.database.acquire() as connection:
        assert await connection.fetchval("select count(*) from miniapps.tester where subject_id is not null") == 1
