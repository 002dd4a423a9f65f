"""An organization's people: offered, taken, passed on in part, ended with all below, over HTTP."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest

from app.demo.registries import RESPONSIBLE, RESTAURANT
from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.registries.ports import EnterpriseAnswer
from auth.wiring import AuthServices
from tests.auth.mandates.people import (
    CLERK,
    MANAGER,
    TRAINEE,
    accept,
    appoint,
    company,
    end,
    items,
    known,
    notices,
    offer,
    post,
    speak_for,
)
from tests.auth.phones import Phone, slug_of

NewPhone = Callable[[str], Phone]


@pytest.fixture
async def restaurant(phone: Phone) -> tuple[str, Phone]:
    return await company(phone)


@pytest.fixture
async def manager(new_phone: NewPhone) -> Phone:
    return await known(new_phone("19900000011"), MANAGER)


@pytest.fixture
async def clerk(new_phone: NewPhone) -> Phone:
    return await known(new_phone("19900000012"), CLERK)


def reason_of(response: object) -> str:
    return str(response.json()["reason"])  # type: ignore[attr-defined]  # a response


async def test_an_administrator_is_offered_accepts_and_speaks(
    restaurant: tuple[str, Phone], manager: Phone, connection: Connection
) -> None:
    organization_id, desk = restaurant
    offered = await offer(desk, organization_id, "administrator", MANAGER, may_delegate=True)
    assert offered.status_code == 201, offered.text
    assert MANAGER.document_number not in offered.text
    (waiting,) = await items(manager, "/v1/me/mandate-offers")
    assert waiting == offered.json()
    mandate_id = await accept(manager, waiting["id"])
    (held,) = await items(manager, "/v1/me/mandates")
    assert (held["id"], held["kind"], held["state"], held["role"]) == (mandate_id, "administrator", "active", "管理员")
    assert (held["principal"]["name"], held["agent"]["name"]) == (RESTAURANT.name, "测*甲")
    speaking = await speak_for(manager, organization_id)
    claims = jwt.decode(speaking.tokens["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["mandate_id"]) == (f"organization:{organization_id}", mandate_id)
    assert claims["act"]["sub"].startswith("person:")
    assert claims["scope"].split() == ["app:*", "item:*", "organization", "scenario:*"]
    assert [one["kind"] for one in await items(speaking, f"/v1/organizations/{organization_id}/mandates")] == [
        "administrator",
        "responsible_person",
    ]
    given = await connection.fetchrow("select * from kit.audit_entry where action = 'mandate.given' order by id desc")
    assert given is not None
    assert (given["subject"], given["detail"]["kind"]) == (f"organization:{organization_id}", "administrator")


async def test_nothing_stands_before_it_is_accepted_and_the_giver_never_learns_who_is_here(
    restaurant: tuple[str, Phone], manager: Phone
) -> None:
    organization_id, desk = restaurant
    await offer(desk, organization_id, "agent", MANAGER)
    assert slug_of(await post(manager, f"/v1/organizations/{organization_id}/session")) == "not-an-agent"
    assert await items(manager, "/v1/me/mandates") == []
    here = (await offer(desk, organization_id, "agent", MANAGER)).json()
    nowhere = (await offer(desk, organization_id, "agent", TRAINEE)).json()
    assert set(here) == set(nowhere)
    assert {key for key in here if here[key] != nowhere[key]} == {"id"}
    assert "mandate_offered" in await notices(manager)


async def test_an_offer_waits_for_somebody_who_comes_later(restaurant: tuple[str, Phone], new_phone: NewPhone) -> None:
    organization_id, desk = restaurant
    offered = (await offer(desk, organization_id, "agent", MANAGER)).json()
    late = await known(new_phone("19900000013"), MANAGER)
    assert [one["id"] for one in await items(late, "/v1/me/mandate-offers")] == [offered["id"]]
    await accept(late, offered["id"])


async def test_nobody_takes_what_is_another_s(restaurant: tuple[str, Phone], manager: Phone, clerk: Phone) -> None:
    organization_id, desk = restaurant
    offered = (await offer(desk, organization_id, "agent", MANAGER)).json()
    for path in (offered["id"], str(uuid4())):
        for decision in ("accepted", "declined"):
            refused = await post(clerk, f"/v1/me/mandate-offers/{path}/decision", {"decision": decision})
            assert slug_of(refused) == "mandate-offer-unknown"
    assert slug_of(await end(clerk, f"/v1/me/mandate-offers/{offered['id']}")) == "mandate-offer-unknown"
    await accept(manager, offered["id"])


async def test_an_offer_is_decided_once(restaurant: tuple[str, Phone], manager: Phone, clock: ManualClock) -> None:
    organization_id, desk = restaurant
    for how in ("accepted", "declined", "withdrawn", "old"):
        offered = (await offer(desk, organization_id, "agent", MANAGER)).json()
        path = f"/v1/me/mandate-offers/{offered['id']}/decision"
        if how == "withdrawn":
            gone = await end(desk, f"/v1/organizations/{organization_id}/mandate-offers/{offered['id']}")
            assert gone.json()["state"] == "withdrawn"
        elif how == "old":
            clock.advance(13 * 86_400)
            await manager.sign_in()
            await manager.tell_name(MANAGER)  # with a number, a name and a document alone one comes back after a day
            clock.advance(86_400)
            await known(manager, MANAGER)
        else:
            assert (await post(manager, path, {"decision": how})).json()["state"] == how
        assert slug_of(await post(manager, path, {"decision": "accepted"})) == "mandate-offer-unknown"


async def test_a_part_is_passed_on_and_no_more(restaurant: tuple[str, Phone], manager: Phone, clerk: Phone) -> None:
    organization_id, desk = restaurant
    scope = {"items": ["enterprise-codes", "enterprise-ratings"], "apps": []}
    await appoint(desk, organization_id, "administrator", manager, MANAGER, scope=scope, may_delegate=True)
    speaking = await speak_for(manager, organization_id)
    wider: Any
    for wider in ({"apps": []}, {"items": ["enterprise-checks"], "apps": []}, {"items": ["enterprise-codes"]}):
        refused = await offer(speaking, organization_id, "agent", CLERK, scope=wider)
        assert reason_of(refused) == "wider-than-its-parent", wider
    narrow = {"items": ["enterprise-codes"], "apps": []}
    await appoint(speaking, organization_id, "agent", clerk, CLERK, scope=narrow)
    working = await speak_for(clerk, organization_id)
    assert "item:enterprise-codes" in working.tokens["scope"].split()
    assert "item:*" not in working.tokens["scope"]


async def test_who_may_not_pass_on_gives_nothing_and_reads_nobody(
    restaurant: tuple[str, Phone], manager: Phone
) -> None:
    organization_id, desk = restaurant
    await appoint(desk, organization_id, "agent", manager, MANAGER)
    speaking = await speak_for(manager, organization_id)
    assert reason_of(await offer(speaking, organization_id, "agent", CLERK)) == "never-delegated"
    for path in ("mandates", "mandate-offers"):
        assert slug_of(await speaking.get(f"/v1/organizations/{organization_id}/{path}")) == "mandate-refused"
    assert slug_of(await speaking.get(f"/v1/organizations/{organization_id}/acts")) == "mandate-refused"


async def test_three_levels_and_no_fourth(
    restaurant: tuple[str, Phone], manager: Phone, clerk: Phone, new_phone: NewPhone
) -> None:
    organization_id, desk = restaurant
    await appoint(desk, organization_id, "administrator", manager, MANAGER, may_delegate=True)
    speaking = await speak_for(manager, organization_id)
    deeper = await offer(speaking, organization_id, "agent", CLERK, may_delegate=True)
    assert reason_of(deeper) == "too-deep"
    again = await offer(speaking, organization_id, "administrator", CLERK)
    assert reason_of(again) == "not-passed-on"
    await appoint(speaking, organization_id, "agent", clerk, CLERK)
    third = await speak_for(clerk, organization_id)
    assert reason_of(await offer(third, organization_id, "agent", TRAINEE)) == "never-delegated"


async def test_ending_one_ends_all_below_and_their_sessions(
    restaurant: tuple[str, Phone], manager: Phone, clerk: Phone, auth: AuthServices
) -> None:
    organization_id, desk = restaurant
    above = await appoint(desk, organization_id, "administrator", manager, MANAGER, may_delegate=True)
    speaking = await speak_for(manager, organization_id)
    below = await appoint(speaking, organization_id, "agent", clerk, CLERK)
    working = await speak_for(clerk, organization_id)
    ended = await end(desk, f"/v1/organizations/{organization_id}/mandates/{above}")
    assert (ended.status_code, ended.json()["state"]) == (200, "ended")
    await auth.revoked_sessions.refresh()
    for over in (speaking, working):
        assert (await over.get("/v1/me")).status_code == 401
        assert (await over.refresh()).status_code == 400
    assert [one["state"] for one in await items(clerk, "/v1/me/mandates")] == ["ended"]
    assert below == (await items(clerk, "/v1/me/mandates"))[0]["id"]
    assert (await notices(clerk))[0] == "mandate_over"
    assert (await desk.get("/v1/me")).status_code == 200


async def test_only_what_stands_below_is_ended(restaurant: tuple[str, Phone], manager: Phone, clerk: Phone) -> None:
    organization_id, desk = restaurant
    await appoint(desk, organization_id, "administrator", manager, MANAGER, may_delegate=True)
    beside = await appoint(desk, organization_id, "agent", clerk, CLERK)
    speaking = await speak_for(manager, organization_id)
    top = next(
        one for one in await items(desk, f"/v1/organizations/{organization_id}/mandates") if one["parent_id"] is None
    )
    for mandate_id in (beside, top["id"], str(uuid4())):
        refused = await end(speaking, f"/v1/organizations/{organization_id}/mandates/{mandate_id}")
        assert slug_of(refused) == "mandate-unknown"


async def test_an_agent_lays_it_down_and_the_responsible_person_does_not(
    restaurant: tuple[str, Phone], manager: Phone, clerk: Phone, phone: Phone
) -> None:
    organization_id, desk = restaurant
    mandate_id = await appoint(desk, organization_id, "agent", manager, MANAGER)
    assert slug_of(await end(clerk, f"/v1/me/mandates/{mandate_id}")) == "mandate-unknown"
    assert (await end(manager, f"/v1/me/mandates/{mandate_id}")).json()["state"] == "ended"
    assert slug_of(await post(manager, f"/v1/organizations/{organization_id}/session")) == "not-an-agent"
    (mine,) = await items(phone, "/v1/me/mandates")
    assert reason_of(await end(phone, f"/v1/me/mandates/{mine['id']}")) == "by-registry"


async def test_a_new_responsible_person_voids_the_tree(
    restaurant: tuple[str, Phone], manager: Phone, clerk: Phone, auth: AuthServices, connection: Connection
) -> None:
    organization_id, desk = restaurant
    await appoint(desk, organization_id, "administrator", manager, MANAGER, may_delegate=True)
    speaking = await speak_for(manager, organization_id)
    await appoint(speaking, organization_id, "agent", clerk, CLERK)
    answer = EnterpriseAnswer(match=True, name=RESTAURANT.name, role="法定代表人", status="active")
    person_id = UUID((await clerk.get("/v1/me")).json()["subject_id"])
    await auth.organizations.record_responsible(
        connection, person_id=person_id, code=RESTAURANT.credit_code, answer=answer
    )
    living = await connection.fetch("select kind, agent_id from auth.mandate where revoked_at is null")
    assert [(row["kind"], row["agent_id"]) for row in living] == [("responsible_person", person_id)]


async def test_a_mandate_ends_by_itself_and_its_sessions_with_it(
    restaurant: tuple[str, Phone], manager: Phone, auth: AuthServices, clock: ManualClock, connection: Connection
) -> None:
    organization_id, desk = restaurant
    await appoint(desk, organization_id, "agent", manager, MANAGER, lasts_seconds=300)
    speaking = await speak_for(manager, organization_id)
    claims = jwt.decode(speaking.tokens["access_token"], options={"verify_signature": False})
    assert claims["exp"] <= clock.now().timestamp() + 300
    clock.advance(299)
    assert (await speaking.get("/v1/me")).status_code == 200
    clock.advance(1)
    assert (await speaking.get("/v1/me")).status_code == 401
    assert slug_of(await post(manager, f"/v1/organizations/{organization_id}/session")) == "not-an-agent"
    assert await auth.mandates.end_what_is_over(connection) == 1
    assert await auth.mandates.end_what_is_over(connection) == 0
    assert (await items(manager, "/v1/me/mandates"))[0]["state"] == "ended"


async def test_nobody_appoints_themself_or_a_number_out_of_form_or_long_after_signing_in(
    restaurant: tuple[str, Phone], clock: ManualClock
) -> None:
    organization_id, desk = restaurant
    assert reason_of(await offer(desk, organization_id, "agent", RESPONSIBLE)) == "of-oneself"
    body = {"kind": "agent", "agent": {"name": "测试甲", "document_number": "190000199203150040"}}
    assert slug_of(await post(desk, f"/v1/organizations/{organization_id}/mandates", body)) == "agent-out-of-form"
    clock.advance(301)
    assert slug_of(await offer(desk, organization_id, "agent", MANAGER)) == "step-up-required"


async def test_strangers_reach_nothing_of_an_organization(
    restaurant: tuple[str, Phone], manager: Phone, phone: Phone
) -> None:
    organization_id, desk = restaurant
    for caller in (manager, phone):
        for path in ("mandates", "mandate-offers", "acts"):
            answer = await caller.get(f"/v1/organizations/{organization_id}/{path}")
            assert slug_of(answer) == "wrong-subject"
    for path in ("mandates", "mandate-offers", "acts"):
        answer = await desk.get(f"/v1/organizations/{uuid4()}/{path}")
        assert answer.status_code == 403


async def test_the_one_who_answers_reads_what_agents_did(
    restaurant: tuple[str, Phone], manager: Phone, phone: Phone
) -> None:
    organization_id, desk = restaurant
    mandate_id = await appoint(desk, organization_id, "agent", manager, MANAGER)
    await speak_for(manager, organization_id)
    first, *_ = await items(desk, f"/v1/organizations/{organization_id}/acts")
    assert (first["kind"], first["agent"], first["mandate_id"]) == ("session_opened", "测*甲", mandate_id)
    assert (await notices(phone))[0] == "acted_for_organization"
    await speak_for(manager, organization_id)
    assert (await notices(phone)).count("acted_for_organization") == 1


async def test_of_two_mandates_the_agent_chooses(restaurant: tuple[str, Phone], manager: Phone) -> None:
    organization_id, desk = restaurant
    both = {
        item: await appoint(desk, organization_id, "agent", manager, MANAGER, scope={"items": [item]})
        for item in ("enterprise-codes", "enterprise-ratings")
    }
    assert [one["mandate_id"] for one in await items(manager, "/v1/organizations")] == list(both.values())
    for item, mandate_id in both.items():
        path = f"/v1/organizations/{organization_id}/session?mandate_id={mandate_id}"
        assert f"item:{item}" in (await post(manager, path)).json()["scope"].split()
    another = f"/v1/organizations/{organization_id}/session?mandate_id={uuid4()}"
    assert slug_of(await post(manager, another)) == "not-an-agent"
