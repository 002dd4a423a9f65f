"""Refresh tokens: each is good once, a copy ends the family, a lost answer can be repeated by the same key alone."""

import asyncio
from collections import Counter

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.ids import new_id
from app.kit.vault import Vault
from auth.sessions.refresh_tokens import RefreshTokens
from auth.wiring import AuthServices
from tests.auth.phones import Key, Phone


def oauth_error(response: httpx.Response) -> str:
    assert response.status_code == 400, response.text
    assert response.headers["cache-control"] == "no-store"
    assert response.json().keys() == {"error", "error_description"}
    return str(response.json()["error"])


async def test_refresh_rotates(phone: Phone) -> None:
    first = dict(await phone.sign_in())
    response = await phone.refresh()
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    second = response.json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second.keys() == {"access_token", "refresh_token", "token_type", "expires_in", "scope"}
    assert (await phone.refresh(second["refresh_token"])).status_code == 200


async def test_reuse_ends_the_family_and_is_remembered(phone: Phone, connection: Connection) -> None:
    first = dict(await phone.sign_in())
    second = (await phone.refresh()).json()
    assert oauth_error(await phone.refresh(first["refresh_token"])) == "invalid_grant"
    assert oauth_error(await phone.refresh(second["refresh_token"])) == "invalid_grant"
    row = await connection.fetchrow("select revoked_reason from auth.session")
    assert row is not None
    assert row["revoked_reason"] == "refresh_reuse"
    ends = "select count(*) from kit.audit_entry where action = 'session.ended'"
    assert await connection.fetchval(ends) == 1


async def test_reuse_ends_this_family_only(phone: Phone) -> None:
    first, other = dict(await phone.sign_in()), dict(await phone.sign_in())
    await phone.refresh(first["refresh_token"])
    assert oauth_error(await phone.refresh(first["refresh_token"])) == "invalid_grant"
    assert (await phone.refresh(other["refresh_token"])).status_code == 200


async def test_token_that_is_not_the_stored_one_is_refused(phone: Phone, connection: Connection) -> None:
    await phone.sign_in()
    await connection.execute("update auth.session set refresh_hash = sha256('another')")
    assert oauth_error(await phone.refresh()) == "invalid_grant"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"refresh_token": "x"}, "invalid_request"),
        ({"grant_type": "password", "refresh_token": "x"}, "unsupported_grant_type"),
        ({"grant_type": "implicit", "code": "x"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "A" * 70}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "é" * 70}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "\x00"}, "invalid_request"),
    ],
)
async def test_form_out_of_order_is_refused_in_oauth_words(
    client: httpx.AsyncClient, form: dict[str, str], error: str
) -> None:
    assert oauth_error(await client.post("/oauth/token", data=form)) == error


