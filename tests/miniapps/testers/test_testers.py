"""Testers: invited by a label, known to nobody but the city, gone when they want to be."""

from typing import Any

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.principal import Principal
from miniapps import errors
from miniapps.errors import InvitationInvalid, OtherDepartment, TooManyTesters
from miniapps.privacy import MiniappsPrivacy
from miniapps.releases.models import GrayApp
from miniapps.testers import service
from miniapps.testers.models import AcceptInvitation, Invitation, InviteTester, TrialView
from tests.miniapps.city import HOTLINE, official, person
from tests.miniapps.conftest import APP_ID, As, Steps


@pytest.fixture
async def trial(steps: Steps) -> None:
    await steps.register()
    await steps.approve()
    await steps.release(1, to="testers")


async def invite(steps: Steps, label: str = "测试员甲") -> Invitation:
    return await steps.services.testers.invite(steps.connection, steps.author, APP_ID, InviteTester(label=label))


async def accept(steps: Steps, citizen: Principal, code: str) -> TrialView:
    return await steps.services.testers.accept(steps.connection, citizen, AcceptInvitation(code=code))


async def subjects(steps: Steps) -> frozenset[Any]:
    (gray,) = await steps.services.releases.list_exposed(steps.connection)
    assert isinstance(gray, GrayApp)
    return gray.testers


async def states(steps: Steps) -> list[str]:
    listed = await steps.services.testers.list_testers(steps.connection, steps.author, APP_ID, after=None, limit=50)
    return [tester.state for tester in listed.items]


@pytest.mark.usefixtures("trial")
async def test_whoever_accepts_sees_the_release_until_they_leave(steps: Steps) -> None:
    citizen, invitation = person(), await invite(steps)
    assert await subjects(steps) == frozenset()
    accepted = await accept(steps, citizen, invitation.code)
    assert (accepted.app_id, accepted.name.zh) == (APP_ID, "图书馆")
    assert await subjects(steps) == {citizen.subject_id}
    assert await states(steps) == ["accepted"]
    await steps.services.testers.leave(steps.connection, citizen, APP_ID)
    assert await subjects(steps) == frozenset()
    assert await states(steps) == ["ended"]
    assert (await steps.services.testers.list_trials(steps.connection, citizen)).items == []
    with pytest.raises(errors.TesterUnknown):
        await steps.services.testers.leave(steps.connection, citizen, APP_ID)
    assert (await steps.audited())[-3:] == [
        "miniapp.tester_invited",
        "miniapp.tester_accepted",
        "miniapp.tester_left",
    ]
    left = "select count(*) from miniapps.tester where subject_id is not null"
    assert await steps.connection.fetchval(left) == 0, "who it was is forgotten"


@pytest.mark.usefixtures("trial")
async def test_a_code_is_worth_one_citizen_once(steps: Steps) -> None:
    first, second, invitation = person(), person(), await invite(steps)
    await accept(steps, first, invitation.code)
    again = await accept(steps, first, invitation.code)
    assert again.app_id == APP_ID
    with pytest.raises(InvitationInvalid):
        await accept(steps, second, invitation.code)
    await steps.services.testers.leave(steps.connection, first, APP_ID)
    for citizen in (first, second):
        with pytest.raises(InvitationInvalid):
            await accept(steps, citizen, invitation.code)


@pytest.mark.usefixtures("trial")
async def test_a_second_invitation_to_the_same_app_is_not_used_up(steps: Steps) -> None:
    citizen, other = person(), person()
    first, second = await invite(steps), await invite(steps, "测试员乙")
    await accept(steps, citizen, first.code)
    await accept(steps, citizen, second.code)
    assert await states(steps) == ["invited", "accepted"]
    await accept(steps, other, second.code)


@pytest.mark.usefixtures("trial")
@pytest.mark.parametrize("code", ["x" * 24, "A" * 16])
async def test_a_guessed_code_opens_nothing(steps: Steps, code: str) -> None:
    await invite(steps)
    with pytest.raises(InvitationInvalid):
        await accept(steps, person(), code)


@pytest.mark.usefixtures("trial")
async def test_an_invitation_ends_after_a_week_or_when_it_is_taken_back(steps: Steps, clock: ManualClock) -> None:
    late, removed = await invite(steps), await invite(steps)
    view = await steps.services.testers.remove(steps.connection, steps.author, APP_ID, removed.tester.id)
    assert view.state == "ended"
    with pytest.raises(InvitationInvalid):
        await accept(steps, person(), removed.code)
    clock.advance(7 * 86_400)
    with pytest.raises(InvitationInvalid):
        await accept(steps, person(), late.code)
    assert await states(steps) == ["ended", "expired"]


