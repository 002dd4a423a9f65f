"""Phones as addresses: changed slowly and in the open, shared with labels, handed on without what was behind them."""

import asyncio
from typing import Any

import httpx
import pytest

from app.demo.registries import CITIZEN
from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from auth.wiring import AuthServices
from tests.auth.login.wallets import NewPhone, Wallet
from tests.auth.officials.test_officials import Staff, make_account
from tests.auth.phones import Key, Phone, slug_of

OLD, NEW, OTHER = "19900000001", "19900000011", "19900000021"
WAIT_SECONDS = 86_400


@pytest.fixture
async def wallet(phone: Phone) -> Wallet:
    """A known person with a passkey, who has just shown it."""
    await phone.become_known()
    made = Wallet(phone)
    await made.enrol()
    return await made.signed_in()


async def add(wallet: Wallet, number: str, new_phone: NewPhone, **changes: Any) -> httpx.Response:
    asked = await wallet.post("/v1/me/phones/challenges", {"phone": number})
    if asked.status_code != 202:
        return asked
    code = await new_phone(number).read_code()
    return await wallet.post("/v1/me/phones", {"challenge_id": asked.json()["challenge_id"], "code": code} | changes)


async def phones_of(wallet: Wallet) -> dict[str, Any]:
    listed: dict[str, Any] = (await wallet.phone.get("/v1/me/phones")).json()
    return listed


async def kinds_of(wallet: Wallet) -> list[str]:
    return [item["kind"] for item in (await wallet.phone.get("/v1/me/messages")).json()["items"]]


async def person_of(phone: Phone) -> str:
    return str((await phone.sign_in())["person"]["id"])


async def test_change_waits_is_told_and_then_holds(wallet: Wallet, new_phone: NewPhone, clock: ManualClock) -> None:
    person_id = wallet.phone.tokens["person"]["id"]
    (old,) = (await phones_of(wallet))["items"]
    begun = await add(wallet, NEW, new_phone, replaces_id=old["id"])
    assert begun.status_code == 201, begun.text
    assert begun.json()["phone"] == "199****0011"
    assert "phone_change_begun" in await kinds_of(wallet)
    assert await person_of(new_phone(OLD)) == person_id
    clock.advance(WAIT_SECONDS)
    assert await person_of(new_phone(NEW)) == person_id
    await wallet.signed_in()
    listed = await phones_of(wallet)
    assert ([item["phone"] for item in listed["items"]], listed["waiting"]) == (["199****0011"], None)
    assert "phone_changed" in await kinds_of(wallet)
    assert await person_of(new_phone(OLD)) != person_id


async def test_number_opens_nothing_of_the_person_before_its_wait_is_over(
    wallet: Wallet, new_phone: NewPhone, clock: ManualClock
) -> None:
    await add(wallet, NEW, new_phone)
    clock.advance(WAIT_SECONDS - 1)
    assert await person_of(new_phone(NEW)) != wallet.phone.tokens["person"]["id"]


async def test_old_number_stops_at_once_also_where_no_job_ran(
    wallet: Wallet, new_phone: NewPhone, clock: ManualClock
) -> None:
    (old,) = (await phones_of(wallet))["items"]
    await add(wallet, NEW, new_phone, replaces_id=old["id"])
    clock.advance(WAIT_SECONDS)
    assert await person_of(new_phone(OLD)) != wallet.phone.tokens["person"]["id"]


async def test_periodic_job_settles_what_is_due(
    wallet: Wallet, new_phone: NewPhone, clock: ManualClock, auth: AuthServices, connection: Connection
) -> None:
    await add(wallet, NEW, new_phone)
    assert await auth.login.phones.settle(connection) == 0
    clock.advance(WAIT_SECONDS)
    assert await auth.login.phones.settle(connection) == 1
    assert await connection.fetchval("select count(*) from auth.phone_change") == 0


async def test_change_can_be_stopped_by_its_owner_alone(wallet: Wallet, new_phone: NewPhone) -> None:
    change = (await add(wallet, NEW, new_phone)).json()["id"]
    stranger = new_phone(OTHER)
    await stranger.sign_in()
    path = f"/v1/me/phones/changes/{change}"
    assert slug_of(await wallet.client.delete(path, headers=stranger.headers)) == "phone-unknown"
    assert (await wallet.client.delete(path, headers=wallet.phone.headers)).status_code == 200
    assert (await phones_of(wallet))["waiting"] is None
    assert "phone_change_stopped" in await kinds_of(wallet)


