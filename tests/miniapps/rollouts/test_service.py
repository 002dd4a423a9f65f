"""A release's way: testers, shares, everybody, and back again; who may do what, and what stays written."""

from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.ids import new_id
from miniapps.errors import (
    NothingToGoBackTo,
    OtherDepartment,
    ReleaseNotNewer,
    ReleaseUnknown,
    StateConflict,
    StepNotNext,
    StepTooSoon,
    TrialNeeded,
    TrialRunning,
)
from miniapps.manifest import LocalText
from miniapps.releases.models import GrayApp, PublishedApp, PublishVersion, ReleaseView
from miniapps.rollouts.ladder import STEPS
from miniapps.rollouts.models import RollBack, TakeStep
from miniapps.rollouts.service import Rollouts
from miniapps.settings import shipped_zones
from miniapps.zones.errors import ZoneUnknown
from tests.miniapps.city import HOTLINE, official
from tests.miniapps.conftest import APP_ID, Steps

TEN_MINUTES = timedelta(minutes=10)
REASON = RollBack(reason=LocalText(zh="办理页面报错", en="The form fails"))


@pytest.fixture
async def trial(steps: Steps) -> ReleaseView:
    """Version 1 is everybody's, version 2 its testers'."""
    await steps.live()
    await steps.approve(2)
    return await steps.release(2, to="testers")


async def exposed(steps: Steps) -> list[tuple[str, int, int]]:
    """What somebody sees: how, which version, and how large the share."""
    found: list[tuple[str, int, int]] = []
    for each in await steps.services.releases.list_exposed(steps.connection):
        if isinstance(each, GrayApp):
            found.append(("gray", each.app.version_code, each.percent))
        else:
            found.append(("published", each.version_code, 100))
    return found


async def audited(connection: Connection) -> list[tuple[str, Any]]:
    rows = await connection.fetch(
        "select action, detail from kit.audit_entry where action like 'miniapp.rel%' or action like 'miniapp.rolled%'"
        " or action = 'miniapp.published' order by id"
    )
    return [(row["action"], row["detail"].get("percent")) for row in rows]


async def test_a_release_reaches_everybody_step_by_step(steps: Steps, trial: ReleaseView) -> None:
    assert (trial.state, trial.percent) == ("internal", 0)
    assert await exposed(steps) == [("published", 1, 100), ("gray", 2, 0)]
    for percent in STEPS:
        grown = await steps.grow(trial.id, percent)
        assert (grown.state, grown.percent) == ("gray", percent)
        assert ("gray", 2, percent) in await exposed(steps)
    done = await steps.services.rollouts.publish(steps.connection, steps.author, APP_ID, trial.id)
    assert (done.state, done.id) == ("published", trial.id)
    assert await exposed(steps) == [("published", 2, 100)]
    assert await audited(steps.connection) == [
        ("miniapp.published", 100),
        ("miniapp.release_began", 0),
        *(("miniapp.release_grown", percent) for percent in STEPS),
        ("miniapp.published", 100),
    ]


async def test_its_course_can_be_read_with_who_did_it(steps: Steps, trial: ReleaseView) -> None:
    await steps.grow(trial.id, 1, "190102")
    await steps.roll_back(trial.id)
    detail = await steps.services.rollouts.get_release(steps.connection, steps.reviewer, APP_ID, trial.id)
    assert [(step.state, step.percent, step.zones) for step in detail.course] == [
        ("internal", 0, ()),
        ("gray", 1, ("190102",)),
        ("rolled_back", 1, ("190102",)),
    ]
    assert {step.actor for step in detail.course} == {steps.author.actor}
    assert detail.course[-1].reason == REASON.reason.as_text()
    assert detail.next is None


async def test_what_comes_next_is_said_with_its_time(
    connection: Connection, steps: Steps, trial: ReleaseView, clock: ManualClock
) -> None:
    """As an operator has it who says nothing: ten minutes a step."""
    patient = Rollouts(steps.services.releases, steps.services.evidence, shipped_zones(), clock, dwell=TEN_MINUTES)
    await patient.take_step(connection, steps.author, APP_ID, trial.id, TakeStep(percent=1))
    detail = await patient.get_release(connection, steps.author, APP_ID, trial.id)
    assert detail.next is not None
    assert (detail.next.percent, detail.next.ready_at) == (5, clock.now() + TEN_MINUTES)
    with pytest.raises(StepTooSoon):
        await patient.take_step(connection, steps.author, APP_ID, trial.id, TakeStep(percent=5))
    clock.advance(TEN_MINUTES.total_seconds())
    await patient.take_step(connection, steps.author, APP_ID, trial.id, TakeStep(percent=5))


