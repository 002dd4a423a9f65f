"""How a service ends: announced in time, with a successor that stays; then gone, with its sign-in and consents."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.ids import new_id
from auth.principal import Principal
from miniapps.lifecycle import sunsets
from miniapps.wiring import MiniappsServices
from tests.miniapps.centre import Centre
from tests.miniapps.city import HOTLINE, PLATFORM, official
from tests.miniapps.conftest import APP_ID, As, Steps

NEXT = "cn.example.next"
DAY = 86_400
REASON = {"zh": "并入新平台", "en": "Merged"}
REVIEWER = official("reviewer", organization_id=PLATFORM)


def ask(clock: ManualClock, days: float = 40, **more: Any) -> dict[str, Any]:
    return {"at": (clock.now() + timedelta(days=days)).isoformat(), "reason": REASON, **more}


async def announce(called_by: As, caller: Principal, body: dict[str, Any], app_id: str = APP_ID) -> httpx.Response:
    return await called_by(caller).post(f"/v1/apps/{app_id}/sunset", json=body)


async def visible(services: MiniappsServices, connection: Connection) -> dict[str, str]:
    return {app.app_id: app.state for app in await services.releases.list_published(connection)}


async def states(connection: Connection, table: str) -> list[str]:
    column = "app_id" if table == "app" else "id"
    rows = await connection.fetch(f"select state from miniapps.{table} where app_id = $1 order by {column}", APP_ID)
    return [row["state"] for row in rows]


async def test_a_service_ends_as_it_was_announced(
    *,
    called_by: As,
    steps: Steps,
    services: MiniappsServices,
    connection: Connection,
    clock: ManualClock,
    centre: Centre,
) -> None:
    await steps.live()
    await steps.live(NEXT)
    answer = await announce(called_by, steps.author, ask(clock, successor=NEXT))
    assert (answer.status_code, answer.json()["state"], answer.json()["successor"]) == (201, "retiring", NEXT)
    assert await visible(services, connection) == {APP_ID: "active", NEXT: "active"}
    await services.stewardship.sunsets.retire_due()
    assert await states(connection, "app") == ["retiring"]

    clock.advance(40 * DAY)
    await services.stewardship.sunsets.retire_due()

    assert await visible(services, connection) == {NEXT: "active"}
    assert await states(connection, "app") == ["retired"]
    assert await states(connection, "release") == ["superseded"]
    assert await services.clients.find_department(connection, APP_ID) is None
    assert centre.kinds() == ["miniapp_retiring", "miniapp_retired"]
    view = (await called_by(REVIEWER).get(f"/v1/apps/{APP_ID}/sunset")).json()
    assert datetime.fromisoformat(view["retired_at"]) == clock.now()
    actions = await connection.fetch(
        "select action from kit.audit_entry where subject = $1 order by id", f"miniapp:{APP_ID}"
    )
    assert [row["action"] for row in actions][-2:] == ["miniapp.retiring", "miniapp.retired"]


async def test_consents_end_in_portions_and_their_people_are_told(
    called_by: As, steps: Steps, services: MiniappsServices, clock: ManualClock, centre: Centre
) -> None:
    people = [new_id() for _ in range(1200)]
    centre.consents = {"library.loans": list(people), "other.scope": [new_id()]}
    await steps.live()
    await announce(called_by, REVIEWER, ask(clock, days=0))
    await services.stewardship.sunsets.retire_due()
    await services.stewardship.sunsets.end_consents()

    assert centre.consents["library.loans"] == []
    assert len(centre.consents["other.scope"]) == 1
    assert centre.messages == [(person, "service_ended") for person in people]
    view = (await called_by(steps.author).get(f"/v1/apps/{APP_ID}/sunset")).json()
    assert view["consents_ended_at"] is not None


async def test_a_purpose_that_another_service_still_has_is_left(
    called_by: As, steps: Steps, services: MiniappsServices, clock: ManualClock, centre: Centre
) -> None:
    centre.consents = {"library.loans": [new_id()]}
    await steps.live()
    await steps.live(NEXT)
    await announce(called_by, REVIEWER, ask(clock, days=0))
    await services.stewardship.sunsets.retire_due()
    await services.stewardship.sunsets.end_consents()
    assert len(centre.consents["library.loans"]) == 1


@pytest.mark.parametrize("days", [-1, 0, 29.9])
async def test_a_department_gives_notice_and_a_reviewer_need_not(
    called_by: As, steps: Steps, clock: ManualClock, days: float
) -> None:
    await steps.live()
    refused = await announce(called_by, steps.author, ask(clock, days))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/sunset-too-soon")
    assert datetime.fromisoformat(refused.json()["earliest"]) == clock.now() + timedelta(days=30)
    taken = await announce(called_by, REVIEWER, ask(clock, days))
    assert taken.status_code == 201
    assert datetime.fromisoformat(taken.json()["ends_at"]) >= clock.now()


@pytest.mark.parametrize("successor", ["cn.example.nothing", NEXT, APP_ID])
async def test_a_successor_is_there_and_stays(called_by: As, steps: Steps, clock: ManualClock, successor: str) -> None:
    await steps.live()
    await steps.live(NEXT)
    await announce(called_by, steps.author, ask(clock), NEXT)
    refused = await announce(called_by, steps.author, ask(clock, successor=successor))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/successor-unknown")


async def test_an_end_is_announced_once_by_whom_it_concerns(called_by: As, steps: Steps, clock: ManualClock) -> None:
    await steps.register()
    assert (await announce(called_by, steps.author, ask(clock))).json()["type"] == "/problems/state-conflict"
    await steps.approve()
    await steps.publish()
    stranger = official("developer", organization_id=HOTLINE)
    assert (await announce(called_by, stranger, ask(clock))).json()["type"] == (
        "/problems/miniapp-of-another-department"
    )
    assert (await called_by(steps.author).get(f"/v1/apps/{APP_ID}/sunset")).status_code == 409
    assert (await announce(called_by, steps.author, ask(clock))).status_code == 201
    assert (await announce(called_by, steps.author, ask(clock))).json()["type"] == "/problems/state-conflict"


async def test_what_is_suspended_stays_so_until_its_end(
    called_by: As, steps: Steps, services: MiniappsServices, connection: Connection, clock: ManualClock
) -> None:
    await steps.live()
    await steps.suspend()
    assert (await announce(called_by, steps.author, ask(clock))).status_code == 201
    assert await visible(services, connection) == {APP_ID: "suspended"}
    again = {"reason": REASON, "fallback": REASON}
    assert (await called_by(REVIEWER).post(f"/v1/apps/{APP_ID}/suspend", json=again)).status_code == 409

    resumed = await called_by(REVIEWER).post(f"/v1/apps/{APP_ID}/resume", json={"reason": REASON})
    assert (resumed.status_code, resumed.json()["state"]) == (200, "retiring")
    assert await visible(services, connection) == {APP_ID: "active"}
    suspended = await called_by(REVIEWER).post(f"/v1/apps/{APP_ID}/suspend", json=again)
    assert (suspended.status_code, suspended.json()["state"]) == (200, "retiring")
    assert await visible(services, connection) == {APP_ID: "suspended"}
    clock.advance(41 * DAY)
    await services.stewardship.sunsets.retire_due()
    assert await visible(services, connection) == {}


async def test_what_a_manifest_declares_is_announced_when_it_is_near(
    steps: Steps, services: MiniappsServices, connection: Connection, clock: ManualClock, centre: Centre
) -> None:
    at = clock.now() + timedelta(days=100)
    await steps.live(sunset={"at": at.isoformat(), "successor": "cn.example.nothing"})
    await services.stewardship.sunsets.announce_declared()
    assert await states(connection, "app") == ["active"]
    clock.advance(75 * DAY)
    for _ in range(2):
        await services.stewardship.sunsets.announce_declared()
    assert await states(connection, "app") == ["retiring"]
    assert centre.kinds() == ["miniapp_retiring"]
    row = await connection.fetchrow("select ends_at, successor from miniapps.retirement")
    assert row is not None
    # Thirty days of notice, though only twenty-five were left; and no successor that is not there.
    assert (row["ends_at"], row["successor"]) == (clock.now() + timedelta(days=30), None)


async def test_ends_that_are_far_do_not_hide_one_that_is_near(
    steps: Steps, services: MiniappsServices, clock: ManualClock, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sunsets, "AT_ONCE", 1)
    await steps.live(sunset={"at": (clock.now() + timedelta(days=300)).isoformat()})
    await steps.live(NEXT, sunset={"at": (clock.now() + timedelta(days=20)).isoformat()})
    await services.stewardship.sunsets.announce_declared()
    assert centre.kinds() == ["miniapp_retiring"]
