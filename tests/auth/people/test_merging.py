"""Two accounts of one person made one at a counter, and two again: what follows, what ends, who may not be merged."""

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.demo.registries import (
    PASSPORT,
    RENEWED_PASSPORT,
    RESIDENTS,
    RESPONSIBLE,
    RESTAURANT,
    SECOND_CITIZEN,
)
from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.ids import new_id
from auth.people.merging.models import TICKET_SECONDS, Account, why_not
from auth.people.models import Identity, Person
from auth.wiring import AuthServices
from tests.auth.people.conftest import NewStaff, Staff, kinds, named, person_of
from tests.auth.people.test_life import bury, freeze, reverse
from tests.auth.phones import Key, Phone, slug_of

NewPhone = Callable[[str], Phone]
HOLDER = RESIDENTS[3]
BY_AGREEMENT = """
insert into auth.mandate (id, principal_type, principal_id, agent_id, kind, role, proof, starts_at, ends_at)
values ($1, 'person', $2, $3, 'family', 'x', 'x', '2026-01-01', '2027-01-01')
"""
MERGES, TICKETS = "/v1/staff/people/merges", "/v1/me/merge-tickets"


@pytest.fixture
async def kept(phone: Phone) -> Phone:
    await phone.become_known(HOLDER)
    return phone


@pytest.fixture
async def second(new_phone: NewPhone) -> Phone:
    """The same human being, once more, on another phone and by their passport."""
    phone = new_phone("19900000061")
    await phone.sign_in()
    await phone.tell_name(PASSPORT, document_type="passport")
    await phone.renew()
    return phone


async def merge(official: Staff, **changes: Any) -> httpx.Response:
    body = {"kept": named(HOLDER), "merged": named(PASSPORT), "holder_checked": True}
    return await official.call("POST", MERGES, body | changes)


async def undo(official: Staff, merge_id: str, *, checked: bool = True) -> httpx.Response:
    return await official.call("POST", f"{MERGES}/{merge_id}/undoing", {"holder_checked": checked})


async def ticket_of(phone: Phone) -> str:
    response = await phone.client.post(TICKETS, headers=phone.headers)
    assert (response.status_code, response.headers["cache-control"]) == (201, "no-store")
    return str(response.json()["ticket"])


async def test_phones_and_documents_open_the_kept_account(
    kept: Phone, second: Phone, counter: Staff, auth: AuthServices, connection: Connection
) -> None:
    kept_id, merged_id = await person_of(kept), await person_of(second)
    assert kept_id != merged_id
    answer = await merge(counter)
    assert (answer.status_code, answer.json()["display_name"]) == (200, "测*甲")
    await auth.revoked_sessions.refresh()
    assert (await second.get("/v1/me")).status_code == 401
    await second.sign_in()
    assert await person_of(second) == kept_id
    assert str(await auth.people.find_named(connection, **named(PASSPORT))) == kept_id  # type: ignore[arg-type]
    assert (await kinds(connection, kept_id))[-1] == "accounts_merged"
    me = (await kept.get("/v1/me")).json()["person"]
    assert (me["identity_level"], len(me["phones"])) == (3, 2)
    documents = (await kept.get("/v1/me/documents")).json()["items"]
    assert [(one["document_type"], one["main"]) for one in documents] == [("id_card", True), ("passport", False)]
    events = (await kept.get("/v1/me/account-events")).json()["items"]
    assert [(one["kind"], one["reason"], one["source"]) for one in events] == [("merged", "one_person", "counter")]


