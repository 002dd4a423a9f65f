"""Records of officers and enterprises end: checks, then tasks with all that hangs on them, pushes, old ratings."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from tests.codes.enterprise_city import (
    FIRE_RESCUE,
    MARKET_SUPERVISION,
    RESTAURANT,
    Caller,
    EnterpriseRooms,
    agent_of,
    an_official,
)
from tests.codes.enterprise_fixtures import arrive, open_task

TABLES = (
    "enterprise_check",
    "inspection",
    "inspection_code",
    "inspection_arrival",
    "inspection_partner",
    "inspection_rated",
    "push",
    "push_delivery",
)
KEPT = timedelta(days=1095)


async def live_a_day(city: httpx.AsyncClient, caller: Caller, carrier: str) -> None:
    """A joint inspection with check and rating, and a push."""
    officer = an_official("inspector")
    task = await open_task(city, caller, officer, departments=[str(MARKET_SUPERVISION)])
    caller.principal = an_official("inspector", organization_id=MARKET_SUPERVISION)
    await city.post(f"/v1/inspections/{task}/partners", json={"scenario": 803, "authority": "通知书"})
    await arrive(city, caller, officer, task)
    answer = await city.post("/v1/enterprise-checks", json={"code": carrier, "scenario": 804, "inspection_id": task})
    credit_code = answer.json()["disclosed"]["credit_code"]
    words: dict[str, Any] = {"template": "hazard-reminder", "values": {"subject": "通道", "deadline": "月底"}}
    await city.post("/v1/enterprise-pushes", json=words | {"audience": {"credit_codes": [credit_code]}})
    caller.principal = agent_of(RESTAURANT)
    rating = {"department_id": str(FIRE_RESCUE), "conduct": 5, "necessity": 5}
    assert (await city.post(f"/v1/inspections/{task}/ratings", json=rating)).status_code == 201


async def counts(connection: Connection) -> dict[str, int]:
    return {table: await connection.fetchval(f"select count(*) from codes.{table}") for table in TABLES}


@pytest.fixture
async def lived(city: httpx.AsyncClient, caller: Caller, carrier: str) -> None:
    await live_a_day(city, caller, carrier)


@pytest.mark.parametrize("beyond", [-1, 1])
async def test_records_end_when_their_time_is_over(
    lived: None, rooms: EnterpriseRooms, connection: Connection, clock: ManualClock, beyond: int
) -> None:
    clock.advance((KEPT + timedelta(days=beyond)).total_seconds())
    await rooms.services.enterprise.upkeep.run()
    assert await counts(connection) == dict.fromkeys(TABLES, int(beyond < 0))


async def test_task_stays_as_long_as_a_check_rests_on_it(
    lived: None, rooms: EnterpriseRooms, connection: Connection, clock: ManualClock
) -> None:
    clock.advance((KEPT + timedelta(days=1)).total_seconds())
    await connection.execute("update codes.enterprise_check set checked_at = $1", clock.now())
    await rooms.services.enterprise.upkeep.run()
    assert (await counts(connection))["inspection"] == 1


async def test_ratings_go_when_they_are_published_no_more_and_waiting_ones_wait(
    rooms: EnterpriseRooms, connection: Connection, clock: ManualClock
) -> None:
    added = (
        "insert into codes.inspection_rating (id, department_id, rater, conduct, necessity, remarks, released_on)"
        " values (gen_random_uuid(), $1, $2, 5, 5, '{}', $3)"
    )
    today = clock.now().date()
    for days in (364, 365):
        await connection.execute(added, FIRE_RESCUE, None, today - timedelta(days=days))
    await connection.execute(added, FIRE_RESCUE, bytes(32), None)
    await rooms.services.enterprise.upkeep.run()
    left = await connection.fetch("select released_on from codes.inspection_rating order by released_on")
    assert [row["released_on"] for row in left] == [today - timedelta(days=364), None]


async def test_thousands_end_in_parts(rooms: EnterpriseRooms, connection: Connection, clock: ManualClock) -> None:
    await connection.execute(
        "insert into codes.push (id, department_id, author_id, template, title, body, audience, audience_count, state,"
        " created_at) select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'x', '{}', '{}', '{}', 1,"
        " 'waiting', $1 from generate_series(1, 1200)",
        clock.now() - KEPT - timedelta(days=1),
    )
    await rooms.services.enterprise.upkeep.run()
    assert (await counts(connection))["push"] == 0
