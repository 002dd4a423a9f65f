"""Step-up: what each proof raises, for how long, and that nobody else is raised by it."""

from datetime import datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.demo.registries import RESPONSIBLE, RESTAURANT
from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.ids import new_id
from auth.assurance import acr_of, acr_values, faded_aal, find_shortfall, levels_of
from auth.principal import Principal
from auth.wiring import AuthServices
from tests.auth.authenticator import Lies
from tests.auth.login.wallets import NewPhone, Wallet, step_up_proof
from tests.auth.officials.test_officials import Staff, make_account
from tests.auth.phones import ISSUER, Key, Phone, slug_of


@pytest.fixture
def key() -> Key:
    return Key()


@pytest.fixture
async def wallet(phone: Phone, key: Key, clock: ManualClock) -> Wallet:
    """A known person with an enrolled device and a passkey, in a plain session that is an hour old."""
    await phone.become_known()
    made = Wallet(phone)
    assert (await made.enrol()).status_code == 201
    assert (await phone.enroll(key)).json()["state"] == "active"
    clock.advance(3600)
    await phone.renew()
    return made


async def levels(wallet: Wallet, answer: httpx.Response) -> tuple[int, int]:
    me = await wallet.raised(answer)
    return me["ial"], me["aal"]


async def test_each_proof_raises_as_far_as_it_goes(wallet: Wallet, key: Key) -> None:
    assert await levels(wallet, await wallet.step_up_by_code()) == (2, 1)
    assert await levels(wallet, await wallet.step_up_by_device(key)) == (2, 2)
    assert await levels(wallet, await wallet.step_up_by_passkey()) == (2, 3)


async def test_own_session_stays_as_it_was(wallet: Wallet) -> None:
    """So that a copy of its token in other hands gains nothing."""
    before = (await wallet.phone.get("/v1/me")).json()
    raised = await wallet.raised(await wallet.step_up_by_passkey())
    after = (await wallet.phone.get("/v1/me")).json()
    assert before == after
    assert raised["session_id"] != after["session_id"]
    await wallet.phone.renew()
    assert (await wallet.phone.get("/v1/me")).json()["aal"] == 1


async def test_raised_session_ends_by_itself_and_cannot_be_prolonged(wallet: Wallet, clock: ManualClock) -> None:
    answer = (await wallet.step_up_by_passkey()).json()
    assert answer["expires_in"] == 300
    clock.advance(299)
    again = await wallet.phone.refresh(answer["refresh_token"])
    assert again.status_code == 200
    clock.advance(2)
    assert (await wallet.phone.refresh(again.json()["refresh_token"])).json()["error"] == "invalid_grant"
    headers = {"Authorization": f"Bearer {again.json()['access_token']}"}
    assert (await wallet.client.get("/v1/me", headers=headers)).status_code == 401


async def test_raised_session_ends_with_the_one_it_began_in(wallet: Wallet, auth: AuthServices) -> None:
    raised = (await wallet.step_up_by_passkey()).json()
    session_id = (await wallet.phone.get("/v1/me")).json()["session_id"]
    await wallet.client.delete(f"/v1/me/sessions/{session_id}", headers=wallet.phone.headers)
    await auth.revoked_sessions.refresh()
    headers = {"Authorization": f"Bearer {raised['access_token']}"}
    assert (await wallet.client.get("/v1/me", headers=headers)).status_code == 401
    assert (await wallet.phone.refresh(raised["refresh_token"])).json()["error"] == "invalid_grant"


async def test_step_up_in_a_raised_session_hangs_on_the_first(wallet: Wallet, connection: Connection) -> None:
    raised = (await wallet.step_up_by_code()).json()["access_token"]
    again = await wallet.raised(await wallet.step_up_by_passkey(token=raised))
    base = (await wallet.phone.get("/v1/me")).json()["session_id"]
    parent = await connection.fetchval("select parent_id from auth.session where id = $1", again["session_id"])
    assert str(parent) == base