@pytest.mark.usefixtures("trial")
async def test_the_department_never_learns_who(connection: Connection, steps: Steps, called_by: As) -> None:
    citizen, invitation = person(), await invite(steps)
    await accept(steps, citizen, invitation.code)
    answer = await called_by(steps.author).get(f"/v1/apps/{APP_ID}/testers")
    assert answer.status_code == 200
    assert str(citizen.subject_id) not in answer.text
    assert invitation.code not in answer.text
    kept = await connection.fetchval("select row_to_json(t)::text from miniapps.tester t")
    assert invitation.code not in kept


@pytest.mark.usefixtures("trial")
async def test_removing_a_tester_forgets_who_it_was(connection: Connection, steps: Steps) -> None:
    citizen, invitation = person(), await invite(steps)
    await accept(steps, citizen, invitation.code)
    for _ in range(2):
        await steps.services.testers.remove(connection, steps.author, APP_ID, invitation.tester.id)
    assert await subjects(steps) == frozenset()
    assert await connection.fetchval("select count(*) from miniapps.tester where subject_id is not null") == 0


@pytest.mark.usefixtures("trial")
async def test_a_closed_account_tests_nothing_and_a_copy_says_what_it_tested(
    connection: Connection, steps: Steps, clock: ManualClock
) -> None:
    citizen, invitation = person(), await invite(steps)
    await accept(steps, citizen, invitation.code)
    privacy = MiniappsPrivacy(steps.floor.vault)
    exported = await privacy.parts[0].export_person(connection, citizen.subject_id)
    assert [row["app_id"] for row in exported] == [APP_ID]
    await privacy.erase_person(connection, citizen.subject_id, clock.now())
    assert await subjects(steps) == frozenset()
    assert await privacy.parts[0].export_person(connection, citizen.subject_id) == []


@pytest.mark.usefixtures("trial")
async def test_there_is_room_for_a_few(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_TESTERS", 2)
    first = await invite(steps)
    await invite(steps)
    with pytest.raises(TooManyTesters):
        await invite(steps)
    await steps.services.testers.remove(steps.connection, steps.author, APP_ID, first.tester.id)
    await invite(steps)


@pytest.mark.usefixtures("trial")
async def test_strangers_neither_invite_nor_look_nor_remove(connection: Connection, steps: Steps) -> None:
    testers, stranger = steps.services.testers, official("developer", organization_id=HOTLINE)
    invitation = await invite(steps)
    for act in (
        testers.invite(connection, stranger, APP_ID, InviteTester(label="测试员乙")),
        testers.list_testers(connection, stranger, APP_ID, after=None, limit=5),
        testers.remove(connection, stranger, APP_ID, invitation.tester.id),
    ):
        with pytest.raises(OtherDepartment):
            await act
    await steps.live("cn.example.other")
    with pytest.raises(errors.TesterUnknown):
        await testers.remove(connection, steps.author, "cn.example.other", invitation.tester.id)


@pytest.mark.usefixtures("trial")
async def test_the_road_over_http(steps: Steps, called_by: As) -> None:
    author, citizen = called_by(steps.author), called_by(person())
    answer = await author.post(f"/v1/apps/{APP_ID}/testers", json={"label": "测试员甲"})
    assert (answer.status_code, answer.json()["tester"]["state"]) == (201, "invited")
    code = answer.json()["code"]
    assert (await citizen.post("/v1/me/trials", json={"code": code})).status_code == 201
    assert [trial["app_id"] for trial in (await citizen.get("/v1/me/trials")).json()["items"]] == [APP_ID]
    answer = await citizen.delete(f"/v1/me/trials/{APP_ID}")
    assert (answer.status_code, answer.json()) == (200, {"items": []})


async def test_a_code_that_is_none_is_not_read(called_by: As) -> None:
    client = called_by(person())
    bodies: list[dict[str, str]] = [{}, {"code": ""}, {"code": "has space in it, and more"}, {"code": "x" * 65}]
    for body in bodies:
        assert (await client.post("/v1/me/trials", json=body)).status_code == 400


async def test_anonymous_and_wrong_callers_are_refused(called_by: As) -> None:
    nobody, citizen, staff = called_by(None), called_by(person()), called_by(official("developer"))
    mine = [("GET", "/v1/me/trials"), ("POST", "/v1/me/trials"), ("DELETE", f"/v1/me/trials/{APP_ID}")]
    theirs = [("POST", f"/v1/apps/{APP_ID}/testers"), ("GET", f"/v1/apps/{APP_ID}/testers")]
    for wrong, asked in ((staff, mine), (citizen, theirs)):
        for method, path in asked:
            assert (await nobody.request(method, path, json={"code": "x" * 24})).status_code == 401
            assert (await wrong.request(method, path, json={"code": "x" * 24})).status_code == 403