async def test_a_later_version_is_not_everybodys_at_once(steps: Steps) -> None:
    await steps.live()
    await steps.approve(2)
    with pytest.raises(TrialNeeded):
        await steps.release(2, to="everybody")
    assert await exposed(steps) == [("published", 1, 100)]


async def test_a_first_version_may_have_testers_too(steps: Steps) -> None:
    await steps.register()
    await steps.approve()
    first = await steps.release(1, to="testers")
    assert await exposed(steps) == [("gray", 1, 0)]
    assert await steps.services.releases.list_published(steps.connection) == []
    await steps.roll_back(first.id)
    assert await exposed(steps) == []


async def test_one_release_is_on_trial_at_a_time(steps: Steps, trial: ReleaseView) -> None:
    await steps.approve(3)
    with pytest.raises(TrialRunning):
        await steps.release(3, to="testers")
    await steps.roll_back(trial.id)
    await steps.release(3, to="testers")


@pytest.mark.parametrize("code", [1, 2])
async def test_a_trial_is_of_a_newer_version(steps: Steps, code: int) -> None:
    await steps.live()
    await steps.approve(2)
    await steps.publish(2)
    with pytest.raises(ReleaseNotNewer):
        await steps.release(code, to="testers")


async def test_a_step_out_of_turn_is_refused(steps: Steps, trial: ReleaseView) -> None:
    with pytest.raises(StepNotNext):
        await steps.grow(trial.id, 5)
    with pytest.raises(StateConflict):
        await steps.services.rollouts.publish(steps.connection, steps.author, APP_ID, trial.id)
    await steps.grow(trial.id, 1)
    with pytest.raises(StepNotNext):
        await steps.services.rollouts.publish(steps.connection, steps.author, APP_ID, trial.id)


async def test_taking_a_trial_back_leaves_what_everybody_has(steps: Steps, trial: ReleaseView) -> None:
    await steps.grow(trial.id, 1)
    ended = await steps.roll_back(trial.id)
    assert (ended.state, ended.percent) == ("rolled_back", 1)
    assert await exposed(steps) == [("published", 1, 100)]
    for act in (steps.grow(trial.id, 5), steps.roll_back(trial.id)):
        with pytest.raises(StateConflict):
            await act


async def test_taking_back_what_everybody_has_brings_the_version_before(steps: Steps, trial: ReleaseView) -> None:
    first = (await steps.services.releases.list_published(steps.connection))[0]
    for percent in STEPS:
        await steps.grow(trial.id, percent)
    await steps.services.rollouts.publish(steps.connection, steps.author, APP_ID, trial.id)
    await steps.roll_back(trial.id)

    (app,) = await steps.services.releases.list_published(steps.connection)
    assert (app.version_code, app.manifest) == (1, first.manifest)
    listed = await steps.services.rollouts.list_releases(steps.connection, steps.author, APP_ID, after=None, limit=10)
    assert [(one.version_code, one.state, one.restores) for one in listed.items] == [
        (1, "published", first.release_id),
        (2, "rolled_back", None),
        (1, "superseded", None),
    ]


async def test_there_is_no_going_back_beyond_the_first(steps: Steps) -> None:
    await steps.live()
    (app,) = await steps.services.releases.list_published(steps.connection)
    with pytest.raises(NothingToGoBackTo):
        await steps.roll_back(app.release_id)
    assert await exposed(steps) == [("published", 1, 100)]


async def test_going_back_twice_goes_further_back(steps: Steps) -> None:
    await steps.live()
    for code in (2, 3):
        await steps.approve(code)
        await steps.publish(code)
    for expected in (2, 1):
        (app,) = await steps.services.releases.list_published(steps.connection)
        await steps.roll_back(app.release_id)
        (app,) = await steps.services.releases.list_published(steps.connection)
        assert app.version_code == expected
    with pytest.raises(NothingToGoBackTo):
        await steps.roll_back(app.release_id)


async def test_what_was_taken_back_may_be_tried_again(steps: Steps, trial: ReleaseView) -> None:
    await steps.roll_back(trial.id)
    again = await steps.release(2, to="testers")
    assert again.id != trial.id
    assert await exposed(steps) == [("published", 1, 100), ("gray", 2, 0)]