async def test_step_up_after_sign_out_raises_nothing(wallet: Wallet, auth: AuthServices) -> None:
    asked = (await wallet.post("/v1/login/step-up/challenges")).json()["public_key"]
    await wallet.client.delete("/v1/me/sessions", headers=wallet.phone.headers)
    auth.revoked_sessions._revoked.clear()
    body = {"credential": wallet.authenticator.get(asked)}
    assert (await wallet.post("/v1/login/step-up/passkey/tokens", body)).status_code == 401


@pytest.mark.parametrize(
    "lies", [Lies(flags=1), Lies(origin="http://evil.test"), Lies(challenge="A" * 43), Lies(key=Key().private)]
)
async def test_untrue_passkey_raises_nothing(wallet: Wallet, lies: Lies) -> None:
    assert slug_of(await wallet.step_up_by_passkey(lies)) == "passkey-refused"


async def test_anothers_passkey_raises_nothing(wallet: Wallet, new_phone: NewPhone) -> None:
    stranger = new_phone("19900000002")
    await stranger.sign_in()
    thief = Wallet(stranger)
    assert (await thief.enrol()).status_code == 201
    thief.phone = wallet.phone  # a stolen session, and the thief's own passkey
    assert slug_of(await thief.step_up_by_passkey()) == "passkey-refused"


async def test_challenge_of_one_session_is_none_for_another(wallet: Wallet, new_phone: NewPhone, key: Key) -> None:
    asked = (await wallet.post("/v1/login/step-up/challenges")).json()["public_key"]
    other = Wallet(new_phone(wallet.phone.number))
    await other.phone.sign_in()
    body = {"credential": wallet.authenticator.get(asked)}
    assert slug_of(await other.post("/v1/login/step-up/passkey/tokens", body)) == "passkey-refused"
    proof = step_up_proof(key, {"nonce": asked["challenge"], "aud": ISSUER})
    assert slug_of(await other.post("/v1/login/step-up/device/tokens", {"proof": proof})) == "device-refused"


async def test_device_proof_counts_once(wallet: Wallet, key: Key) -> None:
    asked = (await wallet.post("/v1/login/step-up/challenges")).json()["public_key"]
    body = {"proof": step_up_proof(key, {"nonce": asked["challenge"], "aud": ISSUER})}
    assert (await wallet.post("/v1/login/step-up/device/tokens", body)).status_code == 200
    assert slug_of(await wallet.post("/v1/login/step-up/device/tokens", body)) == "device-refused"


@pytest.mark.parametrize("changes", [{"aud": "http://evil.test"}, {"nonce": "A" * 43}, {"nonce": "!"}, {"nonce": ""}])
async def test_device_proof_about_something_else_raises_nothing(
    wallet: Wallet, key: Key, changes: dict[str, str]
) -> None:
    assert slug_of(await wallet.step_up_by_device(key, **changes)) == "device-refused"


async def test_device_that_is_not_enrolled_waits_or_ended_raises_nothing(wallet: Wallet, key: Key) -> None:
    assert slug_of(await wallet.step_up_by_device(Key())) == "device-refused"
    token = (await wallet.step_up_by_passkey()).json()["access_token"]
    waiting, headers = Key(), {"Authorization": f"Bearer {token}"}
    challenge = (await wallet.client.post("/v1/me/devices/challenges", headers=headers)).json()
    body = {"name": "二号", "public_key": waiting.jwk, "proof": waiting.device_proof(challenge["nonce"])}
    enrolled = await wallet.client.post("/v1/me/devices", json=body, headers=headers)
    assert enrolled.json()["state"] == "waiting"
    assert slug_of(await wallet.step_up_by_device(waiting)) == "device-refused"
    devices = (await wallet.phone.get("/v1/me/devices")).json()["items"]
    await wallet.client.delete(f"/v1/me/devices/{devices[0]['id']}", headers=headers)
    assert slug_of(await wallet.step_up_by_device(key)) == "device-refused"


@pytest.mark.parametrize("typ", ["device-proof+jwt", "dpop+jwt", "JWT"])
async def test_proof_made_for_something_else_raises_nothing(wallet: Wallet, key: Key, typ: str) -> None:
    asked = (await wallet.post("/v1/login/step-up/challenges")).json()["public_key"]
    proof = step_up_proof(key, {"nonce": asked["challenge"], "aud": ISSUER}, typ=typ)
    assert slug_of(await wallet.post("/v1/login/step-up/device/tokens", {"proof": proof})) == "device-refused"


