"""Trusted contacts over HTTP: invited, agreed to, told, and ended by either."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.demo.registries import RESPONSIBLE, SECOND_CITIZEN
from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from auth.wiring import AuthServices
from tests.auth.messages.test_messages import inbox_of, messages_of, put
from tests.auth.phones import Key, Phone, slug_of

CONTACTS, TRUST = "/v1/me/trusted-contacts", "/v1/me/trusted-by"
FRIEND = "19900000002"
MERGE = "update auth.person set status = 'merged', merged_into = $2 where id = $1"


async def invite(phone: Phone, number: str = FRIEND, **changes: str) -> httpx.Response:
    return await phone.client.post(CONTACTS, json={"phone": number} | changes, headers=phone.headers)


async def decide(phone: Phone, contact_id: str, decision: str = "accepted") -> httpx.Response:
    path = f"{TRUST}/{contact_id}/decision"
    return await phone.client.post(path, json={"decision": decision}, headers=phone.headers)


async def items(phone: Phone, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await phone.get(path)).json()["items"]
    return found


@pytest.fixture
async def friend(new_phone: Callable[[str], Phone]) -> Phone:
    friend = new_phone(FRIEND)
    await friend.become_known(SECOND_CITIZEN)
    return friend


async def test_contact_who_agreed_is_told_of_what_is_urgent_and_of_nothing_else(phone: Phone, friend: Phone) -> None:
    await phone.become_known()
    invited = (await invite(phone)).json()
    assert (invited["state"], invited["phone"], invited["display_name"]) == ("invited", "199****0002", None)
    (asked,) = await items(friend, TRUST)
    assert (asked["id"], asked["display_name"], asked["state"]) == (invited["id"], "演***一", "invited")
    assert (await decide(friend, invited["id"])).json()["state"] == "active"
    assert (await items(phone, CONTACTS))[0]["display_name"] == "演***二"
    await phone.enroll(Key())
    await put(phone)  # important, not urgent
    told, *_ = await messages_of(friend)
    assert (told["kind"], told["about"]) == ("device_enrolled", "演***一")
    (message,) = [one for one in await inbox_of(friend) if "可信联系人，" in one["text"]]
    assert message["text"].startswith("【随申办】您是一位亲友的可信联系人，TA 收到了提醒：您的账号登记了一台设备。")
    assert [one["kind"] for one in await messages_of(phone)][-2:] == ["device_enrolled", "trusted_contact_accepted"]


async def test_a_contact_is_invited_by_the_number_of_an_account_merged_into_theirs(
    phone: Phone, friend: Phone, new_phone: Callable[[str], Phone], connection: Connection
) -> None:
    await phone.become_known()
    second = new_phone("19900000003")
    await second.sign_in()
    ids = [UUID((await one.get("/v1/me")).json()["subject_id"]) for one in (second, friend)]
    await connection.execute(MERGE, *ids)
    invited = (await invite(phone, second.number)).json()
    (asked,) = await items(friend, TRUST)
    assert asked["id"] == invited["id"]
    assert (await decide(friend, invited["id"])).json()["state"] == "active"
    assert slug_of(await invite(friend, second.number)) == "trusted-contact-oneself"


async def test_contact_of_important_things_is_told_of_both(phone: Phone, friend: Phone) -> None:
    await phone.become_known()
    invited = (await invite(phone, told_of="important")).json()
    await decide(friend, invited["id"])
    await put(phone)
    assert (await messages_of(friend))[0]["kind"] == "message_preferences_changed"


async def test_who_has_not_agreed_is_told_nothing(phone: Phone, friend: Phone) -> None:
    await phone.become_known()
    invited = (await invite(phone)).json()
    await phone.enroll(Key())
    assert [one["kind"] for one in await messages_of(friend)] == ["trusted_contact_invited"]
    await decide(friend, invited["id"], "declined")
    await phone.enroll(Key())
    assert [one["kind"] for one in await messages_of(friend)] == ["trusted_contact_invited"]
    assert (await items(phone, CONTACTS), await items(friend, TRUST)) == ([], [])
    assert slug_of(await decide(friend, invited["id"])) == "trusted-contact-unknown"


async def test_invitation_is_the_same_where_nobody_has_an_account(phone: Phone, friend: Phone) -> None:
    await phone.become_known()
    known, unknown = await invite(phone), await invite(phone, "19900000009")
    assert known.status_code == unknown.status_code == 201
    differ = {"id", "phone"}
    left, right = ({k: v for k, v in answer.json().items() if k not in differ} for answer in (known, unknown))
    assert left == right


async def test_who_registers_later_finds_the_invitation(phone: Phone, new_phone: Callable[[str], Phone]) -> None:
    await phone.become_known()
    await invite(phone)
    late = new_phone(FRIEND)
    await late.become_known(SECOND_CITIZEN)
    assert len(await items(late, TRUST)) == 1


async def test_only_the_invited_answers(phone: Phone, friend: Phone, new_phone: Callable[[str], Phone]) -> None:
    await phone.become_known()
    invited = (await invite(phone)).json()["id"]
    stranger = new_phone("19900000003")
    await stranger.become_known(RESPONSIBLE)
    for caller in (stranger, phone):
        assert slug_of(await decide(caller, invited)) == "trusted-contact-unknown"
    unnamed = new_phone("19900000004")
    await unnamed.sign_in()
    assert slug_of(await decide(unnamed, invited)) == "identity-level-too-low"
    assert (await items(phone, CONTACTS))[0]["state"] == "invited"


async def test_invitation_that_nobody_answered_is_over(
    phone: Phone, friend: Phone, clock: ManualClock, auth: AuthServices, floor: Floor
) -> None:
    await phone.become_known()
    invited = (await invite(phone)).json()["id"]
    clock.advance(7 * 24 * 3600)
    await phone.renew()
    await friend.renew()
    async with floor.database.transaction() as connection:
        assert await connection.fetchval("select count(*) from auth.trusted_contact where phone_sealed is null") == 0
        await auth.message_centre.forget(connection, clock.now(), clock.now())
        assert await connection.fetchval("select count(*) from auth.trusted_contact where phone_sealed is null") == 1
    assert (await items(phone, CONTACTS), await items(friend, TRUST)) == ([], [])
    assert (await decide(friend, invited)).status_code in {403, 404}


@pytest.mark.parametrize("by_friend", [True, False])
async def test_either_ends_it_and_only_the_person_hears(phone: Phone, friend: Phone, by_friend: bool) -> None:
    await phone.become_known()
    invited = (await invite(phone)).json()["id"]
    await decide(friend, invited)
    heard = len(await messages_of(friend))
    caller = friend if by_friend else phone
    ended = await caller.client.delete(f"{CONTACTS}/{invited}", headers=caller.headers)
    assert ended.json() == {"ended": True}
    assert ("trusted_contact_left" in [one["kind"] for one in await messages_of(phone)]) == by_friend
    await phone.enroll(Key())
    assert len(await messages_of(friend)) == heard
    again = await caller.client.delete(f"{CONTACTS}/{invited}", headers=caller.headers)
    assert slug_of(again) == "trusted-contact-unknown"


async def test_stranger_ends_nothing(phone: Phone, friend: Phone, new_phone: Callable[[str], Phone]) -> None:
    await phone.become_known()
    invited = (await invite(phone)).json()["id"]
    for caller in (friend, new_phone("19900000003")):  # who is only invited declines
        if not caller.tokens:
            await caller.become_known(RESPONSIBLE)
        answer = await caller.client.delete(f"{CONTACTS}/{invited}", headers=caller.headers)
        assert slug_of(answer) == "trusted-contact-unknown"


async def test_refusals_of_an_invitation(phone: Phone, clock: ManualClock) -> None:
    await phone.sign_in()
    assert slug_of(await invite(phone)) == "identity-level-too-low"
    await phone.tell_name()
    await phone.renew()
    assert slug_of(await invite(phone, phone.number)) == "trusted-contact-oneself"
    assert slug_of(await invite(phone, "12345")) == "phone-invalid"
    assert slug_of(await invite(phone, told_of="ordinary")) == "fields-invalid"
    for number in ("19900000011", "19900000012", "19900000013"):
        assert (await invite(phone, number)).status_code == 201
    assert slug_of(await invite(phone, "19900000014")) == "too-many-trusted-contacts"
    (first, *_) = await items(phone, CONTACTS)
    await phone.client.delete(f"{CONTACTS}/{first['id']}", headers=phone.headers)
    assert slug_of(await invite(phone, "19900000012")) == "trusted-contact-invited"
    clock.advance(400)
    await phone.renew()
    assert slug_of(await invite(phone, "19900000015")) == "step-up-required"


async def test_invitations_are_counted(phone: Phone) -> None:
    await phone.become_known()
    for _ in range(10):
        invited = await invite(phone)
        await phone.client.delete(f"{CONTACTS}/{invited.json()['id']}", headers=phone.headers)
    refused = await invite(phone)
    assert (slug_of(refused), refused.status_code) == ("rate-limited", 429)


async def test_contact_of_who_died_is_told_nothing_more(
    phone: Phone, friend: Phone, auth: AuthServices, floor: Floor, clock: ManualClock
) -> None:
    await phone.become_known()
    invited = (await invite(phone)).json()["id"]
    await decide(friend, invited)
    me = UUID(phone.tokens["person"]["id"])
    async with floor.database.transaction() as connection:
        await auth.message_centre.person_ended(connection, me, "died", clock.now())
    heard = len(await messages_of(friend))
    await phone.enroll(Key())
    assert len(await messages_of(friend)) == heard
    assert await items(friend, TRUST) == []