async def test_undoing_it_gives_each_their_own_again(
    *, kept: Phone, second: Phone, counter: Staff, other_counter: Staff, auth: AuthServices, connection: Connection
) -> None:
    kept_id, merged_id = await person_of(kept), await person_of(second)
    merge_id = (await merge(counter)).json()["id"]
    assert slug_of(await undo(other_counter, merge_id, checked=False)) == "person-not-checked"
    assert (await undo(other_counter, merge_id)).json()["undone_at"] is not None
    assert slug_of(await undo(other_counter, merge_id)) == "merge-unknown"
    assert slug_of(await undo(counter, str(uuid4()))) == "merge-unknown"
    await second.sign_in()
    assert await person_of(second) == merged_id
    assert await person_of(kept) == kept_id
    assert str(await auth.people.find_named(connection, **named(PASSPORT))) == merged_id  # type: ignore[arg-type]
    assert len((await kept.get("/v1/me/documents")).json()["items"]) == 1
    for person_id in (kept_id, merged_id):
        assert (await kinds(connection, person_id))[-1] == "accounts_unmerged"
    assert (await merge(counter)).status_code == 200


async def test_an_account_known_by_phone_alone_is_meant_by_a_ticket(
    kept: Phone, new_phone: NewPhone, new_staff: NewStaff, clock: ManualClock
) -> None:
    nameless = new_phone("19900000062")
    await nameless.sign_in()
    late = await ticket_of(nameless)
    clock.advance(TICKET_SECONDS)
    counter = await new_staff("counter")
    await nameless.sign_in()
    assert slug_of(await merge(counter, merged=late)) == "merge-ticket-unknown"
    ticket = await ticket_of(nameless)
    assert (await merge(counter, merged=ticket)).status_code == 200
    assert slug_of(await merge(counter, merged=ticket)) == "merge-ticket-unknown"
    await nameless.sign_in()
    await kept.renew()
    assert await person_of(nameless) == await person_of(kept)


async def test_whoever_took_over_a_number_gets_no_ticket(second: Phone) -> None:
    """They hold the phone and nothing else: the account is not theirs to bring to a counter."""
    assert await ticket_of(second)
    await second.sign_in()
    refused = await second.client.post(TICKETS, headers=second.headers)
    assert slug_of(refused) == "phone-alone-not-enough"
    assert (await second.client.post(TICKETS)).status_code == 401


async def test_the_merged_account_s_keys_end(
    kept: Phone, second: Phone, counter: Staff, connection: Connection
) -> None:
    del kept
    device_id = (await second.enroll(Key())).json()["id"]
    await merge(counter)
    assert await connection.fetchval("select revoked_at from auth.device where id = $1", UUID(device_id)) is not None


async def test_tickets_are_guessed_a_few_times(kept: Phone, counter: Staff) -> None:
    del kept
    for number in range(20):
        assert slug_of(await merge(counter, merged=f"2222{number + 2000:04}".replace("0", "2").replace("1", "3"))) == (
            "merge-ticket-unknown"
        )
    assert slug_of(await merge(counter, merged="22222222")) == "rate-limited"


async def test_mandates_follow_and_come_back(
    kept: Phone, new_phone: NewPhone, counter: Staff, auth: AuthServices, connection: Connection
) -> None:
    owner = new_phone("19900000063")
    await owner.become_known(RESPONSIBLE)
    owner_id = UUID(await person_of(owner))
    body = {"credit_code": RESTAURANT.credit_code}
    company = (await owner.client.post("/v1/organizations", json=body, headers=owner.headers)).json()
    other_id = UUID(await person_of(kept))
    follow = auth.people_rooms.merging._followers[0]
    for pair in ((other_id, owner_id), (owner_id, other_id)):  # who is one human being acts for nobody by these
        await connection.execute(BY_AGREEMENT, new_id(), *pair)
    moved = await follow.person_merged(connection, owner_id, other_id, auth.people_rooms.life._clock.now())
    assert len(moved) == 1
    assert [one["id"] for one in (await kept.get("/v1/organizations")).json()["items"]] == [company["id"]]
    assert (await owner.get("/v1/organizations")).json()["items"] == []
    await follow.person_unmerged(connection, owner_id, other_id, moved, auth.people_rooms.life._clock.now())
    assert [one["id"] for one in (await owner.get("/v1/organizations")).json()["items"]] == [company["id"]]
    del counter


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({"holder_checked": False}, "person-not-checked"),
        ({"kept": named(SECOND_CITIZEN)}, "named-person-unknown"),
        ({"merged": named(RENEWED_PASSPORT)}, "named-person-unknown"),
        ({"kept": named(HOLDER), "merged": named(HOLDER)}, "merge-refused"),
        ({"merged": "0000"}, "fields-invalid"),
        ({"merged": None}, "fields-invalid"),
    ],
)
async def test_what_is_not_merged(
    kept: Phone, second: Phone, counter: Staff, changes: dict[str, Any], slug: str
) -> None:
    before = (await person_of(kept), await person_of(second))
    assert slug_of(await merge(counter, **changes)) == slug
    assert (await person_of(kept), await person_of(second)) == before


