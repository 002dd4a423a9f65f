"""Freezing, death and their mistakes, over HTTP: what ends with an account, who may end it, and who brings it back."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.demo.registries import CITIZEN, PASSPORT, SECOND_CITIZEN
from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.floor import Floor
from auth.people.life.models import EventKind, NamedPerson, status_after_death_reversed
from auth.people.life.service import Cause
from auth.people.ports import EndReason
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from tests.auth.conftest import open_client
from tests.auth.people.conftest import NewStaff, Staff, kinds, named, person_of
from tests.auth.phones import Key, Phone, slug_of

NewPhone = Callable[[str], Phone]
FREEZES, UNFREEZINGS = "/v1/staff/people/freezes", "/v1/staff/people/unfreezings"
DEATHS, REVERSALS = "/v1/staff/people/deaths", "/v1/staff/people/death-reversals"


async def freeze(official: Staff, reason: str = "lost_phone", **changes: Any) -> httpx.Response:
    return await official.call("POST", FREEZES, {"holder": named(), "reason": reason} | changes)


async def unfreeze(official: Staff, **changes: Any) -> httpx.Response:
    return await official.call("POST", UNFREEZINGS, {"holder": named(), "holder_checked": True} | changes)


async def bury(official: Staff, **changes: Any) -> httpx.Response:
    return await official.call("POST", DEATHS, {"holder": named(), "reason": "death_certificate"} | changes)


async def reverse(official: Staff, **changes: Any) -> httpx.Response:
    body = {"holder": named(), "reason": "mistaken_identity", "holder_checked": True}
    return await official.call("POST", REVERSALS, body | changes)


class Listener:
    """Writes down what it was told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    async def person_ended(self, _connection: Connection, _person_id: UUID, reason: EndReason, _now: datetime) -> None:
        self.heard.append(("ended", reason))

    async def person_returned(
        self, _connection: Connection, _person_id: UUID, reason: EndReason, _now: datetime
    ) -> None:
        self.heard.append(("returned", reason))


@pytest.fixture
def listener(auth: AuthServices) -> Listener:
    listener = Listener()
    auth.people_rooms.life.tell(listener)
    auth.people_rooms.life.tell_returns(listener)
    return listener


@pytest.mark.parametrize("role", ["counter", "hotline"])
async def test_a_freeze_ends_sessions_and_lets_nobody_sign_in(
    *, citizen: Phone, new_staff: NewStaff, connection: Connection, listener: Listener, auth: AuthServices, role: str
) -> None:
    person_id = await person_of(citizen)
    official = await new_staff(role)
    answer = await freeze(official)
    assert (answer.status_code, answer.json()["status"], answer.json()["display_name"]) == (200, "frozen", "演***一")
    await auth.revoked_sessions.refresh()
    assert (await citizen.get("/v1/me")).status_code == 401
    assert listener.heard == [("ended", "frozen")]
    assert (await kinds(connection, person_id))[-1] == "account_frozen"
    challenge = await citizen.ask_for_code()
    refused = await citizen.show_code(challenge, await citizen.read_code())
    assert refused.status_code in {401, 403}
    audited = await connection.fetchrow("select * from kit.audit_entry where action = 'person.frozen'")
    assert audited is not None
    assert (audited["actor"], audited["subject"]) == (f"official:{official.id}", f"person:{person_id}")
    assert audited["detail"] == {"reason": "lost_phone", "source": role}


async def test_the_hotline_only_freezes(citizen: Phone, hotline: Staff) -> None:
    assert (await freeze(hotline)).status_code == 200
    for attempt in (unfreeze, bury, reverse):
        assert slug_of(await attempt(hotline)) == "role-missing"
    assert (await citizen.client.get("/v1/me")).status_code == 401


@pytest.mark.parametrize("role", ["reviewer", "inspector", "system_admin", "audit_admin", "scanner_admin"])
async def test_others_do_not_freeze(citizen: Phone, new_staff: NewStaff, role: str) -> None:
    official = await new_staff(role)
    assert slug_of(await freeze(official)) == "role-missing"
    assert (await citizen.get("/v1/me")).status_code == 200


async def test_a_citizen_freezes_nobody(citizen: Phone) -> None:
    body = {"holder": named(), "reason": "lost_phone"}
    answer = await citizen.client.post(FREEZES, json=body, headers=citizen.headers)
    assert slug_of(answer) == "wrong-subject"


@pytest.mark.parametrize(
    "holder",
    [
        named(name="别人"),
        named(SECOND_CITIZEN),
        named(document_type="passport"),
        named(name=""),
        named(name="演示用户"),
    ],
)
async def test_a_name_that_nobody_has_is_remembered(
    citizen: Phone, counter: Staff, connection: Connection, holder: dict[str, str]
) -> None:
    for attempt in (freeze, unfreeze, bury, reverse):
        assert slug_of(await attempt(counter, holder=holder)) == "named-person-unknown"
    count = await connection.fetchval("select count(*) from kit.audit_entry where action = 'person.named_unknown'")
    assert count == 4
    assert (await citizen.get("/v1/me")).status_code == 200


