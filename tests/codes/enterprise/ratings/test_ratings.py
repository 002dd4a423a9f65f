"""扫码评价: who may rate what, when, how often; and that nothing published tells who said it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.vault import Vault
from auth.documents import make_synthetic_credit_code
from auth.principal import Principal
from codes.enterprise.inspections.models import Inspection
from codes.enterprise.ratings import repository
from codes.enterprise.ratings.models import SMALLEST_GROUP, RateInspection
from codes.enterprise.ratings.service import Ratings
from tests.codes.enterprise_city import (
    FIRE_RESCUE,
    LIBRARY,
    MARKET_SUPERVISION,
    OTHER_COMPANY,
    RESTAURANT,
    STRANGERS,
    Caller,
    EnterpriseRooms,
    Organization,
    agent_of,
    an_official,
)
from tests.codes.enterprise_fixtures import apply_for_code, arrive, committed_rooms, open_task

GOOD: dict[str, Any] = {"department_id": str(FIRE_RESCUE), "conduct": 5, "necessity": 4, "remarks": ["courteous"]}
PUBLISHED = f"/v1/departments/{FIRE_RESCUE}/inspection-ratings"


@pytest.fixture
def officer() -> Principal:
    return an_official("inspector")


@pytest.fixture
async def task(city: httpx.AsyncClient, caller: Caller, officer: Principal) -> str:
    """A task whose officer the restaurant has met; no check was made yet."""
    task = await open_task(city, caller, officer)
    await arrive(city, caller, officer, task)
    return task


@pytest.fixture
async def checked(city: httpx.AsyncClient, task: str, carrier: str, caller: Caller, officer: Principal) -> str:
    """A task under which the restaurant was checked; its agent calls from now on."""
    caller.principal = officer
    check = {"code": carrier, "scenario": 804, "inspection_id": task}
    assert (await city.post("/v1/enterprise-checks", json=check)).json()["verdict"] == "ACCEPT"
    caller.principal = agent_of(RESTAURANT)
    return task


async def rate(city: httpx.AsyncClient, task: str, **changes: Any) -> httpx.Response:
    return await city.post(f"/v1/inspections/{task}/ratings", json=GOOD | changes)


def slug(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


async def test_enterprise_rates_once_after_the_check(
    city: httpx.AsyncClient, checked: str, connection: Connection
) -> None:
    answer = await rate(city, checked)
    assert answer.status_code == 201
    assert answer.json() == {"inspection_id": checked, "department_id": str(FIRE_RESCUE), "published_when": 5}
    assert slug(await rate(city, checked, conduct=1)) == "already-rated"
    (met,) = (await city.get(f"/v1/organizations/{RESTAURANT}/inspections")).json()["items"]
    assert met["rated"] == [str(FIRE_RESCUE)]
    assert await connection.fetchval("select array_agg(conduct) from codes.inspection_rating") == [5]


async def test_rating_repeated_with_the_same_key_is_one_rating(
    city: httpx.AsyncClient, checked: str, connection: Connection
) -> None:
    path, headers = f"/v1/inspections/{checked}/ratings", {"Idempotency-Key": "one"}
    answers = [await city.post(path, json=GOOD, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert await connection.fetchval("select count(*) from codes.inspection_rating") == 1


async def test_rating_waits_for_the_check(city: httpx.AsyncClient, caller: Caller, task: str) -> None:
    caller.principal = agent_of(RESTAURANT)
    assert slug(await rate(city, task)) == "rating-too-early"


async def test_rating_without_a_check_waits_for_the_end_and_is_over_after_a_month(
    city: httpx.AsyncClient, caller: Caller, task: str, clock: ManualClock
) -> None:
    caller.principal = agent_of(RESTAURANT)
    clock.advance(timedelta(hours=4, days=30, seconds=1).total_seconds())
    assert slug(await rate(city, task)) == "rating-over"
    clock.advance(-1)
    assert (await rate(city, task)).status_code == 201


async def test_inspection_that_nobody_came_for_cannot_be_rated(
    city: httpx.AsyncClient, caller: Caller, officer: Principal, clock: ManualClock
) -> None:
    task = await open_task(city, caller, officer)
    await apply_for_code(city, caller, officer, task)
    clock.advance(5 * 3600)
    caller.principal = agent_of(RESTAURANT)
    assert slug(await rate(city, task)) == "rated-inspection-unknown"


async def test_inspection_of_another_enterprise_is_unknown(
    city: httpx.AsyncClient, caller: Caller, checked: str
) -> None:
    caller.principal = agent_of(OTHER_COMPANY)
    assert slug(await rate(city, checked)) == "rated-inspection-unknown"


@pytest.mark.parametrize("department", [LIBRARY, MARKET_SUPERVISION, RESTAURANT, uuid4()])
async def test_department_that_had_no_part_cannot_be_rated(
    city: httpx.AsyncClient, checked: str, department: UUID
) -> None:
    assert slug(await rate(city, checked, department_id=str(department))) == "rated-inspection-unknown"


@pytest.mark.parametrize("who", [name for name in STRANGERS if "agent" not in name] + ["the officer"])
async def test_rating_is_for_the_enterprise(
    city: httpx.AsyncClient, caller: Caller, officer: Principal, checked: str, who: str
) -> None:
    caller.principal = officer if who == "the officer" else STRANGERS[who]
    assert (await rate(city, checked)).status_code == (401 if caller.principal is None else 403)


@pytest.mark.parametrize(
    "changes",
    [
        {"conduct": 0},
        {"conduct": 6},
        {"conduct": 4.5},
        {"conduct": None},
        {"necessity": -1},
        {"department_id": "fire"},
        {"remarks": ["we are the restaurant on the corner"]},
        {"remarks": ["courteous"] * 7},
        {"remarks": "courteous"},
        {"comment": "free text tells who wrote it"},
    ],
)
async def test_rating_out_of_shape_is_refused(
    city: httpx.AsyncClient, checked: str, connection: Connection, changes: Any
) -> None:
    assert slug(await rate(city, checked, **changes)) == "fields-invalid"
    assert await connection.fetchval("select count(*) from codes.inspection_rated") == 0


async def test_each_department_of_a_joint_inspection_is_rated_by_itself(
    city: httpx.AsyncClient, caller: Caller, officer: Principal, clock: ManualClock, connection: Connection
) -> None:
    task = await open_task(city, caller, officer, departments=[str(MARKET_SUPERVISION)])
    caller.principal = an_official("inspector", organization_id=MARKET_SUPERVISION)
    await city.post(f"/v1/inspections/{task}/partners", json={"scenario": 805, "authority": "《食品安全法》"})
    await arrive(city, caller, officer, task)
    clock.advance(4 * 3600)
    caller.principal = agent_of(RESTAURANT)
    for department in (FIRE_RESCUE, MARKET_SUPERVISION):
        assert (await rate(city, task, department_id=str(department))).status_code == 201
    raters = await connection.fetch("select rater from codes.inspection_rating")
    assert len({row["rater"] for row in raters}) == 2, "an enterprise is somebody else to each department"


# --- what is published ---


class Enterprises:
    """As many inspected enterprises as a test wants, rating the fire department through the service."""

    def __init__(self, rooms: EnterpriseRooms, connection: Connection, clock: ManualClock) -> None:
        self._rooms = rooms
        self._connection = connection
        self._clock = clock
        self._ids: list[UUID] = []

    @property
    def ratings(self) -> Ratings:
        return self._rooms.services.enterprise.ratings

    def enterprise(self, number: int) -> UUID:
        while len(self._ids) <= number:
            key = uuid4()
            code = make_synthetic_credit_code(sequence=500 + len(self._ids))
            self._rooms.organizations.by_id[key] = Organization(id=key, name=f"演示企业{number}", credit_code=code)
            self._ids.append(key)
        return self._ids[number]

    async def rate(self, number: int, conduct: int = 5) -> Principal:
        """The enterprise of this number was inspected, and rates it."""
        agent, officer = agent_of(self.enterprise(number)), an_official("inspector")
        inspection = await self._inspected(agent.subject_id, officer)
        request = RateInspection(department_id=FIRE_RESCUE, conduct=conduct, necessity=conduct, remarks=["courteous"])
        self._clock.advance(3601)
        await self.ratings.rate(self._connection, agent, inspection.id, request)
        return agent

    async def _inspected(self, organization_id: UUID, officer: Principal) -> Inspection:
        from codes.enterprise.arrivals import repository as arrivals
        from codes.enterprise.inspections import repository as inspections
        from codes.enterprise.inspections.models import CreateInspection

        request = CreateInspection(
            scenario=804, purpose="检查", authority="通知书", organization_id=organization_id, hours=1
        )
        opened = await self._rooms.services.enterprise.inspections.open(self._connection, officer, request)
        inspection = await inspections.find_any_inspection(self._connection, opened.id)
        assert inspection is not None
        await arrivals.insert_arrival(self._connection, inspection, "scanned", None, self._clock.now())
        return inspection


@pytest.fixture
def enterprises(rooms: EnterpriseRooms, connection: Connection, clock: ManualClock) -> Enterprises:
    return Enterprises(rooms, connection, clock)


async def published(city: httpx.AsyncClient) -> Any:
    return (await city.get(PUBLISHED)).json()


async def test_nothing_is_published_of_fewer_than_five_enterprises(
    city: httpx.AsyncClient, enterprises: Enterprises
) -> None:
    before = await published(city)
    for number in range(SMALLEST_GROUP - 1):
        await enterprises.rate(number, conduct=1)
        assert await published(city) == before, "not even how many have rated"
    assert (before["withheld"], before["ratings"], before["conduct"], before["remarks"]) == (True, 0, None, {})


async def test_five_are_published_at_once_and_forget_who_they_were(
    city: httpx.AsyncClient, enterprises: Enterprises, connection: Connection
) -> None:
    for number, conduct in enumerate((1, 2, 3, 4, 5)):
        await enterprises.rate(number, conduct)
    seen = await published(city)
    assert (seen["withheld"], seen["ratings"], seen["conduct"], seen["remarks"]) == (False, 5, 3.0, {"courteous": 5})
    left = await connection.fetchval("select count(*) from codes.inspection_rating where rater is not null")
    assert left == 0


async def test_one_enterprise_inspected_ten_times_is_one_voice(
    city: httpx.AsyncClient, enterprises: Enterprises
) -> None:
    for _ in range(10):
        await enterprises.rate(0)
    assert (await published(city))["withheld"] is True


async def test_next_one_waits_for_a_group_of_its_own(city: httpx.AsyncClient, enterprises: Enterprises) -> None:
    """Else whoever looks before and after learns what the sixth said."""
    for number in range(SMALLEST_GROUP):
        await enterprises.rate(number, conduct=5)
    before = await published(city)
    await enterprises.rate(SMALLEST_GROUP, conduct=1)
    assert await published(city) == before


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=15
)
@given(raters=st.lists(st.tuples(st.integers(0, 7), st.integers(1, 5)), max_size=24))
async def test_published_figures_never_move_by_fewer_than_five_enterprises(
    enterprises: Enterprises, connection: Connection, raters: list[tuple[int, int]]
) -> None:
    savepoint = connection.transaction()
    await savepoint.start()
    seen, since_release = 0, set[int]()
    for number, conduct in raters:
        await enterprises.rate(number, conduct)
        since_release.add(number)
        now = (await enterprises.ratings.publish(connection, FIRE_RESCUE)).ratings
        if now != seen:
            assert now - seen == len(since_release) >= SMALLEST_GROUP
            seen, since_release = now, set()
        else:
            assert len(since_release) < SMALLEST_GROUP
    await savepoint.rollback()


async def test_ratings_are_published_for_a_year(
    city: httpx.AsyncClient, enterprises: Enterprises, clock: ManualClock
) -> None:
    for number in range(SMALLEST_GROUP):
        await enterprises.rate(number)
    clock.advance(timedelta(days=364).total_seconds())
    assert (await published(city))["ratings"] == 5
    clock.advance(timedelta(days=2).total_seconds())
    assert (await published(city))["withheld"] is True


@pytest.mark.parametrize("who", [*STRANGERS, "the officer"])
async def test_everybody_reads_the_same(
    city: httpx.AsyncClient, caller: Caller, enterprises: Enterprises, who: str
) -> None:
    for number in range(SMALLEST_GROUP):
        await enterprises.rate(number)
    caller.principal = None
    plain = await published(city)
    caller.principal = an_official("inspector") if who == "the officer" else STRANGERS[who]
    assert await published(city) == plain


@pytest.mark.parametrize("organization", [RESTAURANT, uuid4()])
async def test_only_departments_are_rated(city: httpx.AsyncClient, organization: UUID) -> None:
    assert (await city.get(f"/v1/departments/{organization}/inspection-ratings")).status_code == 404


async def test_no_row_says_who_rated_how(
    city: httpx.AsyncClient, checked: str, caller: Caller, connection: Connection
) -> None:
    assert caller.principal is not None
    await rate(city, checked, conduct=1)
    row = await connection.fetchval("select t::text from codes.inspection_rating t")
    for known in (str(RESTAURANT), RESTAURANT.hex, checked, str(caller.principal.agent_id)):
        assert known not in row
    audited = await connection.fetchval("select detail::text from kit.audit_entry where action = 'inspection.rated'")
    assert "conduct" not in audited
    assert not [name for name in vars(repository) if name.startswith(("find_", "list_rating", "get_rating"))]


async def test_five_enterprises_that_rate_at_once_are_published(
    race_dsn: str, vault: Vault, clock: ManualClock
) -> None:
    """Each must see the others, else the group is complete and nobody releases it."""
    async with committed_rooms(race_dsn, vault, clock) as (rooms, database):

        async def rate(number: int) -> None:
            async with database.transaction() as connection:
                await Enterprises(rooms, connection, clock).rate(number)

        await asyncio.gather(*(rate(number) for number in range(SMALLEST_GROUP)))
        async with database.acquire() as connection:
            published = await rooms.services.enterprise.ratings.publish(connection, FIRE_RESCUE)
    assert (published.withheld, published.ratings) == (False, SMALLEST_GROUP)
