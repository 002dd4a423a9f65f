"""Under fourteen a guardian consents, reads the same words and can take it back; from that day on the child does."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.demo.registries import CHILD, CITIZEN, PUPIL, RESIDENTS, SECOND_CITIZEN
from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.wiring import AuthServices
from tests.auth.consents.test_consents import grant, make_department, withdraw
from tests.auth.phones import Phone, slug_of

NewPhone = Callable[[str], Phone]
PURPOSE = "library.borrow"
BY_AGREEMENT = """
insert into auth.mandate (id, principal_type, principal_id, agent_id, kind, role, proof, starts_at, ends_at)
values ($1, 'person', $2, $3, 'family', 'x', 'x', '2026-01-01', '2027-01-01')
"""


@pytest.fixture
async def department(auth: AuthServices, connection: Connection) -> UUID:
    return await make_department(auth, connection)


@pytest.fixture
async def child(new_phone: NewPhone) -> Phone:
    phone = new_phone("19900000004")
    await phone.become_known(CHILD)
    return phone


@pytest.fixture
async def guardian(phone: Phone) -> Phone:
    await phone.become_known(CITIZEN)
    return phone


@pytest.fixture
async def child_id(guardian: Phone, child: Phone) -> str:
    body = {"name": CHILD.name, "document_number": CHILD.document_number}
    added = await guardian.client.post("/v1/me/children", json=body, headers=guardian.headers)
    assert added.status_code == 201, added.text
    return str(added.json()["id"])


async def grant_for(phone: Phone, child_id: str, department: UUID, **changes: Any) -> httpx.Response:
    body = {"department_id": str(department), "purpose": PURPOSE, "fields": ["full_name"], "text_version": "1"}
    return await phone.client.post(f"/v1/me/children/{child_id}/consents", json=body | changes, headers=phone.headers)


async def kinds(phone: Phone) -> list[str]:
    return [message["kind"] for message in (await phone.get("/v1/me/messages")).json()["items"]]


async def test_a_child_under_fourteen_consents_to_nothing(child: Phone, department: UUID) -> None:
    answer = await grant(child, department)
    assert (answer.status_code, slug_of(answer)) == (403, "guardian-consent-needed")


async def test_a_guardian_consents_and_both_read_it(
    guardian: Phone, child: Phone, child_id: str, department: UUID, connection: Connection
) -> None:
    given = (await grant_for(guardian, child_id, department)).json()
    assert (given["given_by"], given["expires_at"]) == ("guardian", "2032-03-14T16:00:00Z")
    assert (await child.get("/v1/me/consents")).json()["items"] == [given]
    assert (await guardian.get(f"/v1/me/children/{child_id}/consents")).json()["items"] == [given]
    assert (await guardian.get("/v1/me/consents")).json()["items"] == []
    assert "guardian_consented" in await kinds(child)
    entry = await connection.fetchrow("select actor, subject from kit.audit_entry where action = 'consent.granted'")
    assert entry is not None
    assert entry["subject"] == f"person:{child_id}"
    assert entry["actor"] == f"person:{(await guardian.get('/v1/me')).json()['subject_id']}"


async def test_a_guardian_consents_no_longer_than_until_the_birthday(
    guardian: Phone, child_id: str, department: UUID
) -> None:
    assert (await grant_for(guardian, child_id, department, expires_in_days=3650)).json()["expires_at"] < "2032-03-15"
    assert (await grant_for(guardian, child_id, department, expires_in_days=1)).json()["expires_at"] < "2026-03-04"


async def test_both_can_take_it_back(guardian: Phone, child: Phone, child_id: str, department: UUID) -> None:
    for taker in (guardian, child):
        consent_id = (await grant_for(guardian, child_id, department)).json()["id"]
        path = f"/v1/me/children/{child_id}/consents/{consent_id}" if taker is guardian else None
        answer = (
            await withdraw(child, consent_id)
            if path is None
            else await guardian.client.delete(path, headers=guardian.headers)
        )
        assert answer.json()["withdrawn_at"]
    assert "guardian_withdrew_consent" in await kinds(child)


async def test_nobody_else_decides_for_a_child(
    guardian: Phone, child_id: str, department: UUID, new_phone: NewPhone
) -> None:
    consent_id = (await grant_for(guardian, child_id, department)).json()["id"]
    stranger = new_phone("19900000003")
    await stranger.become_known(SECOND_CITIZEN)  # a guardian too, who has not said so here
    answers = [
        await grant_for(stranger, child_id, department),
        await grant_for(guardian, str(uuid4()), department),
        await stranger.get(f"/v1/me/children/{child_id}/consents"),
        await stranger.get(f"/v1/me/children/{child_id}/consent-requests"),
        await stranger.client.delete(f"/v1/me/children/{child_id}/consents/{consent_id}", headers=stranger.headers),
        await stranger.client.delete(
            f"/v1/me/children/{child_id}/consent-requests/{uuid4()}", headers=stranger.headers
        ),
    ]
    assert {slug_of(answer) for answer in answers} == {"child-unknown"}


async def test_a_guardian_cannot_touch_another_persons_consent_through_the_child(
    guardian: Phone, child_id: str, department: UUID, new_phone: NewPhone
) -> None:
    other = new_phone("19900000005")
    await other.become_known(RESIDENTS[3])
    consent_id = (await grant(other, department)).json()["id"]
    path = f"/v1/me/children/{child_id}/consents/{consent_id}"
    assert slug_of(await guardian.client.delete(path, headers=guardian.headers)) == "consent-unknown"


async def test_from_the_birthday_on_the_pupil_decides(
    new_phone: NewPhone, department: UUID, clock: ManualClock, auth: AuthServices, connection: Connection
) -> None:
    guardian, pupil = new_phone("19900000007"), new_phone("19900000008")
    await guardian.become_known(RESIDENTS[6])
    await pupil.become_known(PUPIL)
    body = {"name": PUPIL.name, "document_number": PUPIL.document_number}
    pupil_id = (await guardian.client.post("/v1/me/children", json=body, headers=guardian.headers)).json()["id"]
    before = (await grant_for(guardian, pupil_id, department)).json()
    birthday = await auth.consent_rooms.consents._birthdays.find_fourteenth_birthday(connection, UUID(pupil_id))
    assert birthday is not None
    clock.advance((birthday - clock.now()).total_seconds() - 2 * 86_400 - 1)
    await guardian.come_back(clock, RESIDENTS[6])
    await pupil.come_back(clock, PUPIL)
    await guardian.renew()
    assert slug_of(await grant(pupil, department)) == "guardian-consent-needed"
    assert (await grant_for(guardian, pupil_id, department)).status_code == 201
    clock.advance(1)
    assert await auth.consents.find_active(connection, UUID(pupil_id), department, PURPOSE) is None
    assert slug_of(await grant_for(guardian, pupil_id, department)) == "own-consent-needed"
    own = (await grant(pupil, department)).json()
    assert (own["given_by"], before["given_by"]) == ("self", "guardian")
    path = f"/v1/me/children/{pupil_id}/consents"
    answers = [
        await guardian.get(path),
        await guardian.client.delete(f"{path}/{own['id']}", headers=guardian.headers),
        await guardian.get(f"/v1/me/children/{pupil_id}/consent-requests"),
    ]
    assert {slug_of(answer) for answer in answers} == {"own-consent-needed"}
    assert await auth.consents.find_active(connection, UUID(pupil_id), department, PURPOSE) is not None


async def test_who_shows_a_childs_code_by_another_mandate_is_no_guardian(
    new_phone: NewPhone, child_id: str, department: UUID, connection: Connection
) -> None:
    other = new_phone("19900000005")
    await other.become_known(RESIDENTS[3])
    other_id = (await other.get("/v1/me")).json()["subject_id"]
    await connection.execute(BY_AGREEMENT, uuid4(), UUID(child_id), UUID(other_id))
    assert slug_of(await grant_for(other, child_id, department)) == "child-unknown"