async def test_whoever_is_named_in_vain_has_it_in_their_log(
    citizen: Phone, counter: Staff, connection: Connection
) -> None:
    """Nothing comes of it, but the official knows now that this person is here, and how their account stands."""
    person_id = await person_of(citizen)
    assert slug_of(await unfreeze(counter)) == "account-not-frozen"
    assert slug_of(await reverse(counter)) == "not-deceased"
    await freeze(counter, "court_order")
    assert slug_of(await freeze(counter)) == "account-not-active"
    assert slug_of(await unfreeze(counter)) == "second-official-needed"
    confirm = {"holder": named(), "holder_checked": True}
    assert slug_of(await counter.call("POST", "/v1/staff/people/confirmations", confirm)) == "account-not-active"
    record = confirm | {"document": named(PASSPORT)}
    assert slug_of(await counter.call("POST", "/v1/staff/people/documents", record)) == "account-not-active"
    rows = await connection.fetch(
        "select actor, detail from kit.audit_entry where action = 'person.named_in_vain' and subject = $1 order by at",
        f"person:{person_id}",
    )
    assert {row["actor"] for row in rows} == {f"official:{counter.id}"}
    assert Counter(row["detail"]["reason"] for row in rows) == {
        "account-not-frozen": 1,
        "not-deceased": 1,
        "account-not-active": 3,
        "second-official-needed": 1,
    }


async def test_unfreezing_needs_the_person_at_the_counter(citizen: Phone, counter: Staff) -> None:
    await freeze(counter)
    assert slug_of(await unfreeze(counter, holder_checked=False)) == "person-not-checked"
    assert slug_of(await freeze(counter)) == "account-not-active"
    answer = await unfreeze(counter)
    assert (answer.status_code, answer.json()["status"]) == (200, "active")
    assert slug_of(await unfreeze(counter)) == "account-not-frozen"
    await citizen.sign_in()
    assert (await citizen.get("/v1/me")).status_code == 200


@pytest.mark.parametrize("reason", ["suspected_fraud", "court_order"])
async def test_a_freeze_against_the_holder_takes_two(
    citizen: Phone, counter: Staff, other_counter: Staff, reason: str
) -> None:
    del citizen
    await freeze(counter, reason)
    assert slug_of(await unfreeze(counter)) == "second-official-needed"
    assert (await unfreeze(other_counter)).status_code == 200


@pytest.mark.parametrize(
    ("reason", "found", "state"),
    [("lost_phone", False, "revoked"), ("lost_phone", True, "active"), ("holder_request", False, "active")],
)
async def test_the_devices_of_a_phone_that_is_gone_end_when_the_account_wakes(
    citizen: Phone, counter: Staff, connection: Connection, reason: str, *, found: bool, state: str
) -> None:
    device_id = (await citizen.enroll(Key())).json()["id"]
    await freeze(counter, reason)
    await unfreeze(counter, phone_found=found)
    revoked = await connection.fetchval("select revoked_at from auth.device where id = $1", UUID(device_id))
    assert ("active" if revoked is None else "revoked") == state


async def test_the_holder_reads_what_was_done(
    citizen: Phone, counter: Staff, auth: AuthServices, clock: ManualClock
) -> None:
    await freeze(counter)
    await unfreeze(counter, phone_found=True)
    await auth.revoked_sessions.refresh()
    await citizen.sign_in()
    assert slug_of(await citizen.get("/v1/me/account-events")) == "identity-level-too-low"
    await citizen.come_back(clock)
    first = (await citizen.get("/v1/me/account-events?limit=1")).json()
    rest = (await citizen.get(f"/v1/me/account-events?after={first['next']}")).json()
    events = [*first["items"], *rest["items"]]
    assert [(one["kind"], one["reason"], one["source"]) for one in events] == [
        ("unfrozen", "phone_found", "counter"),
        ("frozen", "lost_phone", "counter"),
    ]
    assert {one["organization_name"] for one in events} == {"测试部门900"}
    assert rest["next"] is None


async def test_a_death_ends_everything_and_frees_the_number(
    *,
    citizen: Phone,
    counter: Staff,
    connection: Connection,
    listener: Listener,
    auth: AuthServices,
    new_phone: NewPhone,
) -> None:
    person_id = await person_of(citizen)
    device_id = (await citizen.enroll(Key())).json()["id"]
    assert (await bury(counter)).json()["status"] == "deceased"
    await auth.revoked_sessions.refresh()
    assert (await citizen.get("/v1/me")).status_code == 401
    assert listener.heard == [("ended", "died")]
    assert await connection.fetchval("select revoked_at from auth.device where id = $1", UUID(device_id)) is not None
    heir = new_phone(citizen.number)
    await heir.sign_in()
    assert await person_of(heir) != person_id
    assert slug_of(await heir.tell_name()) == "document-already-bound"
    for attempt in (bury, freeze):
        assert slug_of(await attempt(counter)) == "account-not-active"