async def test_session_on_the_number_alone_changes_stops_and_sees_nothing(wallet: Wallet, new_phone: NewPhone) -> None:
    change = (await add(wallet, NEW, new_phone)).json()["id"]
    heir = Wallet(new_phone(OLD))
    await heir.phone.sign_in()
    assert slug_of(await add(heir, OTHER, new_phone)) == "step-up-required"
    stop = await heir.client.delete(f"/v1/me/phones/changes/{change}", headers=heir.phone.headers)
    assert slug_of(stop) == "step-up-required"
    assert await phones_of(heir) == {"items": [], "waiting": None, "next": None}


async def test_old_proof_changes_nothing(wallet: Wallet, new_phone: NewPhone, clock: ManualClock) -> None:
    clock.advance(301)
    assert slug_of(await add(wallet, NEW, new_phone)) == "step-up-required"


async def test_wrong_code_adds_nothing(wallet: Wallet, new_phone: NewPhone) -> None:
    assert slug_of(await add(wallet, NEW, new_phone, code="xxxxxx")) == "otp-refused"
    assert (await phones_of(wallet))["waiting"] is None


async def test_code_asked_for_by_another_session_or_purpose_adds_nothing(wallet: Wallet, new_phone: NewPhone) -> None:
    signing_in = new_phone(NEW)
    body = {"challenge_id": await signing_in.ask_for_code(), "code": await signing_in.read_code()}
    assert slug_of(await wallet.post("/v1/me/phones", body)) == "otp-refused"
    stranger = Wallet(new_phone(OTHER))
    await stranger.phone.sign_in()
    asked = await stranger.post("/v1/me/phones/challenges", {"phone": NEW})
    body = {"challenge_id": asked.json()["challenge_id"], "code": await new_phone(NEW).read_code()}
    assert slug_of(await wallet.post("/v1/me/phones", body)) == "otp-refused"


async def test_code_sent_to_a_new_number_is_no_step_up(wallet: Wallet, new_phone: NewPhone) -> None:
    """Else whoever has any phone could confirm in the person's session."""
    asked = await wallet.post("/v1/me/phones/challenges", {"phone": NEW})
    body = {"challenge_id": asked.json()["challenge_id"], "code": await new_phone(NEW).read_code()}
    assert slug_of(await wallet.post("/v1/login/step-up/otp/tokens", body)) == "otp-refused"


async def test_what_does_not_fit_is_named(wallet: Wallet, new_phone: NewPhone) -> None:
    assert slug_of(await add(wallet, OLD, new_phone)) == "phone-held-already"
    assert slug_of(await add(wallet, NEW, new_phone, replaces_id=wallet.phone.tokens["person"]["id"])) == (
        "phone-unknown"
    )
    assert (await add(wallet, NEW, new_phone)).status_code == 201
    assert slug_of(await add(wallet, OTHER, new_phone)) == "phone-change-waiting"


async def test_last_way_in_stays(phone: Phone) -> None:
    await phone.sign_in()
    wallet = Wallet(phone)
    (only,) = (await phones_of(wallet))["items"]
    path = f"/v1/me/phones/{only['id']}"
    assert slug_of(await wallet.client.delete(path, headers=phone.headers)) == "last-phone"
    await wallet.enrol()
    await wallet.signed_in()
    assert (await wallet.client.delete(path, headers=wallet.phone.headers)).status_code == 200
    assert (await wallet.sign_in()).status_code == 200


async def test_two_ways_in_taken_away_at_once_leave_one(
    race_client: httpx.AsyncClient, race_floor: Floor, clock: ManualClock
) -> None:
    def phone_of(number: str) -> Phone:
        return Phone(race_client, race_floor.outbox.deliver_due, number=number)

    holder = Wallet(phone_of(OLD))
    await holder.phone.sign_in()
    assert (await add(holder, NEW, phone_of)).status_code == 201
    clock.advance(WAIT_SECONDS)
    holder.phone = phone_of(NEW)
    await holder.phone.sign_in()
    places = [f"/v1/me/phones/{item['id']}" for item in (await phones_of(holder))["items"]]
    tries = (race_client.delete(place, headers=holder.phone.headers) for place in places)
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_anothers_phone_cannot_be_taken_away(wallet: Wallet, new_phone: NewPhone) -> None:
    stranger = Wallet(new_phone(OTHER))
    await stranger.phone.sign_in()
    (theirs,) = (await phones_of(stranger))["items"]
    answer = await wallet.client.delete(f"/v1/me/phones/{theirs['id']}", headers=wallet.phone.headers)
    assert slug_of(answer) == "phone-unknown"


