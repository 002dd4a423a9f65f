"""Sign-in by a code: who gets in, who does not, and that nobody learns which phones have accounts."""

import asyncio
from collections import Counter
from collections.abc import Callable

import httpx
import pytest
from msgspec.structs import replace

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.ids import new_id
from auth.settings import AuthSettings
from auth.sms.demo_inbox import DemoInbox
from auth.wiring import build_auth
from tests.auth.conftest import open_client
from tests.auth.phones import Key, Phone, slug_of

NewPhone = Callable[[str], Phone]


def other_code(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def test_sign_in_opens_an_account_at_level_one(phone: Phone) -> None:
    tokens = await phone.sign_in()
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 600
    assert tokens["person"]["identity_level"] == 1
    assert tokens["person"]["phones"] == ["199****0001"]
    me = (await phone.get("/v1/me")).json()
    assert (me["subject_type"], me["ial"], me["aal"]) == ("person", 1, 1)


async def test_second_sign_in_is_the_same_person_in_a_new_session(phone: Phone) -> None:
    first, second = await phone.sign_in(), await phone.sign_in()
    assert first["person"]["id"] == second["person"]["id"]
    assert len((await phone.get("/v1/me/sessions")).json()["items"]) == 2


async def test_wrong_code_is_refused_and_counted(phone: Phone, connection: Connection) -> None:
    challenge_id = await phone.ask_for_code()
    code = await phone.read_code()
    for _ in range(5):
        response = await phone.show_code(challenge_id, other_code(code))
        assert (response.status_code, slug_of(response)) == (401, "otp-refused")
    assert (await phone.show_code(challenge_id, code)).status_code == 401
    assert await connection.fetchval("select tries from auth.otp_challenge") == 5
    assert await connection.fetchval("select count(*) from auth.person") == 0


async def test_fifth_try_with_the_right_code_still_opens(phone: Phone) -> None:
    challenge_id = await phone.ask_for_code()
    code = await phone.read_code()
    for _ in range(4):
        await phone.show_code(challenge_id, other_code(code))
    assert (await phone.show_code(challenge_id, code)).status_code == 200


async def test_expired_code_is_refused(phone: Phone, clock: ManualClock) -> None:
    challenge_id = await phone.ask_for_code()
    code = await phone.read_code()
    clock.advance(300)
    assert slug_of(await phone.show_code(challenge_id, code)) == "otp-refused"


async def test_code_opens_once(phone: Phone) -> None:
    challenge_id = await phone.ask_for_code()
    code = await phone.read_code()
    assert (await phone.show_code(challenge_id, code)).status_code == 200
    assert slug_of(await phone.show_code(challenge_id, code)) == "otp-refused"


async def test_code_is_bound_to_its_challenge(phone: Phone, new_phone: NewPhone) -> None:
    await phone.ask_for_code()
    code = await phone.read_code()
    other = await new_phone("19900000002").ask_for_code()
    assert slug_of(await phone.show_code(other, code)) == "otp-refused"


async def test_unknown_challenge_is_refused_like_a_wrong_code(phone: Phone) -> None:
    wrong = await phone.show_code(await phone.ask_for_code(), other_code(await phone.read_code()))
    unknown = await phone.show_code(str(new_id()), "123456")
    assert wrong.json() == unknown.json()


@pytest.mark.parametrize("code", ["", "12345", "1234567", "１２３４５６", "\u0000", "abcdef", "1" * 5000])
async def test_malformed_code_is_refused_like_a_wrong_one(phone: Phone, code: str) -> None:
    assert slug_of(await phone.show_code(await phone.ask_for_code(), code)) == "otp-refused"


async def test_phone_with_and_without_account_look_the_same(phone: Phone, new_phone: NewPhone) -> None:
    await phone.sign_in()
    known = await phone.client.post("/v1/login/otp/challenges", json={"phone": phone.number})
    unknown = await phone.client.post("/v1/login/otp/challenges", json={"phone": "19900009999"})
    assert known.status_code == unknown.status_code == 202
    assert known.json().keys() == unknown.json().keys()
    assert known.json()["expires_in_seconds"] == unknown.json()["expires_in_seconds"]


@pytest.mark.parametrize("number", ["", "123", "12900001234", "+1 199 0000 1234", "1990000000\u0000"])
async def test_number_that_is_none_is_refused(client: httpx.AsyncClient, number: str) -> None:
    response = await client.post("/v1/login/otp/challenges", json={"phone": number})
    assert (response.status_code, slug_of(response)) == (400, "phone-invalid")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"phone": 1}', b'{"phone": "19900000001", "x": 1}', b'{"phone": "\\ud800"}']
)
async def test_body_out_of_shape_is_a_problem(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post("/v1/login/otp/challenges", content=body)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


async def test_too_many_codes_for_a_phone_are_refused(phone: Phone, clock: ManualClock) -> None:
    for _ in range(10):
        await phone.ask_for_code()
    response = await phone.client.post("/v1/login/otp/challenges", json={"phone": phone.number})
    assert (response.status_code, slug_of(response)) == (429, "rate-limited")
    assert response.headers["retry-after"] == "600"
    clock.advance(600)
    await phone.ask_for_code()


async def test_too_many_wrong_codes_lock_the_phone_not_others(
    phone: Phone, new_phone: NewPhone, clock: ManualClock
) -> None:
    for _ in range(4):
        challenge_id = await phone.ask_for_code()
        code = await phone.read_code()
        for _ in range(5):
            await phone.show_code(challenge_id, other_code(code))
    clock.advance(601)
    challenge_id = await phone.ask_for_code()
    locked = await phone.show_code(challenge_id, await phone.read_code())
    assert (locked.status_code, slug_of(locked)) == (429, "rate-limited")
    await new_phone("19900000002").sign_in()
    clock.advance(86_400)
    await phone.sign_in()


async def lock_out(phone: Phone) -> None:
    for _ in range(4):
        challenge_id = await phone.ask_for_code()
        for _ in range(5):
            await phone.show_code(challenge_id, "xxxxxx")


async def test_lockout_by_strangers_leaves_the_enrolled_device_its_way_in(
    phone: Phone, new_phone: NewPhone, clock: ManualClock
) -> None:
    key = Key()
    await phone.become_known()
    await phone.enroll(key)
    await lock_out(new_phone(phone.number))
    clock.advance(601)
    own = key.dpop("POST", "/v1/login/otp/tokens", clock.now())
    challenge_id = await phone.ask_for_code()
    assert (await phone.show_code(challenge_id, await phone.read_code(), dpop=own)).status_code == 200
    foreign = Key().dpop("POST", "/v1/login/otp/tokens", clock.now())
    challenge_id = await phone.ask_for_code()
    refused = await phone.show_code(challenge_id, await phone.read_code(), dpop=foreign)
    assert (refused.status_code, slug_of(refused)) == (429, "rate-limited")


async def test_anothers_device_gives_no_way_around_the_lockout(
    phone: Phone, new_phone: NewPhone, clock: ManualClock
) -> None:
    key, thief = Key(), new_phone("19900000002")
    await thief.sign_in()
    assert (await thief.enroll(key)).json()["state"] == "active"
    await phone.sign_in()
    await lock_out(phone)
    clock.advance(601)
    challenge_id, proof = await phone.ask_for_code(), key.dpop("POST", "/v1/login/otp/tokens", clock.now())
    assert (await phone.show_code(challenge_id, await phone.read_code(), dpop=proof)).status_code == 429


async def test_guesses_in_parallel_do_not_pass_the_phones_limit(
    race_client: httpx.AsyncClient, race_floor: Floor
) -> None:
    phone = Phone(race_client, race_floor.outbox.deliver_due, number="19900000009")
    challenges = [await phone.ask_for_code() for _ in range(8)]
    answers = await asyncio.gather(*(phone.show_code(challenge, "xxxxxx") for challenge in challenges * 5))
    assert Counter(answer.status_code for answer in answers) == {401: 20, 429: 20}


async def test_wrong_codes_from_one_address_have_a_limit(
    floor: Floor, auth_settings: AuthSettings, clock: ManualClock
) -> None:
    services = build_auth(
        floor, replace(auth_settings, otp_wrong_address_limit=2, trusted_proxies=("127.0.0.0/8", "::1/128"))
    )
    async with open_client(floor, services) as client:

        async def guess(number: str, address: str) -> int:
            client.headers["X-Forwarded-For"] = address
            phone = Phone(client, floor.outbox.deliver_due, number=number)
            return (await phone.show_code(await phone.ask_for_code(), "xxxxxx")).status_code

        assert [await guess(f"1990000000{n}", "203.0.113.1") for n in range(3)] == [401, 401, 429]
        assert await guess("19900000008", "203.0.113.2") == 401
        clock.advance(600)
        assert await guess("19900000008", "203.0.113.1") == 401
    await services.close()


async def test_citizens_behind_a_trusted_proxy_are_told_apart(floor: Floor, auth_settings: AuthSettings) -> None:
    for trusted, expected in ((("127.0.0.0/8",), [202, 202, 202]), ((), [202, 202, 429])):
        services = build_auth(floor, replace(auth_settings, otp_address_limit=2, trusted_proxies=trusted))
        async with open_client(floor, services) as client:
            answers = [
                await client.post(
                    "/v1/login/otp/challenges",
                    json={"phone": f"1990000000{n}"},
                    headers={"X-Forwarded-For": f"203.0.113.{n}"},
                )
                for n in range(1, 4)
            ]
        await services.close()
        assert [answer.status_code for answer in answers] == expected


async def test_address_has_a_limit_of_its_own(floor: Floor, auth_settings: AuthSettings) -> None:
    services = build_auth(floor, replace(auth_settings, otp_address_limit=2))
    async with open_client(floor, services) as client:
        for number in ("19900000001", "19900000002"):
            await Phone(client, floor.outbox.deliver_due, number=number).ask_for_code()
        third = await client.post("/v1/login/otp/challenges", json={"phone": "19900000003"})
    await services.close()
    assert third.status_code == 429


async def test_sign_in_leaves_its_trace_without_personal_data(phone: Phone, connection: Connection) -> None:
    await phone.sign_in()
    rows = await connection.fetch("select actor, action, subject, detail::text as detail from kit.audit_entry")
    assert [row["action"] for row in rows] == ["person.registered", "session.started"]
    assert not any(phone.number in str(dict(row)) for row in rows)


async def test_no_phone_number_stands_in_a_table(phone: Phone, connection: Connection) -> None:
    await phone.sign_in()
    tables = await connection.fetch("select tablename from pg_tables where schemaname = 'auth'")
    for table in tables:
        text = await connection.fetchval(f"select string_agg(t::text, '') from auth.{table['tablename']} t") or ""
        assert phone.number not in text
        assert phone.number.encode().hex() not in text


async def test_inbox_page_escapes_and_masks(phone: Phone) -> None:
    await phone.ask_for_code()
    await phone.read_code()
    page = await phone.client.get("/demo/inbox", headers={"Accept-Language": "en"})
    assert page.headers["content-type"].startswith("text/html")
    assert "199****0001" in page.text
    assert phone.number not in page.text
    assert 'http-equiv="refresh"' in page.text


async def test_demo_inbox_is_refused_in_production(floor: Floor) -> None:
    with pytest.raises(RuntimeError, match="production"):
        DemoInbox(floor.database, floor.vault, floor.clock, environment="production")


async def test_with_a_vendor_there_is_no_inbox_route(floor: Floor, auth_settings: AuthSettings) -> None:
    services = build_auth(floor, replace(auth_settings, sms_url="http://127.0.0.1:9/sms"))
    async with open_client(floor, services) as client:
        assert (await client.get("/demo/inbox")).status_code == 404
    await services.close()
