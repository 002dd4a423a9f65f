"""Attacks on the ways in: guessing across them, learning who has an account, and stopping others at the door."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from auth.officials.passwords import Passwords
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from tests.auth.authenticator import Lies
from tests.auth.conftest import open_client
from tests.auth.login.wallets import NewPhone, Wallet
from tests.auth.officials.test_officials import PASSWORD, Staff, make_account
from tests.auth.phones import Phone, slug_of


@pytest.fixture
async def staff(client: httpx.AsyncClient, clock: ManualClock, auth: AuthServices, connection: Connection) -> Staff:
    return Staff(client, clock, await make_account(auth, connection, "system_admin"))


class StaffWallet(Wallet):
    """A member of staff with a passkey, enrolled after a sign-in by code."""

    def __init__(self, staff: Staff, phone: Phone) -> None:
        super().__init__(phone)
        self.staff = staff

    async def try_both(self, lies: Lies | None = None, **changes: Any) -> httpx.Response:
        credential = self.authenticator.tell(lies).get(await self.ask())
        body = {"username": self.staff.account.username, "password": PASSWORD, "passkey": credential}
        return await self.client.post("/v1/login/password/tokens", json=body | changes)


@pytest.fixture
async def keeper(staff: Staff, phone: Phone) -> StaffWallet:
    await staff.sign_in()
    made = StaffWallet(staff, phone)
    answer = await made.enrol(token=staff.token)
    assert answer.status_code == 201, answer.text
    return made


async def test_staff_come_in_by_password_and_passkey(keeper: StaffWallet) -> None:
    me = await keeper.raised(await keeper.try_both())
    assert (me["subject_type"], me["roles"], me["aal"]) == ("official", ["system_admin"], 3)


async def test_staff_need_both_and_are_not_told_which_was_wrong(keeper: StaffWallet) -> None:
    answers = [
        await keeper.try_both(password="wrong-password-1"),
        await keeper.try_both(Lies(flags=1)),
        await keeper.try_both(username="nobody"),
        await keeper.try_both(passkey=None),
    ]
    assert {answer.text for answer in answers} == {answers[0].text}
    assert {(answer.status_code, slug_of(answer)) for answer in answers} == {(401, "password-refused")}
    assert (await keeper.try_both()).status_code == 200


async def test_staffs_passkey_alone_opens_nothing(keeper: StaffWallet) -> None:
    assert slug_of(await keeper.sign_in()) == "passkey-refused"


async def test_citizens_passkey_is_no_second_factor(keeper: StaffWallet, new_phone: NewPhone) -> None:
    citizen = Wallet(new_phone("19900000002"))
    await citizen.phone.sign_in()
    assert (await citizen.enrol()).status_code == 201
    keeper.authenticator = citizen.authenticator
    assert slug_of(await keeper.try_both()) == "password-refused"


async def test_passkey_of_a_closed_account_opens_nothing(keeper: StaffWallet, connection: Connection) -> None:
    await connection.execute("update auth.official set status = 'disabled'")
    assert slug_of(await keeper.try_both()) == "password-refused"


async def test_challenge_counts_once_for_staff_too(keeper: StaffWallet) -> None:
    credential = keeper.authenticator.get(await keeper.ask())
    body = {"username": keeper.staff.account.username, "password": PASSWORD, "passkey": credential}
    answers = [await keeper.client.post("/v1/login/password/tokens", json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 401]


# Guessing.


async def test_one_address_has_one_count_over_all_ways_in(
    floor: Floor, auth_settings: AuthSettings, connection: Connection, clock: ManualClock
) -> None:
    """Two wrong codes, two wrong passwords, two untrue passkeys: the seventh try of anything is not heard."""
    services = build_auth(floor, replace(auth_settings, otp_wrong_address_limit=6, trusted_proxies=("127.0.0.0/8",)))
    async with open_client(floor, services) as client:
        client.headers["X-Forwarded-For"] = "203.0.113.9"
        staff = Staff(client, clock, await make_account(services, connection, "reviewer"))
        phones = [Phone(client, floor.outbox.deliver_due, number=f"1990000001{n}") for n in range(3)]
        for phone in phones[:2]:
            assert (await phone.show_code(await phone.ask_for_code(), "xxxxxx")).status_code == 401
            assert (await staff.try_to_sign_in(password="wrong-password-1", totp="")).status_code == 401
            answer = await client.post("/v1/login/passkey/tokens", json={"credential": unheard_of()})
            assert answer.status_code == 401
        locked = [
            await phones[2].show_code(await phones[2].ask_for_code(), "xxxxxx"),
            await staff.try_to_sign_in(),
            await client.post("/v1/login/passkey/tokens", json={"credential": unheard_of()}),
        ]
        assert [answer.status_code for answer in locked] == [429, 429, 429]
        client.headers["X-Forwarded-For"] = "203.0.113.10"
        assert (await staff.try_to_sign_in()).status_code == 200
    await services.close()


def unheard_of() -> dict[str, Any]:
    response = {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA"}
    return {"id": "AA", "rawId": "AA", "type": "public-key", "response": response}


async def test_code_guessed_at_by_many_addresses_is_locked_by_its_phone(
    floor: Floor, auth_settings: AuthSettings, clock: ManualClock
) -> None:
    services = build_auth(floor, replace(auth_settings, trusted_proxies=("127.0.0.0/8",)))
    async with open_client(floor, services) as client:
        phone = Phone(client, floor.outbox.deliver_due, number="19900000001")
        statuses = []
        for n in range(25):
            client.headers["X-Forwarded-For"] = f"203.0.113.{n}"
            if n % 5 == 0:
                challenge = await phone.ask_for_code()
            statuses.append((await phone.show_code(challenge, "xxxxxx")).status_code)
    await services.close()
    assert statuses == [401] * 20 + [429] * 5


async def test_guesses_at_staffs_codes_in_parallel_do_not_pass_their_limit(
    *,
    race_client: httpx.AsyncClient,
    race_floor: Floor,
    auth_settings: AuthSettings,
    clock: ManualClock,
) -> None:
    services = build_auth(race_floor, auth_settings)
    async with race_floor.database.transaction() as connection:
        account = await make_account(services, connection, "reviewer")
    await services.close()
    staff = await Staff(race_client, clock, account).sign_in()
    body = {"totp": "xxxxxx"}
    tries = (staff.call("POST", "/v1/login/step-up/totp/tokens", body) for _ in range(40))
    answers = await asyncio.gather(*tries)
    assert Counter(answer.status_code for answer in answers) == {401: 20, 429: 20}


# Learning who has an account.


@contextmanager
def statements(connection: Connection) -> Iterator[list[str]]:
    """The text of every statement, without what was sent with it."""
    seen: list[str] = []

    def note(record: Any) -> None:
        if not record.query.startswith(("SAVEPOINT", "RELEASE")):  # their names count up
            seen.append(record.query)

    connection.add_query_logger(note)
    try:
        yield seen
    finally:
        connection.remove_query_logger(note)


async def test_asking_for_a_code_does_the_same_work_for_every_phone(phone: Phone, connection: Connection) -> None:
    """Time cannot tell what work does not differ in."""
    await phone.become_known()
    work = []
    for path in ("/v1/login/otp/challenges", "/v1/login/otp/disownments/challenges"):
        for number in (phone.number, "19900009999"):
            with statements(connection) as seen:
                answer = await phone.client.post(path, json={"phone": number})
            assert answer.status_code == 202
            work.append(tuple(seen))
    assert len(set(work)) == 1
    assert len(work[0]) > 3


async def test_wrong_code_does_the_same_work_for_every_phone(
    phone: Phone, new_phone: NewPhone, connection: Connection
) -> None:
    await phone.become_known()
    work, bodies = [], []
    for one in (phone, new_phone("19900009999")):
        challenge = await one.ask_for_code()
        with statements(connection) as seen:
            answer = await one.show_code(challenge, "xxxxxx")
        work.append(tuple(seen))
        bodies.append((answer.status_code, answer.text))
    assert len(set(work)) == len(set(bodies)) == 1


async def test_wrong_password_does_the_same_work_for_every_name(staff: Staff, connection: Connection) -> None:
    work, bodies = [], []
    for name in (staff.account.username, "nobody"):
        with statements(connection) as seen:
            answer = await staff.try_to_sign_in(username=name, password="wrong-password-1", totp="000000")
        work.append(tuple(seen))
        bodies.append((answer.status_code, answer.text))
    assert len(set(work)) == len(set(bodies)) == 1


class CountingPasswords(Passwords):
    """Remembers how often a hash was really computed."""

    def __init__(self) -> None:
        super().__init__(threads=1, queue=4)
        self.hashed = 0

    def _matches(self, password_hash: str, password: str) -> bool:
        self.hashed += 1
        return super()._matches(password_hash, password)


async def test_name_that_is_none_costs_a_hash_too() -> None:
    passwords = CountingPasswords()
    kept = await passwords.hash("a long password")
    assert await passwords.verify(kept, "a long password")
    assert not await passwords.verify(None, "a long password")
    assert passwords.hashed == 2
    await passwords.close()


# Standing in the way of others.


async def test_address_that_is_refused_uses_up_nothing_of_others_phones(
    floor: Floor, auth_settings: AuthSettings
) -> None:
    services = build_auth(floor, replace(auth_settings, otp_address_limit=2, trusted_proxies=("127.0.0.0/8",)))
    async with open_client(floor, services) as client:

        async def ask(number: str, address: str) -> int:
            headers = {"X-Forwarded-For": address}
            answer = await client.post("/v1/login/otp/challenges", json={"phone": number}, headers=headers)
            return answer.status_code

        flood = [await ask("19900000031", "203.0.113.1") for _ in range(3)]
        flood += [await ask("19900000032", "203.0.113.1") for _ in range(10)]
        assert flood == [202] * 2 + [429] * 11
        assert await ask("19900000032", "203.0.113.2") == 202
    await services.close()


async def test_event_loop_turns_while_passwords_are_hashed() -> None:
    passwords = Passwords(threads=2, queue=16)
    kept = await passwords.hash("a long password")
    hashing = asyncio.gather(*(passwords.verify(kept, "a long password") for _ in range(12)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert all(await hashing)
    await passwords.close()
    assert turns > 100  # blocked, it would turn once a hash
