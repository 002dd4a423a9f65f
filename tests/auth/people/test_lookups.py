"""Looking somebody up: with their yes or by a registered law, never else; and every look stands on their list."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.demo.registries import CITIZEN, RESPONSIBLE, RESTAURANT, SECOND_CITIZEN
from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.people.lookups.models import ANSWER_WITHIN, READ_WITHIN, Lookup
from auth.settings import AuthSettings
from auth.wiring import AuthServices
from tests.auth.people.conftest import NewStaff, Staff, kinds, named, person_of
from tests.auth.people.test_life import bury, freeze
from tests.auth.phones import Phone, slug_of

NewPhone = Callable[[str], Phone]
ASK, MINE, BY_LAW, BASES = "/v1/lookups", "/v1/me/lookups", "/v1/staff/lookups", "/v1/staff/lookup-bases"
LANDLORD = "租房合同核实"


@pytest.fixture
async def asker(new_phone: NewPhone) -> Phone:
    phone = new_phone("19900000051")
    await phone.become_known(SECOND_CITIZEN)
    return phone


async def ask(phone: Phone, *attributes: str, **changes: Any) -> httpx.Response:
    body = {"person": named(), "attributes": attributes or ("full_name", "age_over_18"), "purpose": LANDLORD}
    return await phone.client.post(ASK, json=body | changes, headers=phone.headers)


async def read(phone: Phone, lookup_id: str) -> dict[str, Any]:
    response = await phone.get(f"{ASK}/{lookup_id}")
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def decide(phone: Phone, lookup_id: str, decision: str) -> httpx.Response:
    return await phone.client.post(f"{MINE}/{lookup_id}/decision", json={"decision": decision}, headers=phone.headers)


async def my_looks(phone: Phone) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await phone.get(MINE)).json()["items"]
    return items


async def test_a_yes_shows_what_was_asked_for_and_no_more(citizen: Phone, asker: Phone, connection: Connection) -> None:
    asked = await ask(asker)
    assert (asked.status_code, asked.json()["state"], asked.json()["attributes"]) == (202, "pending", None)
    lookup_id = asked.json()["id"]
    assert (await kinds(connection, await person_of(citizen)))[-1] == "lookup_requested"
    (request,) = await my_looks(citizen)
    assert (request["requester"], request["purpose"], request["state"]) == ("演***二", LANDLORD, "pending")
    assert (request["legal_basis"], request["read_at"]) == (None, None)
    assert (await decide(citizen, lookup_id, "approved")).json()["state"] == "approved"
    assert (await read(asker, lookup_id))["attributes"] == {"full_name": CITIZEN.name, "age_over_18": True}
    (seen,) = await my_looks(citizen)
    assert seen["read_at"] is not None
    looked = await connection.fetchrow("select * from kit.audit_entry where action = 'person.looked_up'")
    assert looked is not None
    assert looked["subject"] == f"person:{await person_of(citizen)}"
    assert CITIZEN.name not in str(dict(looked))


async def test_a_yes_fades(citizen: Phone, asker: Phone, clock: ManualClock) -> None:
    lookup_id = (await ask(asker)).json()["id"]
    await decide(citizen, lookup_id, "approved")
    clock.advance(READ_WITHIN.total_seconds())
    await asker.renew()
    view = await read(asker, lookup_id)
    assert (view["state"], view["attributes"]) == ("over", None)


async def test_a_no_silence_and_nobody_look_the_same(
    citizen: Phone, asker: Phone, clock: ManualClock, counter: Staff, new_phone: NewPhone
) -> None:
    denied = (await ask(asker)).json()
    silent = (await ask(asker)).json()
    nobody = (await ask(asker, person=named(name="没有这人"))).json()
    other = new_phone("19900000052")
    await other.become_known(RESPONSIBLE)
    await freeze(counter, holder=named(RESPONSIBLE))
    frozen = (await ask(asker, person=named(RESPONSIBLE))).json()
    assert (await decide(citizen, denied["id"], "denied")).json()["state"] == "denied"
    lookups = [denied, silent, nobody, frozen]

    async def seen() -> list[dict[str, Any]]:
        return [
            {name: value for name, value in (await read(asker, one["id"])).items() if name != "id"} for one in lookups
        ]

    first, *others = await seen()
    assert first["state"] == "pending"
    assert others == [first] * 3
    clock.advance(ANSWER_WITHIN.total_seconds())
    await asker.renew()
    first, *others = await seen()
    assert first["state"] == "over"
    assert others == [first] * 3


async def test_who_was_not_asked_decides_and_reads_nothing(citizen: Phone, asker: Phone, new_phone: NewPhone) -> None:
    lookup_id = (await ask(asker)).json()["id"]
    third = new_phone("19900000053")
    await third.become_known(RESPONSIBLE)
    for stranger in (third, asker):
        assert slug_of(await decide(stranger, lookup_id, "approved")) == "lookup-unknown"
    await decide(citizen, lookup_id, "approved")
    for stranger in (third, citizen):
        assert slug_of(await stranger.get(f"{ASK}/{lookup_id}")) == "lookup-unknown"
    assert slug_of(await asker.get(f"{ASK}/{uuid4()}")) == "lookup-unknown"
    assert await my_looks(asker) == []


async def test_an_answer_is_given_once_and_in_time(citizen: Phone, asker: Phone, clock: ManualClock) -> None:
    lookup_id = (await ask(asker)).json()["id"]
    late = (await ask(asker)).json()["id"]
    await decide(citizen, lookup_id, "denied")
    assert slug_of(await decide(citizen, lookup_id, "approved")) == "lookup-over"
    clock.advance(ANSWER_WITHIN.total_seconds())
    await citizen.renew()
    assert slug_of(await decide(citizen, late, "approved")) == "step-up-required"
    await citizen.come_back(clock)
    assert slug_of(await decide(citizen, late, "approved")) == "lookup-over"
    assert {one["state"] for one in await my_looks(citizen)} == {"denied", "expired"}


async def test_who_dies_after_a_yes_is_not_read(
    citizen: Phone, asker: Phone, counter: Staff, connection: Connection
) -> None:
    del connection
    lookup_id = (await ask(asker)).json()["id"]
    await bury(counter)
    assert (await read(asker, lookup_id))["state"] == "pending"
    assert (await citizen.client.get(MINE)).status_code == 401


async def test_questions_are_counted(citizen: Phone, asker: Phone, auth_settings: AuthSettings) -> None:
    del citizen
    for _ in range(auth_settings.lookup_limit):
        assert (await ask(asker, person=named(name="没有这人"))).status_code == 202
    assert slug_of(await ask(asker)) == "rate-limited"


@pytest.mark.parametrize(
    "changes",
    [
        {"attributes": []},
        {"attributes": ["birth_date"]},
        {"attributes": ["full_name"] * 7},
        {"purpose": ""},
        {"purpose": "a\nb"},
        {"purpose": " 空格"},
        {"person": {}},
        {"subject_id": "x"},
    ],
)
async def test_questions_that_make_no_sense(asker: Phone, changes: dict[str, Any]) -> None:
    assert (await ask(asker, **changes)).status_code == 400


async def test_who_is_known_by_phone_alone_asks_nobody(phone: Phone) -> None:
    await phone.sign_in()
    assert slug_of(await ask(phone)) == "identity-level-too-low"
    assert slug_of(await phone.get(MINE)) == "identity-level-too-low"
    assert (await phone.client.post(ASK, json={})).status_code == 401


async def test_a_company_asks_in_its_own_name(citizen: Phone, new_phone: NewPhone) -> None:
    owner = new_phone("19900000054")
    await owner.become_known(RESPONSIBLE)
    body = {"credit_code": RESTAURANT.credit_code}
    company = (await owner.client.post("/v1/organizations", json=body, headers=owner.headers)).json()
    own = dict(owner.tokens)
    switched = await owner.client.post(f"/v1/organizations/{company['id']}/session", headers=owner.headers)
    owner.tokens = switched.json()
    lookup_id = (await ask(owner, "display_name")).json()["id"]
    assert (await my_looks(citizen))[0]["requester"] == RESTAURANT.name
    await decide(citizen, lookup_id, "approved")
    assert (await read(owner, lookup_id))["attributes"] == {"display_name": "演***一"}
    owner.tokens = own
    assert slug_of(await owner.get(f"{ASK}/{lookup_id}")) == "lookup-unknown"


class Office:
    """A department with a registered basis, and the official who acts by it."""

    def __init__(self, officer: Staff, guardian: Staff) -> None:
        self.officer = officer
        self.guardian = guardian

    async def register(self, **changes: Any) -> httpx.Response:
        body = {
            "organization_id": str(self.officer.organization_id),
            "purpose": "火灾事故调查",
            "legal_basis": "《消防法》第五十一条",
            "attributes": ["full_name", "phone_tail"],
        }
        return await self.guardian.call("POST", BASES, body | changes)

    async def look_up(self, basis_id: str, **changes: Any) -> httpx.Response:
        body = {"basis_id": basis_id, "person": named(), "case": "演示案号 2026-1"}
        return await self.officer.call("POST", BY_LAW, body | changes)


@pytest.fixture
async def office(new_staff: NewStaff) -> Office:
    return Office(await new_staff("lookup_officer"), await new_staff("security_admin", department=901))


async def test_by_law_the_person_is_told_and_reads_the_case(
    citizen: Phone, office: Office, connection: Connection
) -> None:
    basis_id = (await office.register()).json()["id"]
    answer = await office.look_up(basis_id)
    assert answer.json()["attributes"] == {"full_name": CITIZEN.name, "phone_tail": citizen.number[-4:]}
    assert answer.headers["cache-control"] == "no-store"
    assert (await kinds(connection, await person_of(citizen)))[-1] == "looked_up"
    (look,) = await my_looks(citizen)
    assert (look["requester"], look["legal_basis"]) == ("测试部门900", "《消防法》第五十一条")
    assert (look["purpose"], look["state"]) == ("火灾事故调查 · 演示案号 2026-1", "answered")
    assert slug_of(await decide(citizen, look["id"], "denied")) == "lookup-over"


async def test_no_basis_no_look(
    citizen: Phone, office: Office, new_staff: NewStaff, clock: ManualClock, connection: Connection
) -> None:
    mine = (await office.register(days=1)).json()["id"]
    foreign = (await office.register(organization_id=str(office.guardian.organization_id))).json()["id"]
    ended = (await office.register()).json()["id"]
    await office.guardian.call("DELETE", f"{BASES}/{ended}")
    assert slug_of(await office.guardian.call("DELETE", f"{BASES}/{ended}")) == "lookup-basis-unknown"
    for basis_id in (foreign, ended, str(uuid4())):
        assert slug_of(await office.look_up(basis_id)) == "lookup-basis-missing"
    clock.advance(86_400)
    office.officer = await new_staff("lookup_officer")
    assert slug_of(await office.look_up(mine)) == "lookup-basis-missing"
    assert await connection.fetchval("select count(*) from auth.lookup") == 0
    assert (await citizen.client.get(MINE)).status_code == 401


async def test_a_look_at_nobody_is_remembered(office: Office, connection: Connection) -> None:
    basis_id = (await office.register()).json()["id"]
    assert slug_of(await office.look_up(basis_id)) == "named-person-unknown"
    count = await connection.fetchval("select count(*) from kit.audit_entry where action = 'person.named_unknown'")
    assert count == 1


@pytest.mark.parametrize("role", ["counter", "reviewer", "system_admin", "security_admin", "audit_admin", "hotline"])
async def test_other_roles_look_nobody_up(citizen: Phone, office: Office, new_staff: NewStaff, role: str) -> None:
    basis_id = (await office.register()).json()["id"]
    office.officer = await new_staff(role)
    assert slug_of(await office.look_up(basis_id)) == "role-missing"
    assert await my_looks(citizen) == []


@pytest.mark.parametrize("role", ["lookup_officer", "system_admin", "audit_admin"])
async def test_whoever_looks_does_not_register_the_law(office: Office, new_staff: NewStaff, role: str) -> None:
    office.guardian = await new_staff(role)
    assert slug_of(await office.register()) == "role-missing"


async def test_bases_stand_in_a_list(office: Office) -> None:
    ids = [(await office.register()).json()["id"] for _ in range(3)]
    first = (await office.officer.call("GET", f"{BASES}?limit=2")).json()
    rest = (await office.officer.call("GET", f"{BASES}?after={first['next']}")).json()
    assert [one["id"] for one in [*first["items"], *rest["items"]]] == ids
    assert slug_of(await office.register(organization_id=str(uuid4()))) == "organization-unknown"


async def test_old_looks_are_forgotten(
    citizen: Phone, asker: Phone, auth: AuthServices, clock: ManualClock, connection: Connection
) -> None:
    del citizen
    await ask(asker)
    await ask(asker, person=named(name="没有这人"))
    left = []
    for days in (29, 2, 3 * 365):
        clock.advance(days * 86_400)
        await auth.people_rooms.lookups.forget(connection)
        left.append(await connection.fetchval("select count(*) from auth.lookup"))
    assert left == [2, 1, 0]


MOMENTS = st.datetimes(max_value=datetime(2100, 1, 1))  # noqa: DTZ001 - only compared among each other
LOOKUPS = st.builds(
    Lookup,
    id=st.just(UUID(int=1)),
    subject_id=st.none() | st.just(UUID(int=2)),
    requester_type=st.just("person"),
    requester_id=st.just(UUID(int=3)),
    agent_id=st.none(),
    organization_id=st.none(),
    basis_id=st.none(),
    attributes=st.just([]),
    purpose_sealed=st.just(b""),
    state=st.sampled_from(["pending", "approved", "denied", "answered"]),
    requested_at=MOMENTS,
    expires_at=MOMENTS,
)


@given(LOOKUPS, MOMENTS)
def test_data_are_shown_while_and_only_while_they_were_approved(lookup: Lookup, now: Any) -> None:
    shown = lookup.shown_to_asker(now) == "approved"
    assert shown == lookup.may_be_read(now) == (lookup.state == "approved" and now < lookup.expires_at)
    assert not (lookup.may_be_decided(now) and lookup.may_be_read(now))
