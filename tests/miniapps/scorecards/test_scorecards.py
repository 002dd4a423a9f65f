"""The card of a mini-app: gathered from calls, uses, ratings and nights; for its department and the city."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from miniapps.releases.health import Health
from miniapps.wiring import MiniappsServices
from tests.miniapps.city import HOTLINE, PLATFORM, official, person
from tests.miniapps.conftest import APP_ID, As, Steps
from tests.miniapps.ratings.test_ratings import Uses

CARD = f"/v1/apps/{APP_ID}/scorecard"
OTHER = "cn.example.other"
DAY = 86_400


class Counted:
    """Every release was called 100 times a day and failed once."""

    async def read_health(
        self, _connection: Connection, release_ids: Collection[UUID], *, since: datetime
    ) -> Mapping[UUID, Health]:
        assert since < datetime.now(since.tzinfo)
        seen = Health(calls=100, faults=1, durations=(0, 99, 0, 0, 0, 0, 0, 0, 1))
        return dict.fromkeys(release_ids, seen)


class Users(Uses):
    """How many use which."""

    def __init__(self) -> None:
        super().__init__()
        self.many = {APP_ID: 500, OTHER: 900}

    async def count_users(self, _connection: Connection, app_id: str, _since: datetime) -> int:
        return self.many.get(app_id, 0)


@pytest.fixture
def users(services: MiniappsServices) -> Users:
    users = Users()
    services.stewardship.ratings.find_uses_in(users)
    services.stewardship.scorecards.count_by(users, Counted())
    return users


async def test_a_year_is_gathered_and_judged(called_by: As, steps: Steps, users: Users, clock: ManualClock) -> None:
    await steps.live(sla={"availability": 99.5, "p95_ms": 200}, accessibility={"level": "A"})
    clock.advance(200 * DAY)
    await steps.approve(2, sla={"availability": 99.5, "p95_ms": 200}, accessibility={"level": "A"})
    await steps.publish(2)
    desk = called_by(official("hotline"))
    for level, late in ((5, False), (1, False), (2, True)):
        citizen = person()
        users.used[citizen.subject_id] = clock.now()
        given = (await called_by(citizen).post(f"/v1/apps/{APP_ID}/ratings", json={"level": level})).json()
        clock.advance(20 * DAY if late else 1)
        if level < 3:
            await desk.post(f"/v1/apps/{APP_ID}/ratings/{given['id']}/reply", json={"text": "已处理"})
    card = (await called_by(steps.author).get(CARD)).json()
    facts = card["facts"]
    assert (facts["calls"], facts["success"], facts["p95_ms"], facts["users"]) == (200, 99.0, 100, 500)
    assert (facts["ratings"], facts["satisfied"], facts["replies_due"], facts["punctual"]) == (3, 33.3, 2, 50.0)
    assert (facts["calls_back_open"], facts["conformance"]) == (2, None)
    assert card["judgement"] == {"verdict": "keep", "reasons": ["unreliable"]}


async def test_what_only_testers_saw_is_no_year_of_citizens(
    called_by: As, steps: Steps, users: Users, clock: ManualClock
) -> None:
    await steps.register()
    await steps.approve()
    trial = await steps.release(to="testers")
    await steps.roll_back(trial.id)
    clock.advance(200 * DAY)
    await steps.publish()
    facts = (await called_by(steps.author).get(CARD)).json()["facts"]
    assert (facts["published_at"], facts["calls"]) == (facts["now"], 100)


async def test_the_smaller_of_two_with_the_same_items_is_merged(
    called_by: As, steps: Steps, users: Users, clock: ManualClock
) -> None:
    await steps.live()
    await steps.live(OTHER)
    clock.advance(200 * DAY)
    reviewer = called_by(official("reviewer", organization_id=PLATFORM))
    assert (await reviewer.get(CARD)).json()["facts"]["same_items_as"] == OTHER
    assert (await reviewer.get(f"/v1/apps/{OTHER}/scorecard")).json()["facts"]["same_items_as"] is None
    assert (await reviewer.get(CARD)).json()["judgement"]["verdict"] == "merge"
    users.many = {}
    assert (await reviewer.get(CARD)).json()["judgement"]["verdict"] == "retire"


async def test_where_nobody_counts_nothing_is_held_against_it(
    called_by: As, steps: Steps, services: MiniappsServices, connection: Connection, clock: ManualClock
) -> None:
    assert (await called_by(steps.author).get(CARD)).status_code == 404
    await steps.register()
    assert (await called_by(steps.author).get(CARD)).json()["type"] == "/problems/state-conflict"
    await steps.approve()
    await steps.publish()
    (card,) = await services.stewardship.scorecards.list_scorecards(connection)
    assert (card.judgement.verdict, card.judgement.reasons) == ("keep", ("young", "not_accessible"))
    assert card.since == clock.now() - timedelta(days=365)


@pytest.mark.parametrize(
    "caller", [None, person(), official("hotline"), official("developer", organization_id=HOTLINE)]
)
async def test_the_card_is_the_departments_and_the_citys(called_by: As, steps: Steps, caller: object) -> None:
    await steps.live()
    assert (await called_by(caller).get(CARD)).status_code in {401, 403}  # type: ignore[arg-type]  # a Principal or None
