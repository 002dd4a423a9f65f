"""Guardians and children against a real registry server: whose child is added, whose is not, and when it ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.demo.registries import CHILD, CITIZEN, GROWN_UP, PUPIL, SECOND_CITIZEN, SIBLING, Resident
from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from auth.documents import age_on, make_synthetic_id_number
from auth.mandates.models import ADULT, adulthood_of
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from tests.auth.conftest import open_client
from tests.auth.phones import Phone, slug_of

NewPhone = Callable[[str], Phone]
CITY = timedelta(hours=8)


async def add(phone: Phone, child: Resident = CHILD, **changes: Any) -> httpx.Response:
    body = {"name": child.name, "document_number": child.document_number} | changes
    return await phone.client.post("/v1/me/children", json=body, headers=phone.headers)


async def remove(phone: Phone, child_id: str) -> httpx.Response:
    return await phone.client.delete(f"/v1/me/children/{child_id}", headers=phone.headers)


async def children(phone: Phone) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await phone.get("/v1/me/children")).json()["items"]
    return items


async def notices(connection: Connection, person_id: str) -> list[str]:
    rows = await connection.fetch("select kind from auth.message where person_id = $1 order by id", person_id)
    return [row["kind"] for row in rows]


@pytest.fixture
async def guardian(phone: Phone) -> Phone:
    await phone.become_known()
    return phone


@pytest.fixture
async def stranger(new_phone: NewPhone) -> Phone:
    other = new_phone("19900000002")
    await other.become_known(Resident(name="测试甲", document_number=make_id(1992, 4)))
    return other


def make_id(year: int, sequence: int) -> str:
    return make_synthetic_id_number(birth=date(year, 3, 15), sequence=sequence)


async def test_guardian_adds_their_child(guardian: Phone, connection: Connection, auth: AuthServices) -> None:
    answer = await add(guardian)
    assert answer.status_code == 201, answer.text
    child = answer.json()
    assert (child["display_name"], child["until"]) == ("演***友", "2036-03-14T16:00:00Z")
    assert CHILD.document_number not in answer.text
    assert CHILD.name not in answer.text
    assert await children(guardian) == [child]
    person = await auth.people.get_person(connection, child["id"])
    assert (person.identity_level, person.status) == (2, "active")
    assert await auth.people.disclose(connection, person.id, frozenset({"full_name", "age_over_18", "phone_tail"})) == {
        "full_name": CHILD.name,
        "age_over_18": False,
    }
    assert await notices(connection, child["id"]) == ["guardian_added"]
    given = await connection.fetchrow("select * from kit.audit_entry where action = 'mandate.given'")
    assert given is not None
    assert (given["subject"], given["detail"]["kind"]) == (f"person:{child['id']}", "guardian")
    assert CHILD.name not in str(dict(given))


async def test_adding_twice_changes_nothing(guardian: Phone, connection: Connection) -> None:
    first, second = await add(guardian), await add(guardian)
    assert second.json() == first.json()
    assert await connection.fetchval("select count(*) from auth.mandate") == 1
    assert await notices(connection, first.json()["id"]) == ["guardian_added"]


async def test_both_parents_share_one_child(guardian: Phone, new_phone: NewPhone) -> None:
    other = new_phone("19900000003")
    await other.become_known(SECOND_CITIZEN)
    mine, theirs = (await add(guardian)).json(), (await add(other)).json()
    assert mine["id"] == theirs["id"]
    assert mine["mandate_id"] != theirs["mandate_id"]


async def test_child_with_an_account_keeps_it(guardian: Phone, new_phone: NewPhone) -> None:
    own = new_phone("19900000004")
    await own.become_known(CHILD)
    me = (await own.get("/v1/me")).json()
    assert (await add(guardian)).json()["id"] == me["subject_id"]
    kinds = [message["kind"] for message in (await own.get("/v1/me/messages")).json()["items"]]
    assert kinds == ["guardian_added"]


@pytest.mark.parametrize("child", [PUPIL, SECOND_CITIZEN, CITIZEN, replace(CHILD, name=SIBLING.name)])
async def test_nobody_adds_who_is_not_their_child(guardian: Phone, connection: Connection, child: Resident) -> None:
    answer = await add(guardian, child)
    refused = {(422, "guardianship-refused"), (400, "child-out-of-form")}
    assert (answer.status_code, slug_of(answer)) in refused
    assert await children(guardian) == []
    assert await connection.fetchval("select count(*) from auth.mandate") == 0
    assert await connection.fetchval("select count(*) from auth.person") == 1


async def test_refusals_do_not_tell_strangers_who_exists(stranger: Phone) -> None:
    known, unknown = await add(stranger, CHILD), await add(stranger, replace(CHILD, name="无人"))
    assert known.text == unknown.text


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "孩子1"},
        {"document_number": ""},
        {"document_number": "190000201803150010"},
        {"document_type": "passport", "document_number": "!"},
        {"document_number": "\x00"},
    ],
)
async def test_child_out_of_form_is_refused_without_asking(guardian: Phone, changes: dict[str, Any]) -> None:
    answer = await add(guardian, **changes)
    assert (answer.status_code, slug_of(answer)) == (400, "child-out-of-form")


@pytest.mark.parametrize("changes", [{"document_type": "library_card"}, {"extra": 1}, {"name": None}])
async def test_bodies_out_of_shape_are_a_problem(guardian: Phone, changes: dict[str, Any]) -> None:
    assert slug_of(await add(guardian, **changes)) == "fields-invalid"


async def test_who_is_of_age_is_nobody_s_child(guardian: Phone) -> None:
    assert slug_of(await add(guardian, GROWN_UP)) == "child-out-of-form"


async def test_phone_alone_adds_nobody(phone: Phone) -> None:
    await phone.sign_in()
    assert slug_of(await add(phone)) == "identity-level-too-low"


async def test_anonymous_is_refused(client: httpx.AsyncClient) -> None:
    for method, path in (("POST", "/v1/me/children"), ("GET", "/v1/me/children")):
        answer = await client.request(method, path, json={"name": "a", "document_number": "b"})
        assert slug_of(answer) == "unauthenticated"


async def test_old_sign_in_must_step_up(guardian: Phone, clock: ManualClock) -> None:
    clock.advance(301)
    assert slug_of(await add(guardian)) == "step-up-required"


async def test_guessing_ends_after_five_a_day(guardian: Phone, clock: ManualClock) -> None:
    for _ in range(5):
        assert slug_of(await add(guardian, PUPIL)) == "guardianship-refused"
    assert slug_of(await add(guardian)) == "rate-limited"


async def test_confirmed_children_are_not_counted(guardian: Phone) -> None:
    for _ in range(6):
        assert (await add(guardian)).status_code == 201


async def test_silent_registry_is_not_counted(
    floor: Floor, auth_settings: AuthSettings, guardian: Phone, connection: Connection
) -> None:
    services = build_auth(floor, replace(auth_settings, population_registry_url="http://127.0.0.1:9"))
    async with open_client(floor, services) as away:
        body = {"name": CHILD.name, "document_number": CHILD.document_number}
        for _ in range(6):
            answer = await away.post("/v1/me/children", json=body, headers=guardian.headers)
            assert slug_of(answer) == "registry-unavailable"
    await services.close()
    assert await connection.fetchval("select attempts from auth.attempt where kind = 'guardianship'") == 0


PASSPORT = {"document_type": "passport", "document_number": "E12345678"}


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"match": True, "birth_date": "2018-05-01"}, 201),
        ({"match": True}, 422),
        ({"match": True, "birth_date": "2000-05-01"}, 422),
        ({"match": False, "birth_date": "2018-05-01"}, 422),
        ({"match": "yes"}, 503),
    ],
)
async def test_passports_need_the_registry_s_birth_date(
    *, floor: Floor, auth_settings: AuthSettings, guardian: Phone, said: dict[str, Any], status: int
) -> None:
    """A passport number carries no date: whose age nobody knows would never come of age."""
    async with registry_that_says(said) as url:
        services = build_auth(floor, replace(auth_settings, population_registry_url=url))
        async with open_client(floor, services) as client:
            answer = await client.post(
                "/v1/me/children", json={"name": CHILD.name} | PASSPORT, headers=guardian.headers
            )
        await services.close()
    assert answer.status_code == status
    if status == 201:
        assert answer.json()["until"] == "2036-04-30T16:00:00Z"


@contextlib.asynccontextmanager
async def registry_that_says(said: dict[str, Any]) -> AsyncIterator[str]:
    """A registry with one answer to everything."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(said)

    application = web.Application()
    application.router.add_post("/v1/guardianships/check", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_removed_child_is_gone_and_told(guardian: Phone, connection: Connection) -> None:
    child = (await add(guardian)).json()
    assert (await remove(guardian, child["id"])).status_code == 200
    assert await children(guardian) == []
    assert await notices(connection, child["id"]) == ["guardian_added", "guardian_removed"]
    ended = await connection.fetchrow("select revoked_reason from auth.mandate")
    assert ended is not None
    assert ended["revoked_reason"] == "ended_by_guardian"
    assert slug_of(await remove(guardian, child["id"])) == "child-unknown"
    assert (await add(guardian)).json()["mandate_id"] != child["mandate_id"]


async def test_nobody_removes_another_s_child(guardian: Phone, stranger: Phone) -> None:
    child = (await add(guardian)).json()
    answers = [await remove(stranger, child["id"]), await remove(stranger, str(uuid4()))]
    assert [slug_of(answer) for answer in answers] == ["child-unknown"] * 2
    assert len(await children(guardian)) == 1


async def test_listener_is_told_of_an_end_once(guardian: Phone, auth: AuthServices, clock: ManualClock) -> None:
    told: list[tuple[str, datetime]] = []

    class Listener:
        async def mandate_ended(self, _connection: Connection, mandate_id: Any, now: datetime) -> None:
            told.append((str(mandate_id), now))

    auth.mandates.tell(Listener())
    child = (await add(guardian)).json()
    await remove(guardian, child["id"])
    await remove(guardian, child["id"])
    assert told == [(child["mandate_id"], clock.now())]


async def test_child_leaves_on_the_eighteenth_birthday(
    guardian: Phone, auth: AuthServices, clock: ManualClock, connection: Connection
) -> None:
    child = (await add(guardian)).json()
    me = (await guardian.get("/v1/me")).json()["subject_id"]
    clock.advance((datetime(2036, 3, 14, 15, 59, 59, tzinfo=UTC) - clock.now()).total_seconds())
    assert await auth.guardians.find_guardianship(connection, me, child["id"]) is not None
    assert [str(one) for one in await auth.guardians.list_child_ids(connection, me)] == [child["id"]]
    clock.advance(1)
    assert await auth.guardians.find_guardianship(connection, me, child["id"]) is None
    assert await auth.guardians.list_child_ids(connection, me) == []


async def test_guardian_is_no_agent_and_does_not_switch_to_the_child(
    guardian: Phone, auth: AuthServices, connection: Connection
) -> None:
    """A mandate of one kind opens nothing of another."""
    child = (await add(guardian)).json()
    me = (await guardian.get("/v1/me")).json()["subject_id"]
    assert not await auth.organizations.is_agent(connection, me, child["id"])
    switched = await guardian.client.post(f"/v1/organizations/{child['id']}/session", headers=guardian.headers)
    assert slug_of(switched) == "not-an-agent"
    assert (await guardian.get("/v1/organizations")).json()["items"] == []


async def test_two_parents_at_once_make_one_child(race_client: httpx.AsyncClient, race_floor: Floor) -> None:
    phones = [Phone(race_client, race_floor.outbox.deliver_due, number=f"1990000010{n}") for n in (1, 2)]
    for phone, who in zip(phones, (CITIZEN, SECOND_CITIZEN), strict=True):
        await phone.become_known(who)
    answers = await asyncio.gather(*(add(phone) for phone in phones for _ in range(3)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len({answer.json()["mandate_id"] for answer in answers}) == 2


@given(born=st.dates(date(1900, 1, 1), date(2100, 12, 31)), minutes=st.integers(-12 * 60, 14 * 60))
def test_adulthood_begins_exactly_with_the_birthday(born: date, minutes: int) -> None:
    city = timedelta(minutes=minutes)
    until = adulthood_of(born, city)
    last = until - timedelta(microseconds=1)
    assert age_on((until + city).date(), born=born) == ADULT
    assert age_on((last + city).date(), born=born) == ADULT - 1


def test_leap_day_children_come_of_age_on_the_first_of_march() -> None:
    assert adulthood_of(date(2008, 2, 29), CITY) == datetime(2026, 2, 28, 16, tzinfo=UTC)
