"""Passkeys: what an authenticator proves, what it does not, and who may change them."""

import asyncio

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.demo.authenticator import PRESENT, VERIFIED, cose_key
from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from auth.login.passkeys.ceremonies import Ceremonies, CeremonyFailed, counter_moved_on, unverified_challenge
from auth.login.passkeys.models import Assertion, AssertionResponse
from tests.auth.authenticator import Liar, Lies, tampered
from tests.auth.login.wallets import NewPhone, Wallet
from tests.auth.phones import ISSUER, Key, Phone, slug_of


@pytest.fixture
async def wallet(phone: Phone) -> Wallet:
    """A known person with one passkey, signed in by a code."""
    await phone.become_known()
    made = Wallet(phone)
    answer = await made.enrol()
    assert answer.status_code == 201, answer.text
    return made


async def test_passkey_signs_its_holder_in_at_the_highest_levels(wallet: Wallet) -> None:
    person_id = wallet.phone.tokens["person"]["id"]
    answer = (await wallet.sign_in()).json()
    assert answer["person"]["id"] == person_id
    assert answer["person"]["identity_level"] == 2
    wallet.phone.tokens = answer
    me = (await wallet.phone.get("/v1/me")).json()
    assert (me["ial"], me["aal"]) == (2, 3)


async def test_verified_user_fades_in_the_same_token_and_in_the_next(wallet: Wallet, clock: ManualClock) -> None:
    await wallet.signed_in()
    clock.advance(299)
    assert (await wallet.phone.get("/v1/me")).json()["aal"] == 3
    clock.advance(2)
    assert (await wallet.phone.get("/v1/me")).json()["aal"] == 2
    await wallet.phone.renew()
    assert (await wallet.phone.get("/v1/me")).json()["aal"] == 2


async def test_challenges_name_nobody(wallet: Wallet) -> None:
    options = await wallet.ask()
    assert options["allowCredentials"] == []
    assert (options["userVerification"], options["rpId"]) == ("required", "city.test")


LIES: dict[str, Lies] = {
    "a look-alike's origin": Lies(origin="http://city.test.example"),
    "a sibling's origin": Lies(origin="http://apps.city.test"),
    "another scheme": Lies(origin="https://city.test"),
    "another relying party": Lies(rp_id="city.example"),
    "user not verified": Lies(flags=PRESENT),
    "user not present": Lies(flags=VERIFIED),
    "a registration": Lies(type="webauthn.create"),
    "framed by another": Lies(cross_origin=True),
    "a challenge of our making that never was": Lies(challenge="A" * 43),
    "no challenge": Lies(challenge="!"),
    "another user": Lies(user_handle="A" * 43),
    "another key": Lies(key=Key().private),
    "a counter that stands": Lies(count=0),
}


@pytest.mark.parametrize("lies", LIES.values(), ids=LIES.keys())
async def test_untrue_assertion_opens_nothing(wallet: Wallet, lies: Lies) -> None:
    await wallet.signed_in()
    refused = await wallet.sign_in(lies)
    assert (refused.status_code, slug_of(refused)) == (401, "passkey-refused")


async def test_every_refusal_is_the_same_to_the_caller(wallet: Wallet) -> None:
    unknown = wallet.authenticator.get(await wallet.ask())
    unknown["id"] = unknown["rawId"] = "A" * 43
    wrong = await wallet.sign_in(Lies(flags=PRESENT))
    assert (await wallet.show(unknown)).text == wrong.text


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature"])
async def test_changed_part_opens_nothing(wallet: Wallet, part: str) -> None:
    credential = wallet.authenticator.get(await wallet.ask())
    credential["response"][part] = tampered(credential["response"][part])
    assert slug_of(await wallet.show(credential)) == "passkey-refused"


async def test_challenge_is_used_up_by_the_first_answer_right_or_wrong(wallet: Wallet) -> None:
    options = await wallet.ask()
    assert (await wallet.show(wallet.authenticator.get(options))).status_code == 200
    assert slug_of(await wallet.show(wallet.authenticator.get(options))) == "passkey-refused"
    options = await wallet.ask()
    assert slug_of(await wallet.show(wallet.authenticator.tell(Lies(flags=PRESENT)).get(options))) == "passkey-refused"
    assert slug_of(await wallet.show(wallet.authenticator.tell(None).get(options))) == "passkey-refused"


async def test_challenge_ends_after_five_minutes(wallet: Wallet, clock: ManualClock) -> None:
    options = await wallet.ask()
    clock.advance(300)
    assert slug_of(await wallet.show(wallet.authenticator.get(options))) == "passkey-refused"


