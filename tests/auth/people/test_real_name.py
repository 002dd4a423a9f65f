"""The real-name check against a real registry server: who becomes known, who does not; one account a human being."""

import asyncio
from collections import Counter
from collections.abc import Callable

import httpx
import pytest
from msgspec.structs import replace

from app.demo.registries import CITIZEN, RESIDENTS, SECOND_CITIZEN
from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from tests.auth.conftest import open_client
from tests.auth.phones import Key, Phone, slug_of

NewPhone = Callable[[str], Phone]


async def test_known_name_and_number_reach_level_two(phone: Phone) -> None:
    await phone.sign_in()
    response = await phone.tell_name()
    assert response.status_code == 200
    assert response.json()["identity_level"] == 2
    assert response.json()["display_name"] == "演***一"
    assert CITIZEN.document_number not in response.text
    assert (await phone.get("/v1/me")).json()["ial"] == 1
    await phone.renew()
    assert (await phone.get("/v1/me")).json()["ial"] == 2


async def test_name_is_compared_as_issued_whatever_dot_was_typed(phone: Phone) -> None:
    await phone.sign_in()
    who = next(resident for resident in RESIDENTS if "·" in resident.name)
    assert (await phone.tell_name(who, name=who.name.replace("·", "•"))).status_code == 200


@pytest.mark.parametrize(
    "changes", [{"name": SECOND_CITIZEN.name}, {"document_number": SECOND_CITIZEN.document_number}]
)
async def test_name_and_number_of_two_people_are_refused(phone: Phone, changes: dict[str, str]) -> None:
    await phone.sign_in()
    response = await phone.tell_name(**changes)
    assert (response.status_code, slug_of(response)) == (422, "real-name-refused")
    await phone.renew()
    assert (await phone.get("/v1/me")).json()["ial"] == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "张三1"},
        {"name": "张" * 101},
        {"document_number": ""},
        {"document_number": "190000199003150010"},
        {"document_number": "x" * 1000},
        {"document_number": "\u0000"},
        {"document_type": "passport", "document_number": "!"},
    ],
)
async def test_claim_out_of_form_is_refused_without_asking(phone: Phone, changes: dict[str, str]) -> None:
    await phone.sign_in()
    response = await phone.tell_name(**changes)
    assert (response.status_code, slug_of(response)) == (400, "real-name-out-of-form")


@pytest.mark.parametrize("changes", [{"document_type": "library_card"}, {"extra": "1"}])
async def test_unknown_fields_and_types_are_a_problem(phone: Phone, changes: dict[str, str]) -> None:
    await phone.sign_in()
    assert (await phone.tell_name(**changes)).status_code == 400


async def test_guessing_ends_after_five_a_day(phone: Phone, clock: ManualClock) -> None:
    await phone.sign_in()
    for _ in range(5):
        assert slug_of(await phone.tell_name(name=SECOND_CITIZEN.name)) == "real-name-refused"
    locked = await phone.tell_name()
    assert (locked.status_code, slug_of(locked)) == (429, "rate-limited")
    assert locked.headers["retry-after"] == "86400"
    clock.advance(86_400)
    await phone.sign_in()
    assert (await phone.tell_name()).status_code == 200


async def test_refusal_is_remembered_in_the_log(phone: Phone, connection: Connection) -> None:
    await phone.sign_in()
    await phone.tell_name(name=SECOND_CITIZEN.name)
    detail = await connection.fetchval("select detail from kit.audit_entry where action = 'person.real_name_refused'")
    assert detail == {"reason": "real-name-refused"}


async def test_second_account_for_the_same_document_is_sent_to_the_counter(phone: Phone, new_phone: NewPhone) -> None:
    await phone.become_known()
    other = new_phone("19900000002")
    await other.sign_in()
    response = await other.tell_name()
    assert (response.status_code, slug_of(response)) == (409, "document-already-bound")
    assert "窗口" in response.json()["remedy"]


async def test_known_account_does_not_become_another_person(phone: Phone) -> None:
    await phone.become_known()
    response = await phone.tell_name(SECOND_CITIZEN)
    assert (response.status_code, slug_of(response)) == (409, "real-name-differs")


async def test_unseen_device_sees_nothing_of_a_known_person_but_the_phone_it_used(phone: Phone) -> None:
    await phone.become_known()
    mine = (await phone.get("/v1/me")).json()["person"]
    assert (mine["display_name"], mine["phones"]) == ("演***一", ["199****0001"])
    at_login = (await phone.sign_in())["person"]
    later = (await phone.get("/v1/me")).json()["person"]
    assert (at_login.pop("phones"), later.pop("phones")) == (["199****0001"], [])
    hidden = {"display_name": None, "document": None, "verified_at": None}
    assert at_login == later == hidden | {"id": mine["id"], "identity_level": 2}