async def test_repeated_parameter_json_and_bad_utf8_are_refused(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    twice = b"grant_type=refresh_token&grant_type=refresh_token&refresh_token=x"
    assert oauth_error(await client.post("/oauth/token", content=twice, headers=headers)) == "invalid_request"
    assert oauth_error(await client.post("/oauth/token", content=b"\xff=1", headers=headers)) == "invalid_request"
    many = b"&".join(b"a%d=1" % number for number in range(50))
    assert oauth_error(await client.post("/oauth/token", content=many, headers=headers)) == "invalid_request"
    assert oauth_error(await client.post("/oauth/token", json={"grant_type": "refresh_token"})) == "invalid_request"


async def test_other_client_is_refused_and_nothing_is_lost(phone: Phone) -> None:
    await phone.sign_in()
    assert oauth_error(await phone.refresh(client_id="staff-console")) == "invalid_grant"
    assert (await phone.refresh(client_id="citizen-app")).status_code == 200


async def test_idle_session_is_over(phone: Phone, clock: ManualClock) -> None:
    await phone.sign_in()
    clock.advance(30 * 86_400)
    assert oauth_error(await phone.refresh()) == "invalid_grant"


async def test_session_in_use_ends_at_its_absolute_age(phone: Phone, clock: ManualClock) -> None:
    await phone.sign_in()
    for _ in range(6):
        clock.advance(29 * 86_400)
        await phone.renew()
    clock.advance(6 * 86_400)
    assert oauth_error(await phone.refresh()) == "invalid_grant"


async def test_access_token_dies_with_its_family(phone: Phone, auth: AuthServices) -> None:
    first = dict(await phone.sign_in())
    phone.tokens = (await phone.refresh()).json()
    assert (await phone.get("/v1/me")).status_code == 200
    await phone.refresh(first["refresh_token"])
    await auth.revoked_sessions.refresh()
    assert (await phone.get("/v1/me")).status_code == 401


class TestWithKey:
    """A session with a DPoP key may repeat a refresh whose answer was lost."""

    @pytest.fixture
    def key(self) -> Key:
        return Key()

    @pytest.fixture
    async def bound(self, phone: Phone, key: Key, clock: ManualClock) -> Phone:
        await phone.sign_in(dpop=key.dpop("POST", "/v1/login/otp/tokens", clock.now()))
        return phone

    async def refresh(self, phone: Phone, key: Key, clock: ManualClock, token: str | None = None) -> httpx.Response:
        return await phone.refresh(token, dpop=key.dpop("POST", "/oauth/token", clock.now()))

    async def test_lost_answer_gives_the_same_successor(self, bound: Phone, key: Key, clock: ManualClock) -> None:
        first = (await self.refresh(bound, key, clock)).json()
        clock.advance(30)
        again = (await self.refresh(bound, key, clock)).json()
        assert first["refresh_token"] == again["refresh_token"]
        assert first["token_type"] == "DPoP"
        assert (await self.refresh(bound, key, clock, first["refresh_token"])).status_code == 200

    async def test_after_the_grace_it_is_reuse(self, bound: Phone, key: Key, clock: ManualClock) -> None:
        first = (await self.refresh(bound, key, clock)).json()
        clock.advance(31)
        assert oauth_error(await self.refresh(bound, key, clock)) == "invalid_grant"
        assert oauth_error(await self.refresh(bound, key, clock, first["refresh_token"])) == "invalid_grant"

    async def test_once_the_successor_was_used_it_is_reuse(self, bound: Phone, key: Key, clock: ManualClock) -> None:
        first = (await self.refresh(bound, key, clock)).json()
        second = (await self.refresh(bound, key, clock, first["refresh_token"])).json()
        assert oauth_error(await self.refresh(bound, key, clock)) == "invalid_grant"
        assert oauth_error(await self.refresh(bound, key, clock, second["refresh_token"])) == "invalid_grant"

    async def test_another_key_or_none_gets_nothing_and_ends_nothing(
        self, bound: Phone, key: Key, clock: ManualClock
    ) -> None:
        assert oauth_error(await self.refresh(bound, Key(), clock)) == "invalid_grant"
        assert oauth_error(await bound.refresh()) == "invalid_grant"
        assert (await self.refresh(bound, key, clock)).status_code == 200
        assert oauth_error(await self.refresh(bound, Key(), clock)) == "invalid_grant"
        assert (await self.refresh(bound, key, clock)).status_code == 200

    async def test_broken_proof_is_named(self, bound: Phone, key: Key, clock: ManualClock) -> None:
        wrong = key.dpop("GET", "/oauth/token", clock.now())
        assert oauth_error(await bound.refresh(dpop=wrong)) == "invalid_dpop_proof"


async def test_fifty_parallel_refreshes_without_a_key_give_one_success(
    race_client: httpx.AsyncClient, race_floor: Floor
) -> None:
    phone = Phone(race_client, race_floor.outbox.deliver_due, number="19900000001")
    await phone.sign_in()
    answers = await asyncio.gather(*(phone.refresh() for _ in range(50)))
    counts = Counter(answer.status_code for answer in answers)
    assert counts[200] == 1
    assert counts[400] == 49


async def test_fifty_parallel_refreshes_with_a_key_give_one_successor(
    race_client: httpx.AsyncClient, race_floor: Floor, clock: ManualClock
) -> None:
    key = Key()
    phone = Phone(race_client, race_floor.outbox.deliver_due, number="19900000001")
    await phone.sign_in(dpop=key.dpop("POST", "/v1/login/otp/tokens", clock.now()))
    proofs = [key.dpop("POST", "/oauth/token", clock.now()) for _ in range(50)]
    answers = await asyncio.gather(*(phone.refresh(dpop=proof) for proof in proofs))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


async def test_one_code_shown_thirty_times_at_once_opens_once(
    race_client: httpx.AsyncClient, race_floor: Floor
) -> None:
    phone = Phone(race_client, race_floor.outbox.deliver_due, number="19900000001")
    challenge_id = await phone.ask_for_code()
    code = await phone.read_code()
    answers = await asyncio.gather(*(phone.show_code(challenge_id, code) for _ in range(30)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 29}


async def test_first_sign_ins_at_once_make_one_person(race_client: httpx.AsyncClient, race_floor: Floor) -> None:
    phone = Phone(race_client, race_floor.outbox.deliver_due, number="19900000001")
    shown = []
    for _ in range(8):
        challenge_id = await phone.ask_for_code()
        shown.append((challenge_id, await phone.read_code()))
    answers = await asyncio.gather(*(phone.show_code(*pair) for pair in shown))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["person"]["id"] for answer in answers}) == 1


@given(st.integers(0, 2**32 - 2))
def test_refresh_token_round_trips(generation: int) -> None:
    tokens, session_id = RefreshTokens(Vault(bytes(range(32)))), new_id()
    made = tokens.make(session_id, generation)
    assert tokens.recognise(made.text) == made


@given(st.integers(0, 69), st.characters())
def test_refresh_token_changed_is_not_recognised(place: int, other: str) -> None:
    tokens = RefreshTokens(Vault(bytes(range(32))))
    text = tokens.make(new_id(), 3).text
    changed = text[:place] + other + text[place + 1 :]
    assert (tokens.recognise(changed) is not None) == (changed == text)


def test_refresh_token_of_another_vault_is_not_recognised() -> None:
    text = RefreshTokens(Vault(bytes(range(32)))).make(new_id(), 0).text
    assert RefreshTokens(Vault(bytes(range(1, 33)))).recognise(text) is None
