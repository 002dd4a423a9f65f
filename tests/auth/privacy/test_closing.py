"""Closing an account: what is open comes first, days to think, then nothing of the person can be read by anybody."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.demo.registries import CITIZEN, RESPONSIBLE, RESTAURANT, SECOND_CITIZEN
from app.kit import audit
from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.floor import Floor
from app.kit.keyring import Keyring
from app.kit.sealer import Sealer
from app.kit.vault import VaultError
from auth.privacy.corrections.service import MOST_OPEN
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from tests.auth.consents.test_consents import grant, make_department
from tests.auth.phones import Key, Phone, slug_of

NewPhone = Callable[[str], Phone]
PATH = "/v1/me/closing"
COOLING = 15 * 86_400

DECIDE_OTHERS = """
update auth.correction
   set state = 'refused', sent_at = requested_at, decided_at = requested_at, answer_sealed = claim_sealed
 where id <> $1
"""


class Stuck:
    """Something of one person cannot be deleted."""

    def __init__(self, person_id: UUID) -> None:
        self._person_id = person_id

    async def erase_person(self, _connection: Connection, person_id: UUID, _now: datetime) -> None:
        if person_id == self._person_id:
            raise RuntimeError


@pytest.fixture
async def citizen(phone: Phone) -> Phone:
    await phone.become_known(CITIZEN)
    return phone


async def ask(phone: Phone) -> Any:
    return await phone.client.post(PATH, headers=phone.headers)


async def person_of(phone: Phone) -> UUID:
    return UUID((await phone.get("/v1/me")).json()["subject_id"])


async def status_of(connection: Connection, person_id: UUID) -> str:
    return str(await connection.fetchval("select status from auth.person where id = $1", person_id))


async def test_an_account_closes_after_the_days_to_think(
    citizen: Phone, auth: AuthServices, connection: Connection, clock: ManualClock
) -> None:
    person_id = await person_of(citizen)
    assert (await citizen.get(PATH)).json()["state"] == "none"
    asked = await ask(citizen)
    assert (asked.status_code, asked.json()["state"], asked.json()["open_cases"]) == (202, "cooling", [])
    assert slug_of(await ask(citizen)) == "closing-running"
    clock.advance(COOLING - 1)
    await auth.privacy.closing.close_due()
    assert await status_of(connection, person_id) == "active"
    clock.advance(1)
    await auth.privacy.closing.close_due()
    assert await status_of(connection, person_id) == "closed"
    assert (await citizen.refresh()).status_code == 400


async def test_it_can_be_called_off(
    citizen: Phone, auth: AuthServices, connection: Connection, clock: ManualClock
) -> None:
    assert slug_of(await citizen.client.delete(PATH, headers=citizen.headers)) == "closing-unknown"
    await ask(citizen)
    called_off = await citizen.client.delete(PATH, headers=citizen.headers)
    assert called_off.json()["state"] == "cancelled"
    clock.advance(COOLING)
    await auth.privacy.closing.close_due()
    assert await status_of(connection, await person_of_row(connection)) == "active"


async def person_of_row(connection: Connection) -> UUID:
    found: UUID = await connection.fetchval("select person_id from auth.closing")
    return found


async def test_nothing_of_the_person_is_left_to_read(
    citizen: Phone, auth: AuthServices, connection: Connection, clock: ManualClock, floor: Floor
) -> None:
    person_id = await person_of(citizen)
    await citizen.enroll(Key())
    await grant(citizen, await make_department(auth, connection))
    await citizen.client.post("/v1/me/export", headers=citizen.headers)
    await floor.outbox.deliver_due()
    kept = {
        "identity": await connection.fetchval("select identity_sealed from auth.person where id = $1", person_id),
        "phone": await connection.fetchval("select phone_sealed from auth.phone"),
        "device": await connection.fetchval("select name_sealed from auth.device"),
        "file": await connection.fetchval("select file_sealed from auth.export"),
    }
    key_sealed = await connection.fetchval("select key_sealed from auth.subject_key where subject_id = $1", person_id)
    await ask(citizen)
    clock.advance(COOLING)
    await auth.privacy.closing.close_due()
    assert key_sealed is not None
    row = await connection.fetchrow("select * from auth.person where id = $1", person_id)
    assert row is not None
    assert (row["identity_sealed"], row["document_index"], row["status"]) == (None, None, "closed")
    for table in ("phone", "released_phone", "message", "export", "correction"):
        assert await connection.fetchval(f"select count(*) from auth.{table}") == 0, table
    for sealed in kept.values():  # as from a backup of the tables, but not of the keys
        with pytest.raises(VaultError):
            await auth.subject_vault.open(connection, person_id, "person-identity", sealed, context=person_id.bytes)
    assert await connection.fetchval("select count(*) from auth.consent where withdrawn_at is null") == 0
    entry = await connection.fetchrow("select * from kit.audit_entry where action = 'person.erased'")
    assert entry is not None
    assert (entry["subject"], entry["detail"]) == (f"person:{person_id}", {})


async def test_accounts_merged_into_the_one_that_ends_go_with_it(
    citizen: Phone, new_phone: NewPhone, auth: AuthServices, connection: Connection, clock: ManualClock
) -> None:
    person_id, second = await person_of(citizen), new_phone("19900000002")
    await second.sign_in()
    merged_id = await person_of(second)
    await connection.execute(
        "update auth.person set status = 'merged', merged_into = $2 where id = $1", merged_id, person_id
    )
    await ask(citizen)
    clock.advance(COOLING)
    await auth.privacy.closing.close_due()
    destroyed = await connection.fetch("select subject_id from auth.subject_key where destroyed_at is not null")
    assert {row["subject_id"] for row in destroyed} == {person_id, merged_id}
    assert await connection.fetchval("select count(*) from auth.phone") == 0


async def test_the_same_human_being_may_begin_anew(
    citizen: Phone, auth: AuthServices, clock: ManualClock, new_phone: NewPhone
) -> None:
    before = await person_of(citizen)
    await ask(citizen)
    clock.advance(COOLING)
    await auth.privacy.closing.close_due()
    again = new_phone(citizen.number)
    await again.become_known(CITIZEN)
    assert await person_of(again) != before


async def test_the_log_is_whole_after_an_erasure(
    *,
    race_floor: Floor,
    race_client: Any,
    race_database: Database,
    clock: ManualClock,
    keyring: Keyring,
    auth_settings: AuthSettings,
    tmp_path: Path,
) -> None:
    services = build_auth(race_floor, auth_settings)
    sealer = Sealer(race_database, keyring, clock, tmp_path / "checkpoints.jws")
    phone = Phone(race_client, race_floor.outbox.deliver_due, number="19900000001")
    await phone.become_known(CITIZEN)
    await ask(phone)
    await sealer.seal()
    await sealer.export_checkpoint()
    sealed_before, _ = await sealer.verify()
    clock.advance(COOLING)
    await services.privacy.closing.close_due()
    await sealer.seal()
    await sealer.export_checkpoint()
    sealed_after, checkpoints = await sealer.verify()
    assert sealed_after > sealed_before > 0
    assert checkpoints == 2
    async with race_database.transaction() as connection:
        await connection.execute("update kit.audit_entry set actor = 'nobody' where action = 'person.erased'")
    with pytest.raises(audit.AuditBroken):
        await sealer.verify()
    await services.close()


async def test_a_company_is_handed_over_first(
    phone: Phone, auth: AuthServices, connection: Connection, clock: ManualClock
) -> None:
    await phone.become_known(RESPONSIBLE)
    body = {"credit_code": RESTAURANT.credit_code}
    company = (await phone.client.post("/v1/organizations", json=body, headers=phone.headers)).json()["id"]
    refused = await ask(phone)
    assert (slug_of(refused), refused.json()["open_cases"]) == ("cases-open", ["responsible_person"])
    (case,) = (await phone.get(PATH)).json()["open_cases"]
    assert (case["kind"], case["id"]) == ("responsible_person", company)
    assert case["text"]["zh"]


async def test_what_opens_meanwhile_blocks_the_day_and_lets_it_come_later(
    citizen: Phone, auth: AuthServices, connection: Connection, clock: ManualClock, floor: Floor
) -> None:
    person_id = await person_of(citizen)
    await ask(citizen)
    correction = {"field": "other", "claimed": "x", "explanation": "y"}
    await citizen.client.post("/v1/me/corrections", json=correction, headers=citizen.headers)
    clock.advance(COOLING)
    await auth.privacy.closing.close_due()
    assert await connection.fetchval("select state from auth.closing") == "blocked"
    assert await status_of(connection, person_id) == "active"
    assert await connection.fetchval("select count(*) from auth.message where kind = 'closing_blocked'") == 1
    await connection.execute("delete from auth.correction")
    clock.advance(86_400)
    await auth.privacy.closing.close_due()
    assert await status_of(connection, person_id) == "closed"


async def test_a_correction_that_waits_is_seen_behind_newer_ones(citizen: Phone, connection: Connection) -> None:
    correction = {"field": "other", "claimed": "x", "explanation": "y"}
    for _ in range(MOST_OPEN + 1):
        answer = await citizen.client.post("/v1/me/corrections", json=correction, headers=citizen.headers)
        assert answer.status_code == 201
        oldest = await connection.fetchval("select min(id::text)::uuid from auth.correction")
        await connection.execute(DECIDE_OTHERS, oldest)
    (case,) = (await citizen.get(PATH)).json()["open_cases"]
    assert (case["kind"], case["id"]) == ("correction", str(oldest))
    assert (await ask(citizen)).json()["open_cases"] == ["correction"]


async def test_one_account_that_cannot_close_holds_up_no_other(
    *, citizen: Phone, new_phone: NewPhone, auth: AuthServices, connection: Connection, clock: ManualClock
) -> None:
    stuck = new_phone("19900000002")
    await stuck.become_known(SECOND_CITIZEN)
    stuck_id, person_id = await person_of(stuck), await person_of(citizen)
    await ask(stuck)
    clock.advance(1)
    await ask(citizen)
    auth.privacy.closing.erase_with(Stuck(stuck_id))
    clock.advance(COOLING)
    with pytest.raises(RuntimeError):
        await auth.privacy.closing.close_due()
    assert [await status_of(connection, one) for one in (stuck_id, person_id)] == ["active", "closed"]


async def test_who_took_over_the_number_or_signed_in_long_ago_closes_nothing(
    citizen: Phone, new_phone: NewPhone, clock: ManualClock
) -> None:
    stranger = new_phone(citizen.number)
    await stranger.sign_in()
    assert slug_of(await ask(stranger)) == "phone-alone-not-enough"
    clock.advance(301)
    await citizen.renew()
    assert (await ask(citizen)).json()["max_age"] == 300
    assert (await citizen.client.post(PATH)).status_code == 401