async def test_name_does_not_lift_an_unseen_device_while_an_enrolled_one_could_confirm(
    phone: Phone, clock: ManualClock
) -> None:
    await phone.become_known()
    mine = (await phone.enroll(Key())).json()["id"]
    assert (await phone.tell_name()).status_code == 200
    await phone.sign_in()  # a thief, who knows name and number
    refused = await phone.tell_name()
    assert (refused.status_code, slug_of(refused)) == (403, "confirm-on-enrolled-device")
    await phone.revoke_device(mine)
    assert slug_of(await phone.tell_name()) == "confirm-on-enrolled-device"
    await phone.renew()
    assert (await phone.get("/v1/me")).json()["ial"] == 1
    clock.advance(86_400)
    await phone.sign_in()
    assert slug_of(await phone.tell_name()) == "recovery-waits"


async def test_device_given_up_by_its_owner_does_not_hinder_the_name(phone: Phone) -> None:
    await phone.become_known()
    await phone.revoke_device((await phone.enroll(Key())).json()["id"])
    await phone.sign_in()
    assert slug_of(await phone.tell_name()) == "recovery-waits"


async def test_waiting_device_does_not_hinder_the_name(phone: Phone) -> None:
    await phone.become_known()
    await phone.revoke_device((await phone.enroll(Key())).json()["id"])
    assert (await phone.enroll(Key())).json()["state"] == "waiting"
    await phone.sign_in()
    assert slug_of(await phone.tell_name()) == "recovery-waits"


async def test_success_gives_back_its_own_try_only(phone: Phone) -> None:
    await phone.become_known()
    for _ in range(4):
        assert slug_of(await phone.tell_name(name=SECOND_CITIZEN.name)) == "real-name-refused"
    assert (await phone.tell_name()).status_code == 200
    assert slug_of(await phone.tell_name(name=SECOND_CITIZEN.name)) == "real-name-refused"
    assert slug_of(await phone.tell_name()) == "rate-limited"


async def test_registry_down_is_told_and_costs_no_try(
    floor: Floor, auth_settings: AuthSettings, connection: Connection
) -> None:
    services = build_auth(floor, replace(auth_settings, population_registry_url="http://127.0.0.1:9"))
    async with open_client(floor, services) as client:
        phone = Phone(client, floor.outbox.deliver_due, number="19900000001")
        await phone.sign_in()
        for _ in range(7):
            response = await phone.tell_name()
            assert (response.status_code, slug_of(response)) == (503, "registry-unavailable")
            assert response.headers["retry-after"]
    await services.close()
    assert await connection.fetchval("select attempts from auth.attempt where kind = 'real_name'") == 0


async def test_parallel_guesses_do_not_pass_the_limit(race_client: httpx.AsyncClient, race_floor: Floor) -> None:
    phone = Phone(race_client, race_floor.outbox.deliver_due, number="19900000001")
    await phone.sign_in()
    answers = await asyncio.gather(*(phone.tell_name(name=SECOND_CITIZEN.name) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {422: 5, 429: 15}


async def test_two_accounts_at_once_for_one_document_become_one(
    race_client: httpx.AsyncClient, race_floor: Floor
) -> None:
    phones = [Phone(race_client, race_floor.outbox.deliver_due, number=f"1990000000{n}") for n in range(1, 5)]
    for phone in phones:
        await phone.sign_in()
    answers = await asyncio.gather(*(phone.tell_name() for phone in phones))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 3}


async def test_disclosure_gives_what_was_asked_and_no_more(
    phone: Phone, auth: AuthServices, connection: Connection
) -> None:
    from uuid import UUID

    await phone.become_known()
    person_id = UUID((await phone.get("/v1/me")).json()["subject_id"])
    everything = frozenset({"display_name", "full_name", "phone_tail", "id_number", "age_over_18", "identity_level"})
    assert await auth.people.disclose(connection, person_id, everything) == {
        "display_name": "演***一",
        "full_name": CITIZEN.name,
        "phone_tail": "0001",
        "id_number": CITIZEN.document_number,
        "age_over_18": True,
        "identity_level": "2",
    }
    assert await auth.people.disclose(connection, person_id, frozenset({"age_over_18"})) == {"age_over_18": True}
    with pytest.raises(ValueError, match="shoe_size"):
        await auth.people.disclose(connection, person_id, frozenset({"shoe_size"}))


async def test_nothing_is_disclosed_of_an_unnamed_person_but_the_phone(
    phone: Phone, auth: AuthServices, connection: Connection
) -> None:
    from uuid import UUID

    person_id = UUID((await phone.sign_in())["person"]["id"])
    asked = frozenset({"full_name", "age_over_18", "phone_tail"})
    assert await auth.people.disclose(connection, person_id, asked) == {"phone_tail": "0001"}


async def test_no_name_or_number_stands_in_a_table(phone: Phone, connection: Connection) -> None:
    await phone.become_known()
    tables = await connection.fetch(
        "select schemaname || '.' || tablename as name from pg_tables where schemaname in ('auth', 'kit')"
    )
    for table in tables:
        text = await connection.fetchval(f"select string_agg(t::text, '') from {table['name']} t") or ""
        for canary in (CITIZEN.name, CITIZEN.document_number):
            assert canary not in text
            assert canary.encode().hex() not in text
