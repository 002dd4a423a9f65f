"""Several documents of one person: added, renewed, renamed; another's document is nobody's to add."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.demo.registries import (
    FOREIGNER,
    FOREIGNER_CARD_2023,
    HONG_KONG_RESIDENT,
    PASSPORT,
    RENAMED,
    RENEWED_PASSPORT,
    RESIDENTS,
    SECOND_CITIZEN,
    TRAVEL_PERMIT,
    Resident,
)
from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.documents import make_synthetic_id_number
from auth.people.documents.models import KnownDocument, judge
from auth.people.models import Identity
from auth.settings import AuthSettings
from auth.wiring import AuthServices
from tests.auth.people.conftest import NewStaff, Staff, kinds, named, person_of
from tests.auth.phones import Phone, slug_of

HOLDER, BEFORE_RENAMING = RESIDENTS[3], RESIDENTS[4]
MINE = "/v1/me/documents"
NewPhone = Callable[[str], Phone]


@pytest.fixture
async def holder(phone: Phone) -> Phone:
    await phone.become_known(HOLDER)
    return phone


async def show(phone: Phone, document: Resident, **changes: str) -> httpx.Response:
    return await phone.client.post(MINE, json=named(document, **changes), headers=phone.headers)


async def mine(phone: Phone) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await phone.get(MINE)).json()["items"]
    return items


async def found(auth: AuthServices, connection: Connection, who: Resident) -> UUID | None:
    return await auth.people.find_named(connection, **named(who))  # type: ignore[arg-type]


async def test_a_passport_beside_the_id_card(holder: Phone, auth: AuthServices, connection: Connection) -> None:
    person_id = await person_of(holder)
    assert (await show(holder, PASSPORT)).json() == {"change": "added"}
    assert (await show(holder, PASSPORT)).json() == {"change": "same"}
    assert [(one["document_type"], one["name"], one["main"], one["state"]) for one in await mine(holder)] == [
        ("id_card", "测*甲", True, "current"),
        ("passport", "C***A", False, "current"),
    ]
    assert str(await found(auth, connection, PASSPORT)) == str(await found(auth, connection, HOLDER)) == person_id
    assert (await kinds(connection, person_id)).count("document_changed") == 1
    assert (await holder.get("/v1/me/account-events")).json()["items"][0]["kind"] == "document_added"


async def test_a_renewed_passport_replaces_the_old_one(
    holder: Phone, auth: AuthServices, connection: Connection, new_phone: NewPhone
) -> None:
    await show(holder, PASSPORT)
    assert (await show(holder, RENEWED_PASSPORT)).json() == {"change": "renewed"}
    assert [one["state"] for one in await mine(holder)] == ["current", "former", "current"]
    assert await found(auth, connection, PASSPORT) is None
    assert str(await found(auth, connection, RENEWED_PASSPORT)) == await person_of(holder)
    stranger = new_phone("19900000041")
    await stranger.sign_in()
    assert slug_of(await stranger.tell_name(PASSPORT, document_type="passport")) == "document-already-bound"
    assert (await show(holder, PASSPORT)).json() == {"change": "same"}
    assert [one["state"] for one in await mine(holder)] == ["current", "former", "current"]


async def test_the_2023_card_replaces_the_2017_card(phone: Phone, auth: AuthServices, connection: Connection) -> None:
    await phone.sign_in()
    answer = await phone.tell_name(FOREIGNER, document_type=FOREIGNER.document_type)
    assert answer.status_code == 200, answer.text
    await phone.renew()
    person_id = await person_of(phone)
    assert (await show(phone, FOREIGNER_CARD_2023)).json() == {"change": "renewed"}
    assert await person_of(phone) == person_id
    documents = await mine(phone)
    assert [(len(one["document_number"]), one["main"], one["state"]) for one in documents] == [
        (18, True, "current"),
        (15, False, "former"),
    ]
    assert str(await found(auth, connection, FOREIGNER_CARD_2023)) == person_id
    disclosed = await auth.people.disclose(connection, UUID(person_id), frozenset({"age_over_18", "full_name"}))
    assert disclosed == {"age_over_18": True, "full_name": "CESHI ALEX"}


async def test_a_residence_permit_and_a_travel_permit(phone: Phone) -> None:
    await phone.sign_in()
    await phone.tell_name(HONG_KONG_RESIDENT, document_type=HONG_KONG_RESIDENT.document_type)
    await phone.renew()
    assert (await show(phone, TRAVEL_PERMIT)).json() == {"change": "added"}


async def test_a_changed_name_keeps_the_person(phone: Phone, auth: AuthServices, connection: Connection) -> None:
    await phone.become_known(BEFORE_RENAMING)
    person_id = await person_of(phone)
    assert (await show(phone, RENAMED)).json() == {"change": "renamed"}
    assert [(one["name"], one["main"]) for one in await mine(phone)] == [("测*新", True)]
    assert str(await found(auth, connection, RENAMED)) == person_id
    assert await found(auth, connection, BEFORE_RENAMING) is None


@pytest.mark.parametrize(
    "document",
    [
        named(SECOND_CITIZEN),
        named(PASSPORT, document_number="E19000099"),
        named(PASSPORT, name="CESHI YI"),
        named(TRAVEL_PERMIT),
    ],
)
async def test_what_the_register_does_not_confirm_is_refused_and_counted(
    holder: Phone, auth_settings: AuthSettings, clock: ManualClock, document: dict[str, str]
) -> None:
    for _ in range(auth_settings.real_name_limit):
        answer = await holder.client.post(MINE, json=document, headers=holder.headers)
        assert slug_of(answer) == "document-refused"
    assert slug_of(await show(holder, PASSPORT)) == "rate-limited"
    clock.advance(86_400)
    await holder.renew()
    assert slug_of(await show(holder, PASSPORT)) == "step-up-required"


@pytest.mark.parametrize(
    "document",
    [
        named(PASSPORT, document_number="E1"),
        named(PASSPORT, name="7"),
        named(HONG_KONG_RESIDENT, document_number=HOLDER.document_number),
        named(FOREIGNER, document_number="ZZZ19000000000"),
        named(TRAVEL_PERMIT, document_number="X19000001"),
    ],
)
async def test_what_cannot_be_a_document_is_told_so(holder: Phone, document: dict[str, str]) -> None:
    answer = await holder.client.post(MINE, json=document, headers=holder.headers)
    assert slug_of(answer) == "real-name-out-of-form"


async def test_a_document_of_another_account_waits_for_a_counter(holder: Phone, new_phone: NewPhone) -> None:
    other = new_phone("19900000042")
    await other.sign_in()
    await other.tell_name(PASSPORT, document_type="passport")
    assert slug_of(await show(holder, PASSPORT)) == "document-already-bound"


async def test_nobody_shows_documents_unknown_or_signed_out(phone: Phone) -> None:
    assert (await phone.client.post(MINE, json=named(PASSPORT))).status_code == 401
    await phone.sign_in()
    assert slug_of(await show(phone, PASSPORT)) == "identity-level-too-low"
    assert slug_of(await phone.get(MINE)) == "identity-level-too-low"


async def record(official: Staff, document: dict[str, str], **changes: Any) -> httpx.Response:
    body = {"holder": named(HOLDER), "document": document, "holder_checked": True}
    return await official.call("POST", "/v1/staff/people/documents", body | changes)


async def test_a_counter_records_what_no_register_confirms(
    holder: Phone, counter: Staff, auth: AuthServices, connection: Connection
) -> None:
    person_id = UUID(await person_of(holder))
    corrected = named(HOLDER, document_number=make_synthetic_id_number(birth=date(1992, 3, 15), sequence=404))
    assert slug_of(await record(counter, corrected, holder_checked=False)) == "person-not-checked"
    assert (await auth.people.get_person(connection, person_id)).identity_level == 2
    assert (await record(counter, corrected)).json() == {"change": "renewed"}
    assert (await auth.people.get_person(connection, person_id)).identity_level == 3
    assert slug_of(await record(counter, named(PASSPORT))) == "named-person-unknown"
    assert await auth.people.find_named(connection, **corrected) == person_id  # type: ignore[arg-type]


async def test_a_number_of_the_id_card_changes_at_a_counter_alone(
    holder: Phone, registries_url: str, auth: AuthServices
) -> None:
    """Even if a register said yes."""
    del registries_url

    async def says_yes(**_asked: Any) -> Any:
        return type("Yes", (), {"match": True})()

    auth.people_rooms.documents._registry = type("Register", (), {"check_same_person": staticmethod(says_yes)})()
    other = named(HOLDER, document_number=make_synthetic_id_number(birth=date(1992, 3, 15), sequence=405))
    answer = await holder.client.post(MINE, json=other, headers=holder.headers)
    assert slug_of(answer) == "document-refused"


async def test_a_counter_confirms_a_person(holder: Phone, counter: Staff, new_staff: NewStaff) -> None:
    body = {"holder": named(HOLDER), "holder_checked": True}
    path = "/v1/staff/people/confirmations"
    assert slug_of(await counter.call("POST", path, body | {"holder_checked": False})) == "person-not-checked"
    assert slug_of(await counter.call("POST", path, body | {"holder": named(PASSPORT)})) == "named-person-unknown"
    assert (await counter.call("POST", path, body)).json()["status"] == "active"
    for role in ("hotline", "reviewer"):
        assert slug_of(await (await new_staff(role)).call("POST", path, body)) == "role-missing"
    assert (await holder.get("/v1/me")).json()["person"]["identity_level"] == 3


IDENTITIES = st.builds(
    Identity,
    name=st.sampled_from(["甲", "乙"]),
    document_type=st.sampled_from(["id_card", "passport"]),
    document_number=st.sampled_from(["1", "2", "3"]),
)
DOCUMENTS = st.builds(
    KnownDocument,
    identity=IDENTITIES,
    told_to=st.just(UUID(int=1)),
    first=st.booleans(),
    state=st.sampled_from(["current", "former"]),
    added_at=st.none(),
)


@given(st.lists(DOCUMENTS, max_size=4), IDENTITIES)
def test_what_a_document_is_to_the_others(known: list[KnownDocument], shown: Identity) -> None:
    change, before = judge(known, shown)
    numbers = {(one.identity.document_type, one.identity.document_number) for one in known}
    assert (change in {"same", "renamed"}) == ((shown.document_type, shown.document_number) in numbers)
    assert (before is None) == (change == "added")
    if before is not None:
        assert before.identity.document_type == shown.document_type
        assert change == "same" or before.state == "current"
    if change == "renamed":
        assert before is not None
        assert before.identity.name != shown.name