# One phone, several people.


@pytest.fixture
async def shared(wallet: Wallet, new_phone: NewPhone, clock: ManualClock) -> Wallet:
    """A grandchild's number serves the grandparent too, whose own way in is a passkey."""
    grandchild = new_phone(OTHER)
    await grandchild.sign_in()
    assert (await add(wallet, OTHER, new_phone, label="爷爷")).status_code == 201
    clock.advance(WAIT_SECONDS)
    await wallet.signed_in()
    return wallet


async def redeem(phone: Phone, **choice: int) -> httpx.Response:
    body = {"challenge_id": await phone.ask_for_code(), "code": await phone.read_code()} | choice
    return await phone.client.post("/v1/login/otp/tokens", json=body)


async def test_shared_phone_asks_whose_account_is_meant_and_keeps_the_code(shared: Wallet, new_phone: NewPhone) -> None:
    phone = new_phone(OTHER)
    challenge_id = await phone.ask_for_code()
    code = await phone.read_code()
    asked = await phone.show_code(challenge_id, code)
    assert (asked.status_code, slug_of(asked)) == (409, "account-not-chosen")
    assert asked.json()["accounts"] == ["1", "爷爷"]
    body = {"challenge_id": challenge_id, "code": code, "account": 2}
    opened = await phone.client.post("/v1/login/otp/tokens", json=body)
    assert opened.json()["person"]["id"] == shared.phone.tokens["person"]["id"]
    assert opened.json()["person"]["display_name"] is None
    assert slug_of(await phone.client.post("/v1/login/otp/tokens", json=body)) == "otp-refused"


async def test_labels_are_not_told_for_a_wrong_code(shared: Wallet, new_phone: NewPhone) -> None:
    phone = new_phone(OTHER)
    refused = await phone.show_code(await phone.ask_for_code(), "xxxxxx")
    assert slug_of(refused) == "otp-refused"
    assert "accounts" not in refused.json()


@pytest.mark.parametrize("account", [3, 100])
async def test_account_that_is_none_opens_nothing(shared: Wallet, new_phone: NewPhone, account: int) -> None:
    assert slug_of(await redeem(new_phone(OTHER), account=account)) == "otp-refused"


async def test_each_of_them_opens_their_own(shared: Wallet, new_phone: NewPhone) -> None:
    first = (await redeem(new_phone(OTHER), account=1)).json()["person"]["id"]
    second = (await redeem(new_phone(OTHER), account=2)).json()["person"]["id"]
    assert first != second == shared.phone.tokens["person"]["id"]


async def test_enrolled_device_says_by_itself_who_is_meant(
    shared: Wallet, new_phone: NewPhone, clock: ManualClock
) -> None:
    key = Key()
    assert (await shared.phone.enroll(key)).json()["state"] == "active"
    phone = new_phone(OTHER)
    proof = key.dpop("POST", "/v1/login/otp/tokens", clock.now())
    opened = await phone.show_code(await phone.ask_for_code(), await phone.read_code(), dpop=proof)
    assert opened.json()["person"]["id"] == shared.phone.tokens["person"]["id"]


async def test_who_had_the_number_is_told_that_it_is_shared(shared: Wallet, new_phone: NewPhone) -> None:
    grandchild = Wallet(new_phone(OTHER))
    grandchild.phone.tokens = (await redeem(grandchild.phone, account=1)).json()
    assert "phone_shared" in await kinds_of(grandchild)
    assert "phone_shared" not in await kinds_of(shared)


async def test_label_is_sealed(shared: Wallet, connection: Connection) -> None:
    rows = await connection.fetchval("select string_agg(t::text, '') from auth.phone t")
    assert "爷爷".encode().hex() not in rows


# A recycled number.


async def disown(phone: Phone) -> httpx.Response:
    asked = await phone.client.post("/v1/login/otp/disownments/challenges", json={"phone": phone.number})
    assert asked.status_code == 202, asked.text
    body = {"challenge_id": asked.json()["challenge_id"], "code": await phone.read_code()}
    return await phone.client.post("/v1/login/otp/disownments", json=body)


async def test_new_holder_leaves_the_old_account_and_gets_their_own(wallet: Wallet, new_phone: NewPhone) -> None:
    heir, old = new_phone(OLD), wallet.phone.tokens["person"]["id"]
    assert await person_of(heir) == old
    taken = heir.tokens["refresh_token"]
    assert (await disown(heir)).json() == {"accounts": 1}
    assert (await heir.refresh(taken)).json()["error"] == "invalid_grant"
    assert await person_of(heir) != old
    assert (await heir.tell_name()).status_code == 409  # the old holder's name stays the old holder's


