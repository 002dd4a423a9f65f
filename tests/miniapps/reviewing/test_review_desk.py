"""The reviewers' list: what is due first at the top, what is late, and what a version asks for beyond the last."""

from typing import Any

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from miniapps.wiring import MiniappsServices
from tests.miniapps.centre import Centre
from tests.miniapps.city import PLATFORM, official, person
from tests.miniapps.conftest import As, Steps
from tests.miniapps.documents import sound_document

REVIEWER = official("reviewer", organization_id=PLATFORM)
DAY = 86_400
LIST = "/v1/staff/reviews"


@pytest.fixture
def centre(services: MiniappsServices) -> Centre:
    centre = Centre()
    services.stewardship.tellers.speak_through(centre, centre)
    return centre


async def hand_over(steps: Steps, app_id: str, code: int = 1, **changes: Any) -> str:
    if code == 1:
        await steps.register(app_id)
    digest = await steps.draft(code, app_id, **changes)
    await steps.submit(code, app_id)
    await steps.check()
    return digest


async def test_the_list_is_in_the_order_of_clocks_and_goes_on(called_by: As, steps: Steps, clock: ManualClock) -> None:
    for name in "cab":
        await hand_over(steps, f"cn.example.{name}")
        clock.advance(1 * DAY)
    reviewer = called_by(REVIEWER)
    first = (await reviewer.get(LIST, params={"limit": 2})).json()
    assert [item["app_id"][-1] for item in first["items"]] == ["c", "a"]
    rest = (await reviewer.get(LIST, params={"limit": 2, "after": first["next"]})).json()
    assert ([item["app_id"][-1] for item in rest["items"]], rest["next"]) == (["b"], None)
    assert not any(item["overdue"] for item in (*first["items"], *rest["items"]))


async def test_a_late_review_is_told_once(
    *,
    called_by: As,
    steps: Steps,
    services: MiniappsServices,
    connection: Connection,
    clock: ManualClock,
    centre: Centre,
) -> None:
    digest = await hand_over(steps, "cn.example.late")
    await services.stewardship.review_desk.tell_overdue()
    assert centre.alerts == []
    clock.advance(8 * DAY)
    for _ in range(2):
        await services.stewardship.review_desk.tell_overdue()
    assert centre.alerts == [("review_overdue", "miniapp:cn.example.late")]
    assert [item["overdue"] for item in (await called_by(REVIEWER).get(LIST)).json()["items"]] == [True]
    assert (
        await connection.fetchval("select count(*) from kit.audit_entry where action = 'miniapp.review_overdue'") == 1
    )
    await steps.review(digest, app_id="cn.example.late")
    assert (await called_by(REVIEWER).get(LIST)).json() == {"items": [], "next": None}


async def test_a_review_in_time_is_told_to_nobody(
    steps: Steps, services: MiniappsServices, clock: ManualClock, centre: Centre
) -> None:
    digest = await hand_over(steps, "cn.example.swift")
    await steps.review(digest, app_id="cn.example.swift")
    clock.advance(30 * DAY)
    await services.stewardship.review_desk.tell_overdue()
    assert centre.alerts == []


async def test_a_wider_version_says_so_to_the_reviewer(called_by: As, steps: Steps) -> None:
    app_id = "cn.example.wider"
    await steps.live(app_id)
    data = sound_document()["data"]
    data["scopes"][0] |= {"retention_days": 365, "fields": ["display_name", "phone_tail"]}
    await hand_over(steps, app_id, 2, data=data, audience=["person", "staff"])
    items = (await called_by(REVIEWER).get(LIST)).json()["items"]
    assert [item["widened"] for item in items] == [["audience", "fields", "retention"]]
    detail = (await called_by(REVIEWER).get(f"/v1/apps/{app_id}/versions/2")).json()
    kept = next(found for found in detail["widened"] if found["kind"] == "retention")
    assert (kept["before"], kept["after"], kept["at"]) == ("30", "365", "/data/scopes/0/retention_days")
    assert detail["needs_consent"] is False  # by contract: nobody was asked before


@pytest.mark.parametrize("caller", [None, person(), official("developer"), official("inspector")])
async def test_only_reviewers_read_the_list(called_by: As, caller: Any) -> None:
    assert (await called_by(caller).get(LIST)).status_code in {401, 403}
