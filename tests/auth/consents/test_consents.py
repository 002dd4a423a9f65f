"""Consents: to a department, for a purpose, of fields; in force at once, over at once, and only one's own."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.demo.registries import RESPONSIBLE, RESTAURANT
from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.floor import Floor
from auth.documents import make_synthetic_credit_code
from auth.organizations.models import RegisterDepartment
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from tests.auth.conftest import open_client
from tests.auth.phones import Phone, slug_of

NewPhone = Callable[[str], Phone]
PURPOSE = "library.borrow"


async def make_department(auth: AuthServices, connection: Connection) -> UUID:
    wanted = RegisterDepartment(name="图书馆", credit_code=make_synthetic_credit_code(sequence=900))
    return (await auth.organizations.register_department(connection, wanted, actor="system")).id


@pytest.fixture
async def department(auth: AuthServices, connection: Connection) -> UUID:
    return await make_department(auth, connection)


async def grant(phone: Phone, department: UUID, **changes: Any) -> httpx.Response:
    body = {
        "department_id": str(department),
        "purpose": PURPOSE,
        "fields": ["full_name", "age_over_18"],
        "text_version": "2026-03",
    }
    return await phone.client.post("/v1/me/consents", json=body | changes, headers=phone.headers)


async def withdraw(phone: Phone, consent_id: str) -> httpx.Response:
    return await phone.client.delete(f"/v1/me/consents/{consent_id}", headers=phone.headers)


async def person_of(phone: Phone) -> UUID:
    return UUID((await phone.get("/v1/me")).json()["subject_id"])


async def test_a_department_that_is_no_more_is_allowed_nothing(
    phone: Phone, connection: Connection, department: UUID
) -> None:
    await phone.sign_in()
    await connection.execute("update auth.organization set status = 'suspended' where id = $1", department)
    assert slug_of(await grant(phone, department)) == "not-a-department"
    assert (await phone.get("/v1/me/consents")).json()["items"] == []


async def test_consent_is_in_force_until_withdrawn(
    phone: Phone, auth: AuthServices, connection: Connection, department: UUID
) -> None:
    await phone.sign_in()
    person_id = await person_of(phone)
    view = (await grant(phone, department)).json()
    assert view["department_name"] == "图书馆"
    found = await auth.consents.find_active(connection, person_id, department, PURPOSE)
    assert found is not None
    assert found.fields == ("age_over_18", "full_name")
    ended = await withdraw(phone, view["id"])
    assert ended.json()["withdrawn_at"]
    assert await auth.consents.find_active(connection, person_id, department, PURPOSE) is None
    assert slug_of(await withdraw(phone, view["id"])) == "consent-unknown"
    listed = (await phone.get("/v1/me/consents")).json()["items"]
    assert [item["id"] for item in listed] == [view["id"]]
    actions = await connection.fetch("select action from kit.audit_entry where action like 'consent.%' order by id")
    assert [row["action"] for row in actions] == ["consent.granted", "consent.withdrawn"]


async def test_consent_is_for_this_department_purpose_and_person_only(
    phone: Phone, auth: AuthServices, connection: Connection, department: UUID
) -> None:
    await phone.sign_in()
    await grant(phone, department)
    person_id = await person_of(phone)
    assert await auth.consents.find_active(connection, person_id, department, "library.fine") is None
    assert await auth.consents.find_active(connection, person_id, UUID(int=1), PURPOSE) is None
    assert await auth.consents.find_active(connection, UUID(int=1), department, PURPOSE) is None


async def test_new_consent_takes_the_place_of_the_old(
    phone: Phone, auth: AuthServices, connection: Connection, department: UUID
) -> None:
    await phone.sign_in()
    await grant(phone, department)
    second = (await grant(phone, department, fields=["full_name"])).json()
    found = await auth.consents.find_active(connection, await person_of(phone), department, PURPOSE)
    assert found is not None
    assert (str(found.id), found.fields) == (second["id"], ("full_name",))
    items = (await phone.get("/v1/me/consents")).json()["items"]
    assert [item["withdrawn_at"] is None for item in items] == [True, False]


async def test_consent_with_an_end_ends(
    phone: Phone, auth: AuthServices, connection: Connection, department: UUID, clock: ManualClock
) -> None:
    await phone.sign_in()
    person_id = await person_of(phone)
    await grant(phone, department, expires_in_days=1)
    clock.advance(86_399)
    assert await auth.consents.find_active(connection, person_id, department, PURPOSE)
    clock.advance(1)
    assert await auth.consents.find_active(connection, person_id, department, PURPOSE) is None


async def test_other_persons_consent_cannot_be_seen_or_ended(
    phone: Phone, new_phone: NewPhone, department: UUID
) -> None:
    await phone.sign_in()
    consent_id = (await grant(phone, department)).json()["id"]
    other = new_phone("19900000002")
    await other.sign_in()
    assert (await other.get("/v1/me/consents")).json()["items"] == []
    assert slug_of(await withdraw(other, consent_id)) == "consent-unknown"


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": ""},
        {"purpose": "Library"},
        {"purpose": "library\n"},
        {"fields": []},
        {"fields": ["x"] * 33},
        {"fields": ["../x"]},
        {"text_version": ""},
        {"expires_in_days": 0},
        {"expires_in_days": 10**9},
        {"expires_in_days": 1.5},
        {"department_id": "x"},
        {"person_id": str(UUID(int=1))},
    ],
)
async def test_consent_out_of_form_is_refused(phone: Phone, department: UUID, changes: dict[str, Any]) -> None:
    await phone.sign_in()
    assert slug_of(await grant(phone, department, **changes)) == "fields-invalid"


async def test_nobody_and_companies_receive_no_consent(phone: Phone, connection: Connection) -> None:
    await phone.become_known(RESPONSIBLE)
    assert slug_of(await grant(phone, UUID(int=1))) == "organization-unknown"
    body = {"credit_code": RESTAURANT.credit_code}
    company = (await phone.client.post("/v1/organizations", json=body, headers=phone.headers)).json()["id"]
    assert slug_of(await grant(phone, UUID(company))) == "not-a-department"


async def test_anonymous_grants_nothing(client: httpx.AsyncClient, department: UUID) -> None:
    assert (await client.post("/v1/me/consents", json={})).status_code == 401
    assert (await client.delete(f"/v1/me/consents/{UUID(int=1)}")).status_code == 401


async def test_repeated_request_with_a_key_grants_once(phone: Phone, department: UUID) -> None:
    await phone.sign_in()
    body = {"department_id": str(department), "purpose": PURPOSE, "fields": ["full_name"], "text_version": "1"}
    headers = phone.headers | {"Idempotency-Key": "grant-1"}
    answers = [await phone.client.post("/v1/me/consents", json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len((await phone.get("/v1/me/consents")).json()["items"]) == 1


async def test_ten_grants_at_once_leave_one_in_force(
    race_floor: Floor, race_database: Database, auth_settings: AuthSettings
) -> None:
    services = build_auth(race_floor, auth_settings)
    async with race_database.transaction() as connection:
        department = await make_department(services, connection)
    async with open_client(race_floor, services) as client:
        phone = Phone(client, race_floor.outbox.deliver_due, number="19900000001")
        await phone.sign_in()
        answers = await asyncio.gather(*(grant(phone, department) for _ in range(10)))
    await services.close()
    assert {answer.status_code for answer in answers} == {201}
    async with race_database.acquire() as connection:
        assert await connection.fetchval("select count(*) from auth.consent where withdrawn_at is null") == 1