async def test_a_copy_made_meanwhile_is_gone_with_the_mistake(
    kept: Phone, second: Phone, counter: Staff, floor: Floor
) -> None:
    """It holds what the other did: they were two people after all."""
    merge_id = (await merge(counter)).json()["id"]
    await kept.renew()
    asked = await kept.client.post("/v1/me/export", headers=kept.headers)
    await floor.outbox.deliver_due()
    path = f"/v1/me/export/{asked.json()['id']}/file"
    (merged,) = (await kept.get(path)).json()["parts"]["merged_accounts"]
    assert merged["parts"]["sessions"]
    assert (await undo(counter, merge_id)).status_code == 200
    assert slug_of(await kept.get(path)) == "export-unknown"
    assert (await kept.get("/v1/me/export")).json()["items"] == []


async def test_two_people_do_not_become_one(kept: Phone, new_phone: NewPhone, counter: Staff) -> None:
    other = new_phone("19900000064")
    await other.become_known(SECOND_CITIZEN)
    answer = await merge(counter, merged=named(SECOND_CITIZEN))
    assert (slug_of(answer), answer.json()["reason"]) == ("merge-refused", "different_people")
    assert await person_of(kept) != await person_of(other)


@pytest.mark.parametrize("ends", [freeze, bury])
async def test_who_sleeps_or_is_gone_is_not_merged(
    kept: Phone, second: Phone, counter: Staff, ends: Callable[..., Any]
) -> None:
    del kept, second
    await ends(counter, holder=named(PASSPORT))
    answer = await merge(counter)
    assert (slug_of(answer), answer.json()["reason"]) == ("merge-refused", "not_active")


@pytest.mark.parametrize("role", ["hotline", "reviewer", "system_admin", "lookup_officer"])
async def test_counters_alone_merge(kept: Phone, second: Phone, new_staff: NewStaff, role: str) -> None:
    del kept, second
    official = await new_staff(role)
    assert slug_of(await merge(official)) == "role-missing"
    assert slug_of(await official.call("GET", MERGES)) == "role-missing"


async def test_an_office_reads_its_own_merges(kept: Phone, second: Phone, counter: Staff, new_staff: NewStaff) -> None:
    del kept, second
    merge_id = (await merge(counter)).json()["id"]
    await undo(counter, merge_id)
    again = (await merge(counter)).json()["id"]
    first = (await counter.call("GET", f"{MERGES}?limit=1")).json()
    rest = (await counter.call("GET", f"{MERGES}?after={first['next']}")).json()
    assert [one["id"] for one in [*first["items"], *rest["items"]]] == [again, merge_id]
    elsewhere = await new_staff("counter", department=901)
    assert (await elsewhere.call("GET", MERGES)).json() == {"items": [], "next": None}


async def test_accounts_merged_before_come_along_and_stay_behind(
    kept: Phone, second: Phone, new_phone: NewPhone, counter: Staff
) -> None:
    """A nameless account into the passport's, that into the ID card's; then the second merge was a mistake."""
    nameless = new_phone("19900000065")
    await nameless.sign_in()
    kept_id, second_id = await person_of(kept), await person_of(second)
    assert (await merge(counter, kept=named(PASSPORT), merged=await ticket_of(nameless))).status_code == 200
    merge_id = (await merge(counter)).json()["id"]
    await nameless.sign_in()
    assert await person_of(nameless) == kept_id
    await undo(counter, merge_id)
    await nameless.sign_in()
    assert await person_of(nameless) == second_id