async def test_old_holder_keeps_everything_but_the_address_and_is_told(wallet: Wallet, new_phone: NewPhone) -> None:
    await disown(new_phone(OLD))
    await wallet.phone.renew()
    await wallet.signed_in()
    assert wallet.phone.tokens["person"]["identity_level"] == 2
    assert "phone_disowned" in await kinds_of(wallet)
    assert (await phones_of(wallet))["items"] == []


async def test_disowning_wants_the_number_and_its_own_code(wallet: Wallet, new_phone: NewPhone) -> None:
    heir = new_phone(OLD)
    signing_in = {"challenge_id": await heir.ask_for_code(), "code": await heir.read_code()}
    assert slug_of(await heir.client.post("/v1/login/otp/disownments", json=signing_in)) == "otp-refused"
    asked = await heir.client.post("/v1/login/otp/disownments/challenges", json={"phone": OLD})
    wrong = {"challenge_id": asked.json()["challenge_id"], "code": "xxxxxx"}
    assert slug_of(await heir.client.post("/v1/login/otp/disownments", json=wrong)) == "otp-refused"
    assert len((await phones_of(wallet))["items"]) == 1


async def test_disowning_looks_the_same_with_and_without_an_account(wallet: Wallet, new_phone: NewPhone) -> None:
    answers = [
        await wallet.client.post("/v1/login/otp/disownments/challenges", json={"phone": number})
        for number in (OLD, NEW)
    ]
    assert {answer.status_code for answer in answers} == {202}
    assert len({frozenset(answer.json()) for answer in answers}) == 1


# At a counter.


@pytest.fixture
async def counter(client: httpx.AsyncClient, clock: ManualClock, auth: AuthServices, connection: Connection) -> Staff:
    return await Staff(client, clock, await make_account(auth, connection, "counter")).sign_in()


async def change_at(counter: Staff, phone: Phone, **changes: Any) -> httpx.Response:
    asked = await counter.call("POST", "/v1/staff/people/phones/challenges", {"phone": phone.number})
    assert asked.status_code == 202, asked.text
    holder = {"name": CITIZEN.name, "document_number": CITIZEN.document_number}
    body = {"holder": holder, "challenge_id": asked.json()["challenge_id"], "code": await phone.read_code()}
    return await counter.call("POST", "/v1/staff/people/phones", body | {"holder_checked": True} | changes)


async def test_counter_changes_a_number_at_once(wallet: Wallet, counter: Staff, new_phone: NewPhone) -> None:
    person_id = wallet.phone.tokens["person"]["id"]
    await add(wallet, OTHER, new_phone)
    answer = await change_at(counter, new_phone(NEW))
    assert answer.json()["phone"] == "199****0011"
    assert await person_of(new_phone(NEW)) == person_id
    assert await person_of(new_phone(OLD)) != person_id
    listed = await phones_of(wallet)
    assert ([item["phone"] for item in listed["items"]], listed["waiting"]) == (["199****0011"], None)
    assert "phone_changed_at_counter" in await kinds_of(wallet)


async def test_counter_adds_a_number_beside_the_old_one(wallet: Wallet, counter: Staff, new_phone: NewPhone) -> None:
    assert (await change_at(counter, new_phone(NEW), in_place_of_others=False)).status_code == 200
    assert len((await phones_of(wallet))["items"]) == 2


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({"holder_checked": False}, "person-not-checked"),
        ({"code": "xxxxxx"}, "otp-refused"),
        ({"holder": {"name": "测试丁", "document_number": CITIZEN.document_number}}, "named-person-unknown"),
    ],
)
async def test_counter_is_refused_what_is_not_shown(
    wallet: Wallet, counter: Staff, new_phone: NewPhone, changes: dict[str, Any], slug: str
) -> None:
    assert slug_of(await change_at(counter, new_phone(NEW), **changes)) == slug
    assert [item["phone"] for item in (await phones_of(wallet))["items"]] == ["199****0001"]


async def test_code_of_one_officials_session_is_none_for_another(counter: Staff, new_phone: NewPhone) -> None:
    counter.clock.advance(30)
    other = await Staff(counter.client, counter.clock, counter.account).sign_in()
    asked = await other.call("POST", "/v1/staff/people/phones/challenges", {"phone": NEW})
    changes = {"challenge_id": asked.json()["challenge_id"]}
    assert slug_of(await change_at(counter, new_phone(NEW), **changes)) == "otp-refused"