async def test_challenge_for_one_thing_is_none_for_another(wallet: Wallet) -> None:
    step_up = (await wallet.post("/v1/login/step-up/challenges")).json()["public_key"]
    assert slug_of(await wallet.show(wallet.authenticator.get(step_up))) == "passkey-refused"
    enrolment = (await wallet.step_up_by_passkey()).json()["access_token"]
    made = (await wallet.post("/v1/me/passkeys/challenges", token=enrolment)).json()["public_key"]
    assert slug_of(await wallet.show(wallet.authenticator.get(made))) == "passkey-refused"


async def test_fallen_counter_is_refused_and_told(wallet: Wallet, connection: Connection) -> None:
    await wallet.signed_in()
    wallet.authenticator.credentials[-1].count = 0
    assert slug_of(await wallet.sign_in()) == "passkey-refused"
    kinds = [item["kind"] for item in (await wallet.phone.get("/v1/me/messages")).json()["items"]]
    assert "passkey_suspected" in kinds
    assert await connection.fetchval("select count(*) from kit.audit_entry where action = 'passkey.counter_fell'") == 1
    assert (await wallet.sign_in()).status_code == 200


async def test_authenticator_that_never_counts_is_fine(phone: Phone) -> None:
    await phone.become_known()
    wallet = Wallet(phone)
    wallet.authenticator = Liar(counts=False)
    await wallet.enrol()
    assert [(await wallet.sign_in()).status_code for _ in range(2)] == [200, 200]


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_counter_may_only_grow_or_never_begin(stored: int, seen: int) -> None:
    assert counter_moved_on(stored, seen) == (seen > stored or (stored, seen) == (0, 0))


async def test_removed_passkey_opens_nothing(wallet: Wallet) -> None:
    await wallet.signed_in()
    (passkey,) = (await wallet.phone.get("/v1/me/passkeys")).json()["items"]
    removed = await wallet.client.delete(f"/v1/me/passkeys/{passkey['id']}", headers=wallet.phone.headers)
    assert removed.status_code == 200
    assert slug_of(await wallet.sign_in()) == "passkey-refused"
    again = await wallet.client.delete(f"/v1/me/passkeys/{passkey['id']}", headers=wallet.phone.headers)
    assert slug_of(again) == "passkey-unknown"


async def test_passkey_is_listed_renamed_and_told(wallet: Wallet, connection: Connection) -> None:
    await wallet.signed_in()
    (passkey,) = (await wallet.phone.get("/v1/me/passkeys")).json()["items"]
    assert (passkey["name"], passkey["synced"]) == ("钥匙", False)
    assert passkey["last_used_at"] is not None
    path = f"/v1/me/passkeys/{passkey['id']}"
    renamed = await wallet.client.patch(path, json={"name": "手机"}, headers=wallet.phone.headers)
    assert renamed.json()["name"] == "手机"
    kinds = {item["kind"] for item in (await wallet.phone.get("/v1/me/messages")).json()["items"]}
    assert "passkey_enrolled" in kinds
    stored = await connection.fetchval("select string_agg(t::text, '') from auth.passkey t")
    assert "手机".encode().hex() not in stored


async def test_anothers_passkey_can_be_neither_renamed_nor_removed(wallet: Wallet, new_phone: NewPhone) -> None:
    (passkey,) = (await wallet.phone.get("/v1/me/passkeys")).json()["items"]
    stranger = new_phone("19900000002")
    await stranger.sign_in()
    path = f"/v1/me/passkeys/{passkey['id']}"
    answers = [
        await wallet.client.delete(path, headers=stranger.headers),
        await wallet.client.patch(path, json={"name": "x"}, headers=stranger.headers),
    ]
    assert [(answer.status_code, slug_of(answer)) for answer in answers] == [(404, "passkey-unknown")] * 2
    assert (await wallet.sign_in()).status_code == 200


@pytest.mark.parametrize(
    "lies",
    [
        Lies(flags=PRESENT),
        Lies(origin="http://evil.test"),
        Lies(rp_id="evil.test"),
        Lies(challenge="A" * 43),
        Lies(type="webauthn.get"),
        Lies(cross_origin=True),
    ],
)
async def test_untrue_attestation_is_not_enrolled(phone: Phone, lies: Lies) -> None:
    await phone.become_known()
    wallet = Wallet(phone)
    refused = await wallet.enrol(lies)
    assert (refused.status_code, slug_of(refused)) == (400, "passkey-invalid")
    assert (await phone.get("/v1/me/passkeys")).json()["items"] == []


async def test_enrolment_belongs_to_the_session_that_asked(wallet: Wallet, new_phone: NewPhone) -> None:
    stranger = new_phone("19900000002")
    await stranger.sign_in()
    thief = Wallet(stranger)
    options = (await thief.post("/v1/me/passkeys/challenges")).json()["public_key"]
    token = await token_of(wallet)
    body = {"name": "x", "credential": wallet.authenticator.create(options)}
    refused = await wallet.post("/v1/me/passkeys", body, token=token)
    assert slug_of(refused) == "passkey-invalid"