async def test_a_death_frees_the_numbers_of_the_merged_account_too(
    *, kept: Phone, second: Phone, counter: Staff, other_counter: Staff, new_phone: NewPhone, connection: Connection
) -> None:
    kept_id = await person_of(kept)
    merge_id = (await merge(counter)).json()["id"]
    await bury(counter, holder=named(HOLDER))
    assert await connection.fetchval("select count(*) from auth.phone") == 0
    heir = new_phone(second.number)
    await heir.sign_in()
    assert await person_of(heir) != kept_id
    await connection.execute("delete from auth.phone where person_id = $1", UUID(await person_of(heir)))
    await undo(other_counter, merge_id)  # another human being after all, and alive
    await second.sign_in()
    assert await person_of(second) != kept_id
    await reverse(other_counter, holder=named(HOLDER))
    await kept.sign_in()
    assert await person_of(kept) == kept_id


async def test_what_was_erased_with_the_kept_account_does_not_come_back(
    *, kept: Phone, second: Phone, counter: Staff, auth: AuthServices, connection: Connection
) -> None:
    kept_id, merged_id = UUID(await person_of(kept)), UUID(await person_of(second))
    merge_id = (await merge(counter)).json()["id"]
    await auth.people_rooms.life.close_account(connection, kept_id, actor="system")
    await auth.privacy.closing.erase(connection, kept_id)
    assert slug_of(await undo(counter, merge_id)) == "merge-unknown"
    assert await connection.fetchval("select status from auth.person where id = $1", merged_id) == "merged"


async def test_a_freeze_of_the_kept_account_stays_with_it(
    *, kept: Phone, second: Phone, counter: Staff, other_counter: Staff, new_phone: NewPhone, connection: Connection
) -> None:
    relative = new_phone("19900000066")
    await relative.become_known(SECOND_CITIZEN)
    merged_id, relative_id = UUID(await person_of(second)), UUID(await person_of(relative))
    await connection.execute(BY_AGREEMENT, uuid4(), merged_id, relative_id)
    merge_id = (await merge(counter)).json()["id"]
    await freeze(counter, holder=named(HOLDER))
    assert await connection.fetchval("select cardinality(stops) from auth.mandate") == 1
    await undo(other_counter, merge_id)
    mandate = await connection.fetchrow("select principal_id, stops from auth.mandate")
    assert dict(mandate or {}) == {"principal_id": merged_id, "stops": []}
    del kept


async def test_of_two_merges_at_once_one_counts(kept: Phone, second: Phone, counter: Staff) -> None:
    del kept, second
    answers = await asyncio.gather(*(merge(counter) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


BORN = st.none() | st.sampled_from([date(1990, 1, 1), date(1991, 1, 1)])


def account(number: int, document_type: Any, born: date | None, *, named_: bool) -> Account:
    person = Person(id=UUID(int=number), identity_level=1, status="active", created_at=None)  # type: ignore[arg-type]
    identity = Identity(name="甲", document_type=document_type, document_number=str(number), birth_date=born)
    return Account(person=person, identity=identity if named_ else None)


@given(st.sampled_from(["id_card", "passport"]), st.sampled_from(["id_card", "passport"]), BORN, BORN, st.booleans())
def test_people_who_differ_are_never_merged(one: str, other: str, born: Any, other_born: Any, known: bool) -> None:
    kept, merged = account(1, one, born, named_=True), account(2, other, other_born, named_=known)
    why = why_not(kept, merged)
    if (known and one == other == "id_card") or (known and None not in {born, other_born} and born != other_born):
        assert why == "different_people"
    else:
        assert why is None
    assert why_not(kept, kept) == "one_account"
    assert why_not(account(1, one, born, named_=False), merged) == "kept_unnamed"