async def test_code_for_a_step_up_signs_nobody_in_and_the_other_way_round(wallet: Wallet) -> None:
    asked = await wallet.post("/v1/login/step-up/otp/challenges")
    code = await wallet.phone.read_code()
    assert slug_of(await wallet.phone.show_code(asked.json()["challenge_id"], code)) == "otp-refused"
    challenge_id = await wallet.phone.ask_for_code()
    body = {"challenge_id": challenge_id, "code": await wallet.phone.read_code()}
    assert slug_of(await wallet.post("/v1/login/step-up/otp/tokens", body)) == "otp-refused"


async def test_code_is_bound_to_the_session_that_asked(wallet: Wallet, new_phone: NewPhone) -> None:
    asked = await wallet.post("/v1/login/step-up/otp/challenges")
    code = await wallet.phone.read_code()
    other = Wallet(new_phone("19900000002"))
    await other.phone.sign_in()
    body = {"challenge_id": asked.json()["challenge_id"], "code": code}
    assert slug_of(await other.post("/v1/login/step-up/otp/tokens", body)) == "otp-refused"


async def test_guesses_at_a_step_up_lock_the_sign_in_too(wallet: Wallet, clock: ManualClock) -> None:
    """One count for a phone over all ways in."""
    for _ in range(4):
        asked = (await wallet.post("/v1/login/step-up/otp/challenges")).json()["challenge_id"]
        for _ in range(5):
            body = {"challenge_id": asked, "code": "xxxxxx"}
            await wallet.post("/v1/login/step-up/otp/tokens", body)
    clock.advance(601)
    challenge_id = await wallet.phone.ask_for_code()
    locked = await wallet.phone.show_code(challenge_id, await wallet.phone.read_code())
    assert (locked.status_code, slug_of(locked)) == (429, "rate-limited")


async def test_code_on_a_recycled_number_proves_no_more_than_the_session_knew(
    wallet: Wallet, new_phone: NewPhone
) -> None:
    heir = Wallet(new_phone(wallet.phone.number))
    await heir.phone.sign_in()
    assert await levels(heir, await heir.step_up_by_code()) == (1, 1)
    token = (await heir.step_up_by_code()).json()["access_token"]
    assert slug_of(await heir.enrol(token=token)) == "step-up-required"


async def test_codes_do_not_prolong_what_a_key_added(wallet: Wallet, key: Key, new_phone: NewPhone) -> None:
    """A device shown once and codes ever after: it would be a device no more."""
    heir = Wallet(new_phone(wallet.phone.number))
    await heir.phone.sign_in()
    raised = await heir.step_up_by_device(key)
    assert await levels(heir, raised) == (2, 2)
    again = await heir.step_up_by_code(token=raised.json()["access_token"])
    assert await levels(heir, again) == (1, 1)
    assert slug_of(await heir.enrol(token=again.json()["access_token"])) == "step-up-required"


async def test_passkey_lifts_a_session_that_a_recycled_number_opened(wallet: Wallet, new_phone: NewPhone) -> None:
    """The owner on a new device: the passkey is the second proof that the number is not."""
    owner = Wallet(new_phone(wallet.phone.number))
    owner.authenticator = wallet.authenticator
    await owner.phone.sign_in()
    assert await levels(owner, await owner.step_up_by_passkey()) == (2, 3)


async def test_agent_stays_the_agent_of_the_same_company(wallet: Wallet, key: Key, new_phone: NewPhone) -> None:
    boss = Wallet(new_phone("19900000003"))
    await boss.phone.become_known(RESPONSIBLE)
    assert (await boss.enrol()).status_code == 201
    body = {"credit_code": RESTAURANT.credit_code}
    claimed = (await boss.post("/v1/organizations", body)).json()
    switched = (await boss.post(f"/v1/organizations/{claimed['id']}/session")).json()["access_token"]
    raised = await boss.step_up_by_passkey(token=switched)
    me = await boss.raised(raised)
    assert (me["subject_type"], me["subject_id"], me["aal"]) == ("organization", claimed["id"], 3)
    assert me["agent_id"] == boss.phone.tokens["person"]["id"]
    token = raised.json()["access_token"]
    assert slug_of(await boss.enrol(token=token)) == "wrong-subject"