async def token_of(wallet: Wallet) -> str:
    return str((await wallet.step_up_by_passkey()).json()["access_token"])


async def test_second_passkey_wants_the_first(wallet: Wallet) -> None:
    refused = await wallet.enrol()
    assert (refused.status_code, slug_of(refused)) == (403, "step-up-required")
    assert refused.json()["acr_values"].split()[0] == "ial1.aal2"
    assert refused.json()["max_age"] == 300
    assert (await wallet.enrol(token=await token_of(wallet))).status_code == 201


async def test_same_credential_is_enrolled_once(wallet: Wallet) -> None:
    token = await token_of(wallet)
    options = (await wallet.post("/v1/me/passkeys/challenges", token=token)).json()["public_key"]
    assert [one["type"] for one in options["excludeCredentials"]] == ["public-key"]
    credential = wallet.authenticator.create(options)
    body = {"name": "x", "credential": credential}
    assert (await wallet.post("/v1/me/passkeys", body, token=token)).status_code == 201
    assert slug_of(await wallet.post("/v1/me/passkeys", body, token=token)) == "passkey-invalid"


async def test_sign_in_that_is_old_enrols_nothing(phone: Phone, clock: ManualClock) -> None:
    await phone.become_known()
    clock.advance(301)
    assert slug_of(await Wallet(phone).enrol()) == "step-up-required"


async def test_recycled_number_neither_enrols_nor_reads_the_names(wallet: Wallet, new_phone: NewPhone) -> None:
    heir = new_phone(wallet.phone.number)
    await heir.sign_in()
    assert slug_of(await Wallet(heir).enrol()) == "step-up-required"
    (passkey,) = (await heir.get("/v1/me/passkeys")).json()["items"]
    assert passkey["name"] is None


async def test_name_and_number_do_not_get_around_a_passkey(wallet: Wallet, new_phone: NewPhone) -> None:
    heir = new_phone(wallet.phone.number)
    await heir.sign_in()
    assert slug_of(await heir.tell_name()) == "confirm-on-enrolled-device"


async def test_passkey_reported_lost_guards_until_the_wait_is_over(
    wallet: Wallet, new_phone: NewPhone, clock: ManualClock
) -> None:
    other = new_phone(wallet.phone.number)
    await other.sign_in()
    (passkey,) = (await other.get("/v1/me/passkeys")).json()["items"]
    path = f"/v1/me/passkeys/{passkey['id']}"
    assert (await wallet.client.delete(path, headers=other.headers)).status_code == 200
    assert slug_of(await wallet.sign_in()) == "passkey-refused"
    assert slug_of(await other.tell_name()) == "confirm-on-enrolled-device"
    clock.advance(86_401)
    await other.sign_in()
    assert slug_of(await other.tell_name()) == "recovery-waits"


@pytest.mark.parametrize(
    ("status", "slug"),
    [("frozen", "account-frozen"), ("deceased", "passkey-refused"), ("closed", "passkey-refused")],
)
async def test_passkey_of_an_account_that_is_not_active_opens_nothing(
    wallet: Wallet, connection: Connection, status: str, slug: str
) -> None:
    await connection.execute("update auth.person set status = $1", status)
    assert slug_of(await wallet.sign_in()) == slug


async def test_wrong_assertions_count_against_their_address(wallet: Wallet, connection: Connection) -> None:
    for _ in range(3):
        await wallet.sign_in(Lies(flags=PRESENT))
    counted = await connection.fetchval("select attempts from auth.attempt where kind = 'wrong_address'")
    assert counted == 3


async def test_one_challenge_answered_ten_times_at_once_opens_once(
    race_client: httpx.AsyncClient, race_floor: Floor
) -> None:
    phone = Phone(race_client, race_floor.outbox.deliver_due, number="19900000009")
    await phone.sign_in()
    wallet = Wallet(phone)
    assert (await wallet.enrol()).status_code == 201
    options = await wallet.ask()
    answers = await asyncio.gather(*(wallet.show(wallet.authenticator.get(options)) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9


CEREMONIES = Ceremonies(ISSUER, brand="城")
HOSTILE = st.one_of(st.binary(max_size=400).map(lambda data: data.hex()), st.text(max_size=200))


@given(client_data=HOSTILE, data=HOSTILE, signature=HOSTILE, handle=st.none() | HOSTILE)
def test_whatever_an_assertion_holds_it_fails_by_name(
    client_data: str, data: str, signature: str, handle: str | None
) -> None:
    response = AssertionResponse(
        client_data_json=client_data, authenticator_data=data, signature=signature, user_handle=handle
    )
    answer = Assertion(id="AA", raw_id="AA", type="public-key", response=response)
    with pytest.raises(CeremonyFailed):
        unverified_challenge(client_data)
    with pytest.raises(CeremonyFailed):
        CEREMONIES.verify_used(answer, b"x" * 32, public_key=cose_key(Key().private))