async def test_strangers_neither_look_nor_act_and_the_city_takes_back(
    connection: Connection, steps: Steps, trial: ReleaseView
) -> None:
    rollouts, stranger = steps.services.rollouts, official("developer", organization_id=HOTLINE)
    for act in (
        rollouts.list_releases(connection, stranger, APP_ID, after=None, limit=5),
        rollouts.get_release(connection, stranger, APP_ID, trial.id),
        rollouts.take_step(connection, stranger, APP_ID, trial.id, TakeStep(percent=1)),
        rollouts.publish(connection, stranger, APP_ID, trial.id),
        rollouts.roll_back(connection, stranger, APP_ID, trial.id, REASON),
    ):
        with pytest.raises(OtherDepartment):
            await act
    city = official("system_admin", organization_id=HOTLINE)
    assert (await rollouts.get_release(connection, city, APP_ID, trial.id)).release.id == trial.id
    assert (await rollouts.roll_back(connection, city, APP_ID, trial.id, REASON)).state == "rolled_back"


async def test_an_unknown_release_and_one_of_another_app_are_not_there(steps: Steps, trial: ReleaseView) -> None:
    await steps.live("cn.example.other")
    for app_id, release_id in ((APP_ID, new_id()), ("cn.example.other", trial.id)):
        with pytest.raises(ReleaseUnknown):
            await steps.grow(release_id, 1, app_id=app_id)
        with pytest.raises(ReleaseUnknown):
            await steps.roll_back(release_id, app_id)


@pytest.mark.parametrize("state", ["retiring", "retired"])
async def test_what_ends_grows_no_more_but_can_be_taken_back(steps: Steps, trial: ReleaseView, state: str) -> None:
    await steps.grow(trial.id, 1)
    await steps.connection.execute("update miniapps.app set state = $1 where app_id = $2", state, APP_ID)
    with pytest.raises(StateConflict):
        await steps.grow(trial.id, 5)
    assert (await steps.roll_back(trial.id)).state == "rolled_back"


async def test_a_suspended_app_stays_suspended_while_its_release_grows(steps: Steps, trial: ReleaseView) -> None:
    await steps.suspend()
    await steps.grow(trial.id, 1)
    found = await steps.services.releases.list_exposed(steps.connection)
    apps = [each if isinstance(each, PublishedApp) else each.app for each in found]
    assert [app.state for app in apps] == ["suspended", "suspended"]


async def test_the_detail_says_what_a_version_asks_anew(steps: Steps) -> None:
    await steps.live()
    data = {"scopes": [SCOPE | {"retention_days": 90}]}
    await steps.approve(2, data=data)
    release = await steps.release(2, to="testers")
    detail = await steps.services.rollouts.get_release(steps.connection, steps.author, APP_ID, release.id)
    assert "retention" in {widening.kind for widening in detail.widening}
    assert detail.asks_anew is False  # a contract is no consent


SCOPE = {
    "name": "library.loans",
    "fields": ["display_name"],
    "purpose": {"zh": "显示借阅", "en": "Show loans"},
    "basis": "contract",
    "retention_days": 30,
}


async def test_every_change_that_somebody_could_see_is_another_edition(steps: Steps, trial: ReleaseView) -> None:
    editions = [await steps.services.releases.find_edition(steps.connection)]

    async def changed() -> bool:
        editions.append(await steps.services.releases.find_edition(steps.connection))
        return editions[-1] > editions[-2]

    assert not await changed()
    await steps.grow(trial.id, 1)
    assert await changed()
    await steps.suspend()
    assert await changed()
    await steps.roll_back(trial.id)
    assert await changed()
    await steps.draft(7)
    assert not await changed()


@pytest.mark.parametrize(
    "change",
    [
        "update miniapps.release set percent = 7 where state = 'internal'",
        "update miniapps.release set percent = 50 where state = 'published'",
        "update miniapps.release set state = 'gray' where state = 'internal'",
        "update miniapps.release set state = 'rolled_back' where state = 'internal'",
    ],
)
async def test_the_database_itself_refuses_what_no_step_leads_to(steps: Steps, trial: ReleaseView, change: str) -> None:
    assert trial.state == "internal"
    with pytest.raises(asyncpg.CheckViolationError):
        await steps.connection.execute(change)


async def test_the_database_itself_keeps_one_on_trial(steps: Steps, trial: ReleaseView) -> None:
    await steps.roll_back(trial.id)
    await steps.release(2, to="testers")
    with pytest.raises(asyncpg.UniqueViolationError):
        await steps.connection.execute(
            "update miniapps.release set state = 'internal', percent = 0, ended_at = null where state = 'rolled_back'"
        )


@pytest.mark.parametrize("body", [{"percent": 2}, {"percent": 0}, {"percent": 5, "zones": ["x"]}, {"percent": "5"}])
async def test_a_step_that_is_none_is_not_read(body: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, TakeStep)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"version_code": 1, "to": "nobody"}, PublishVersion)


async def test_nobody_lives_in_a_place_of_another_city(steps: Steps, trial: ReleaseView) -> None:
    with pytest.raises(ZoneUnknown):
        await steps.grow(trial.id, 1, "190101", "200101")