async def test_a_mistaken_death_is_reversed_by_another_official(
    citizen: Phone, counter: Staff, other_counter: Staff, listener: Listener, connection: Connection
) -> None:
    person_id = await person_of(citizen)
    assert slug_of(await reverse(other_counter)) == "not-deceased"
    await bury(counter)
    assert slug_of(await reverse(counter)) == "second-official-needed"
    assert slug_of(await reverse(other_counter, holder_checked=False)) == "person-not-checked"
    assert (await reverse(other_counter)).json()["status"] == "active"
    assert listener.heard == [("ended", "died"), ("returned", "died")]
    assert (await kinds(connection, person_id))[-1] == "death_reversed"
    await citizen.sign_in()
    assert await person_of(citizen) == person_id


async def test_a_number_that_somebody_took_meanwhile_stays_theirs(
    citizen: Phone, counter: Staff, other_counter: Staff, new_phone: NewPhone, connection: Connection
) -> None:
    person_id = await person_of(citizen)
    await bury(counter)
    heir = new_phone(citizen.number)
    await heir.sign_in()
    await reverse(other_counter)
    await citizen.sign_in()
    assert await person_of(citizen) == await person_of(heir) != person_id
    assert await connection.fetchval("select count(*) from auth.phone where person_id = $1", UUID(person_id)) == 0


async def test_who_was_frozen_before_the_mistake_is_frozen_after_it(
    citizen: Phone, counter: Staff, other_counter: Staff
) -> None:
    del citizen
    await freeze(counter)
    await bury(counter)
    assert (await reverse(other_counter)).json()["status"] == "frozen"
    assert (await unfreeze(counter)).json()["status"] == "active"


async def test_the_register_s_word_counts_once(citizen: Phone, auth: AuthServices, connection: Connection) -> None:
    person_id = UUID(await person_of(citizen))
    holder = NamedPerson(name=CITIZEN.name, document_number=CITIZEN.document_number)
    life = auth.people_rooms.life
    assert [await life.hear_of_death(connection, holder) for _ in range(2)] == [True, False]
    assert (await auth.people.get_person(connection, person_id)).status == "deceased"
    nobody = NamedPerson(name="测试丁", document_number=CITIZEN.document_number)
    assert not await life.hear_of_death(connection, nobody)


async def test_the_answer_of_a_retried_freeze_is_the_first_one(citizen: Phone, counter: Staff) -> None:
    del citizen
    headers = {"Authorization": f"Bearer {counter.token}", "Idempotency-Key": "freeze-1"}
    body = {"holder": named(), "reason": "lost_phone"}
    answers = [await counter.client.post(FREEZES, json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[0].status_code == 200


async def test_nobody_signs_in_beside_a_freeze(
    race_floor: Floor, race_database: Database, auth_settings: AuthSettings
) -> None:
    """A code shown while a freeze is being written either comes first, and its session ends, or is refused."""
    services = build_auth(race_floor, auth_settings)
    async with open_client(race_floor, services) as client:
        phone = Phone(client, race_floor.outbox.deliver_due, number="19900000071")
        await phone.become_known()
        person_id = UUID(await person_of(phone))
        challenge = await phone.ask_for_code()
        code = await phone.read_code()
        async with race_database.transaction() as connection:
            cause = Cause(actor="system", source="system", reason="lost_phone")
            await connection.execute("select from auth.person where id = $1 for update", person_id)
            await services.people_rooms.life.end(connection, person_id, "frozen", cause)
            signing_in = asyncio.create_task(phone.show_code(challenge, code))
            await asyncio.wait([signing_in], timeout=0.3)
        answer = await signing_in
        assert slug_of(answer) in {"account-frozen", "otp-refused"}
        async with race_database.acquire() as connection:
            living = await connection.fetchval(
                "select count(*) from auth.session where holder_id = $1 and revoked_at is null", person_id
            )
        assert living == 0
    await services.close()


MARKS: list[EventKind] = ["frozen", "unfrozen", "died", "document_added", "merged"]


@given(st.lists(st.sampled_from(MARKS)))
def test_coming_back_is_to_the_last_freeze_or_to_none(history: list[EventKind]) -> None:
    freezes = [kind for kind in history if kind in {"frozen", "unfrozen"}]
    expected = "frozen" if freezes[-1:] == ["frozen"] else "active"
    assert status_after_death_reversed(history) == expected
