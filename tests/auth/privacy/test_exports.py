"""A copy of everything: whole, one's own, behind a fresh sign-in, for a week."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.demo.registries import CITIZEN, PASSPORT, RESIDENTS
from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from auth.wiring import AuthServices
from tests.auth.consents.test_consents import grant, make_department
from tests.auth.phones import Key, Phone, slug_of

NewPhone = Callable[[str], Phone]
PATH = "/v1/me/export"
HOLDER = RESIDENTS[3]
PASSKEY = """
insert into auth.passkey (id, holder_type, holder_id, credential_id, public_key, sign_count, synced, name_sealed,
                          created_at)
values ($1, 'person', $2, $3, '', 0, false, '', '2026-01-01')
"""


async def ask(phone: Phone) -> Any:
    return await phone.client.post(PATH, headers=phone.headers)


async def fetch(phone: Phone, export_id: str) -> Any:
    return await phone.get(f"{PATH}/{export_id}/file")


@pytest.fixture
async def citizen(phone: Phone) -> Phone:
    await phone.become_known(CITIZEN)
    return phone


async def test_the_copy_holds_everything_that_rooms_keep(
    citizen: Phone, floor: Floor, auth: AuthServices, connection: Connection
) -> None:
    await citizen.enroll(Key(), name="我的手机")
    await grant(citizen, await make_department(auth, connection))
    asked = await ask(citizen)
    assert (asked.status_code, asked.json()["state"]) == (202, "pending")
    assert slug_of(await fetch(citizen, asked.json()["id"])) == "export-not-ready"
    await floor.outbox.deliver_due()
    (listed,) = (await citizen.get(PATH)).json()["items"]
    assert listed["state"] == "ready"
    answer = await fetch(citizen, listed["id"])
    assert answer.headers["content-disposition"].endswith('.json"')
    assert answer.headers["cache-control"] == "no-store"
    copy = answer.json()
    assert (copy["format"], copy["person_id"]) == (
        "suishen-export/1",
        (await citizen.get("/v1/me")).json()["subject_id"],
    )
    parts = copy["parts"]
    assert parts["person"]["identity"]["document_number"] == CITIZEN.document_number
    assert parts["person"]["phones"] == [citizen.number]
    assert [device["name"] for device in parts["devices"]] == ["我的手机"]
    assert len(parts["consents"]) == 1
    assert {entry["action"] for entry in parts["log"]} >= {"person.registered", "consent.granted", "export.requested"}
    assert parts["sessions"]
    assert {"device_enrolled", "export_requested"} <= {message["kind"] for message in parts["messages"]}
    kinds = [message["kind"] for message in (await citizen.get("/v1/me/messages")).json()["items"]]
    assert kinds[0] == "export_ready"
    actions = await connection.fetch("select action from kit.audit_entry where action like 'export.%' order by at, id")
    assert [row["action"] for row in actions] == ["export.requested", "export.made", "export.fetched"]


async def test_the_copy_holds_further_documents_and_who_looked(
    phone: Phone, new_phone: NewPhone, floor: Floor, connection: Connection
) -> None:
    await phone.become_known(HOLDER)
    person_id = UUID((await phone.get("/v1/me")).json()["subject_id"])
    passport = {"name": PASSPORT.name, "document_type": "passport", "document_number": PASSPORT.document_number}
    assert (await phone.client.post("/v1/me/documents", json=passport, headers=phone.headers)).status_code == 200
    asker = new_phone("19900000003")
    await asker.become_known(CITIZEN)
    holder = {"name": HOLDER.name, "document_type": "id_card", "document_number": HOLDER.document_number}
    wanted = {"person": holder, "attributes": ["full_name"], "purpose": "办理租房"}
    assert (await asker.client.post("/v1/lookups", json=wanted, headers=asker.headers)).status_code == 202
    await connection.execute(PASSKEY, uuid4(), person_id, b"one")
    await connection.execute(PASSKEY, uuid4(), uuid4(), b"another's")
    export_id = (await ask(phone)).json()["id"]
    await floor.outbox.deliver_due()
    parts = (await fetch(phone, export_id)).json()["parts"]
    (document,) = parts["documents"]
    assert (document["identity"]["document_number"], document["state"]) == (PASSPORT.document_number, "current")
    (lookup,) = parts["lookups"]
    assert (lookup["purpose"], lookup["state"], CITIZEN.name in lookup["requester"]) == ("办理租房", "pending", False)
    assert len(parts["passkeys"]) == 1


async def test_the_copy_holds_what_was_done_under_a_merged_account(
    citizen: Phone, new_phone: NewPhone, floor: Floor, auth: AuthServices, connection: Connection
) -> None:
    before = new_phone("19900000061")
    await before.sign_in()
    await before.enroll(Key(), name="旧手机")
    await grant(before, await make_department(auth, connection))
    merged_id, kept_id = before.tokens["person"]["id"], citizen.tokens["person"]["id"]
    await connection.execute(
        "update auth.person set status = 'merged', merged_into = $2 where id = $1", UUID(merged_id), UUID(kept_id)
    )
    export_id = (await ask(citizen)).json()["id"]
    await floor.outbox.deliver_due()
    copy = (await fetch(citizen, export_id)).json()
    (merged,) = copy["parts"]["merged_accounts"]
    assert merged["id"] == merged_id
    assert [device["name"] for device in merged["parts"]["devices"]] == ["旧手机"]
    assert len(merged["parts"]["consents"]) == 1
    assert set(merged["parts"]) == set(copy["parts"]) - {"merged_accounts"}
    assert copy["parts"]["consents"] == []


async def test_the_file_stands_sealed(citizen: Phone, floor: Floor, connection: Connection) -> None:
    await ask(citizen)
    await floor.outbox.deliver_due()
    sealed = await connection.fetchval("select file_sealed from auth.export")
    assert CITIZEN.document_number.encode() not in sealed
    assert CITIZEN.name.encode() not in sealed


async def test_one_copy_at_a_time_and_three_a_day(citizen: Phone, floor: Floor, clock: ManualClock) -> None:
    assert (await ask(citizen)).status_code == 202
    assert slug_of(await ask(citizen)) == "export-running"
    for _ in range(2):
        await floor.outbox.deliver_due()
        assert (await ask(citizen)).status_code == 202
    await floor.outbox.deliver_due()
    assert slug_of(await ask(citizen)) == "rate-limited"
    clock.advance(86_401)
    await citizen.sign_in()
    assert slug_of(await ask(citizen)) == "phone-alone-not-enough"


async def test_a_week_later_it_is_gone(
    citizen: Phone, floor: Floor, auth: AuthServices, connection: Connection, clock: ManualClock
) -> None:
    export_id = (await ask(citizen)).json()["id"]
    await floor.outbox.deliver_due()
    clock.advance(7 * 86_400)
    await citizen.come_back(clock)
    assert slug_of(await fetch(citizen, export_id)) == "export-not-ready"
    await auth.privacy.forget(connection, clock.now())
    assert await connection.fetchval("select file_sealed is null and state = 'expired' from auth.export")


async def test_what_could_not_be_made_is_given_up(
    citizen: Phone, auth: AuthServices, connection: Connection, clock: ManualClock
) -> None:
    await ask(citizen)
    clock.advance(3_601)
    await auth.privacy.forget(connection, clock.now())
    assert await connection.fetchval("select state from auth.export") == "failed"


async def test_nobody_else_fetches_it(citizen: Phone, floor: Floor, new_phone: NewPhone) -> None:
    export_id = (await ask(citizen)).json()["id"]
    await floor.outbox.deliver_due()
    other = new_phone("19900000002")
    await other.become_known(RESIDENTS[3])
    assert slug_of(await fetch(other, export_id)) == "export-unknown"
    assert slug_of(await fetch(citizen, str(uuid4()))) == "export-unknown"
    assert (await citizen.client.get(f"{PATH}/{export_id}/file")).status_code == 401


async def test_an_old_sign_in_is_not_enough(citizen: Phone, floor: Floor, clock: ManualClock) -> None:
    export_id = (await ask(citizen)).json()["id"]
    await floor.outbox.deliver_due()
    clock.advance(301)
    await citizen.renew()
    for answer in (await ask(citizen), await fetch(citizen, export_id)):
        assert (answer.status_code, answer.json()["max_age"]) == (403, 300)


async def test_who_took_over_the_number_gets_no_copy(citizen: Phone, floor: Floor, new_phone: NewPhone) -> None:
    export_id = (await ask(citizen)).json()["id"]
    await floor.outbox.deliver_due()
    stranger = new_phone(citizen.number)
    await stranger.sign_in()
    assert slug_of(await ask(stranger)) == "phone-alone-not-enough"
    assert slug_of(await fetch(stranger, export_id)) == "phone-alone-not-enough"