async def test_staff_step_up_by_code_of_their_authenticator(
    client: httpx.AsyncClient, clock: ManualClock, auth: AuthServices, connection: Connection
) -> None:
    staff = await Staff(client, clock, await make_account(auth, connection, "reviewer")).sign_in()
    clock.advance(400)
    body = {"totp": staff.code()}
    answer = await staff.call("POST", "/v1/login/step-up/totp/tokens", body)
    assert answer.status_code == 200, answer.text
    assert slug_of(await staff.call("POST", "/v1/login/step-up/totp/tokens", body)) == "totp-refused"
    staff.token = answer.json()["access_token"]
    me = (await staff.call("GET", "/v1/me")).json()
    assert (me["subject_type"], me["roles"], me["aal"]) == ("official", ["reviewer"], 2)


async def test_guesses_at_staffs_codes_are_limited(
    client: httpx.AsyncClient, clock: ManualClock, auth: AuthServices, connection: Connection
) -> None:
    staff = await Staff(client, clock, await make_account(auth, connection, "reviewer")).sign_in()
    answers = [await staff.call("POST", "/v1/login/step-up/totp/tokens", {"totp": "000000"}) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [401] * 20 + [429]


async def test_citizen_has_no_staff_way_and_staff_no_citizens(phone: Phone) -> None:
    await phone.sign_in()
    answer = await Wallet(phone).post("/v1/login/step-up/totp/tokens", {"totp": "000000"})
    assert slug_of(answer) == "wrong-subject"


# The rules alone.

NOW = datetime.fromisoformat("2026-11-22T12:00:00+00:00")
LEVELS = st.integers(1, 3)


def principal(ial: int, aal: int, age_seconds: int) -> Principal:
    return Principal(
        subject_type="person",
        subject_id=new_id(),
        session_id=new_id(),
        client_id="citizen-app",
        authenticated_at=NOW - timedelta(seconds=age_seconds),
        ial=ial,
        aal=aal,
    )


@given(LEVELS, LEVELS)
def test_acr_is_read_as_it_is_written(ial: int, aal: int) -> None:
    assert levels_of(acr_of(ial, aal)) == (ial, aal)


@pytest.mark.parametrize("text", ["", "ial4.aal1", "ial1.aal0", "ial1.aal1 ", "IAL1.AAL1", "ial1aal1", "ial１.aal1"])
def test_acr_of_others_is_none_of_ours(text: str) -> None:
    assert levels_of(text) is None


@given(LEVELS, st.integers(0, 10_000))
def test_only_the_verified_user_fades_and_only_to_the_key(aal: int, age: int) -> None:
    left = faded_aal(aal, authenticated_at=NOW - timedelta(seconds=age), now=NOW)
    assert left == (2 if aal == 3 and age > 300 else aal)


@given(st.tuples(LEVELS, LEVELS), st.integers(0, 1000), st.tuples(LEVELS, LEVELS), st.integers(1, 1000))
def test_shortfall_is_what_is_missing_and_nothing_else(
    has: tuple[int, int], age: int, needs: tuple[int, int], within: int
) -> None:
    (ial, aal), (need_ial, need_aal) = has, needs
    caller = principal(ial, aal, age)
    refusal = find_shortfall(caller, aal=need_aal, within_seconds=within, now=NOW, ial=need_ial)
    present = faded_aal(aal, authenticated_at=caller.authenticated_at, now=NOW)
    assert (refusal is None) == (ial >= need_ial and present >= need_aal and age <= within)
    if refusal is not None:
        wanted = acr_values(ial=need_ial, aal=need_aal)
        assert refusal.extensions == {"acr_values": wanted, "max_age": within}
        assert all(i >= need_ial and a >= need_aal for i, a in map(must_read, wanted.split()))


def must_read(acr: str) -> tuple[int, int]:
    found = levels_of(acr)
    assert found
    return found
