"""What somebody allowed ends with their account, in the same transaction, on every kind of end but a freeze."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from app.demo.registries import CHILD, CITIZEN, RESIDENTS
from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.ids import new_id
from auth.consents.models import ConsentRequest
from auth.consents.repository import upsert_request
from auth.people.life.models import NamedPerson
from auth.wiring import AuthServices
from tests.auth.consents.test_consents import PURPOSE, grant, make_department, person_of
from tests.auth.people.conftest import NewStaff
from tests.auth.people.test_life import freeze
from tests.auth.people.test_merging import merge
from tests.auth.phones import Phone

NewPhone = Callable[[str], Phone]


@pytest.fixture
async def department(auth: AuthServices, connection: Connection) -> UUID:
    return await make_department(auth, connection)


async def is_allowed(auth: AuthServices, connection: Connection, person_id: UUID, department: UUID) -> bool:
    return await auth.consents.find_active(connection, person_id, department, PURPOSE) is not None


async def test_a_death_ends_them_and_nobody_says_the_dead_withdrew(
    phone: Phone, auth: AuthServices, connection: Connection, department: UUID
) -> None:
    await phone.become_known()
    person_id = await person_of(phone)
    await grant(phone, department)
    assert await is_allowed(auth, connection, person_id, department)
    await auth.people_rooms.life.hear_of_death(
        connection, NamedPerson(name=CITIZEN.name, document_number=CITIZEN.document_number)
    )
    assert not await is_allowed(auth, connection, person_id, department)
    actors = await connection.fetch("select actor from kit.audit_entry where action = 'consent.withdrawn'")
    assert [row["actor"] for row in actors] == ["system"]


async def test_a_merge_ends_those_of_the_merged_account_alone(
    *,
    phone: Phone,
    new_phone: NewPhone,
    new_staff: NewStaff,
    auth: AuthServices,
    connection: Connection,
    department: UUID,
) -> None:
    await phone.become_known(RESIDENTS[3])
    second = new_phone("19900000002")
    await second.sign_in()
    for account in (phone, second):
        await grant(account, department)
    kept_id, merged_id = await person_of(phone), await person_of(second)
    ticket = (await second.client.post("/v1/me/merge-tickets", headers=second.headers)).json()["ticket"]
    merged = await merge(await new_staff("counter"), merged=ticket)
    assert merged.status_code == 200, merged.text
    assert await is_allowed(auth, connection, kept_id, department)
    assert not await is_allowed(auth, connection, merged_id, department)


async def test_a_freeze_leaves_them(
    phone: Phone, new_staff: NewStaff, auth: AuthServices, connection: Connection, department: UUID
) -> None:
    await phone.become_known()
    person_id = await person_of(phone)
    await grant(phone, department)
    assert (await freeze(await new_staff("counter"))).status_code in {200, 201}
    assert await is_allowed(auth, connection, person_id, department)


async def test_what_a_child_asked_for_ends_with_the_child(
    auth: AuthServices, connection: Connection, clock: ManualClock, department: UUID, phone: Phone
) -> None:
    await phone.become_known(CHILD)
    child_id = await person_of(phone)
    now = clock.now()
    request = ConsentRequest(
        id=new_id(),
        child_id=child_id,
        department_id=department,
        purpose=PURPOSE,
        fields=("full_name",),
        sensitive=False,
        text_version="2026-03",
        asked_at=now,
        expires_at=now + timedelta(days=30),
    )
    await upsert_request(connection, request)
    await auth.people_rooms.life.hear_of_death(
        connection, NamedPerson(name=CHILD.name, document_number=CHILD.document_number)
    )
    open_ = await connection.fetchval("select count(*) from auth.consent_request where ended_at is null")
    assert open_ == 0
