"""一码推送: who may tell whom, in what words, how often; four eyes; and receipts that only the enterprise can give."""

import asyncio
import dataclasses
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.vault import Vault
from auth.documents import make_synthetic_credit_code
from auth.principal import Principal
from codes.enterprise.enterprises.models import IssueCode
from codes.enterprise.pushes.delivery import Delivery
from codes.enterprise.pushes.errors import PushesExhausted
from codes.enterprise.pushes.models import Audience, PushLimits, PushView, WritePush
from codes.enterprise.pushes.service import Pushes
from codes.wiring import routers
from tests.codes.enterprise_city import (
    MARKET_SUPERVISION,
    OTHER_COMPANY,
    RESTAURANT,
    STRANGERS,
    Caller,
    EnterpriseRooms,
    agent_of,
    an_official,
    build_app,
    client_of,
)
from tests.codes.enterprise_fixtures import committed_rooms
from tests.fixtures.postgres import run_sql

LIMITS = PushLimits(a_day=3, large=2, most=4)
HAZARD = {"subject": "疏散通道堆放杂物", "deadline": "12 月 31 日"}
RESTAURANT_CODE = make_synthetic_credit_code(sequence=3)
BOOKSHOP_CODE = make_synthetic_credit_code(sequence=4)
NAMED = {"credit_codes": [RESTAURANT_CODE]}


@pytest.fixture
async def city(rooms: EnterpriseRooms, floor: Any, caller: Caller) -> Any:
    """As in the product, with limits that a test can reach."""
    enterprise = rooms.services.enterprise
    pushes = Pushes(
        organizations=rooms.organizations,
        subjects=enterprise.push_subjects,
        templates=enterprise.push_templates,
        limits=LIMITS,
        clock=floor.clock,
    )
    services = dataclasses.replace(rooms.services, enterprise=dataclasses.replace(enterprise, pushes=pushes))
    async with client_of(build_app(floor, routers(services), caller)) as client:
        yield client


@pytest.fixture
def author(caller: Caller) -> Principal:
    return an_official("inspector")


@pytest.fixture
def second(author: Principal) -> Principal:
    """Somebody else of the author's department."""
    return an_official("inspector")


async def issue_codes(city: httpx.AsyncClient, caller: Caller, *enterprises: UUID) -> None:
    for enterprise in enterprises:
        caller.principal = agent_of(enterprise)
        answer = await city.post(f"/v1/organizations/{enterprise}/codes", json={"label": "门口"})
        assert answer.status_code == 201, answer.text


@pytest.fixture
async def both(city: httpx.AsyncClient, caller: Caller, author: Principal, rooms: EnterpriseRooms) -> None:
    """The restaurant and the bookshop hold codes, and are known as audience; the author calls."""
    await issue_codes(city, caller, RESTAURANT, OTHER_COMPANY)
    await rooms.services.enterprise.push_subjects.register_missing()
    caller.principal = author


async def write(city: httpx.AsyncClient, audience: Any = NAMED, **changes: Any) -> httpx.Response:
    body = {"template": "hazard-reminder", "values": HAZARD, "audience": audience} | changes
    return await city.post("/v1/enterprise-pushes", json=body)


async def inbox(city: httpx.AsyncClient, caller: Caller, who: UUID = RESTAURANT, query: str = "") -> Any:
    caller.principal = agent_of(who)
    return (await city.get(f"/v1/organizations/{who}/pushes{query}")).json()


def slug(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


async def deliver(rooms: EnterpriseRooms) -> None:
    await rooms.services.enterprise.push_delivery.deliver_due()


# --- writing ---


async def test_push_reaches_the_enterprise_and_is_read(
    city: httpx.AsyncClient, caller: Caller, author: Principal, both: None, rooms: EnterpriseRooms
) -> None:
    written = (await write(city)).json()
    assert (written["state"], written["audience_count"], written["receipts"]) == (
        "sending",
        1,
        {"delivered": 0, "read": 0},
    )
    assert (await inbox(city, caller))["items"] == []
    await deliver(rooms)
    (notice,) = (await inbox(city, caller))["items"]
    assert (notice["department"], notice["read_at"], notice["withdrawn"]) == ("演示消防救援", None, False)
    assert notice["body"]["zh"].startswith("疏散通道堆放杂物")
    path = f"/v1/organizations/{RESTAURANT}/pushes/{written['id']}/receipt"
    assert (await city.post(path)).json()["read_at"] == "2026-03-02T12:00:00Z"
    caller.principal = author
    seen = (await city.get(f"/v1/enterprise-pushes/{written['id']}")).json()
    assert (seen["state"], seen["receipts"]) == ("sent", {"delivered": 1, "read": 1})
    (receipt,) = (await city.get(f"/v1/enterprise-pushes/{written['id']}/receipts")).json()["items"]
    assert (receipt["organization_name"], receipt["read_at"]) == ("演示餐饮有限公司", "2026-03-02T12:00:00Z")
    assert (await inbox(city, caller, OTHER_COMPANY))["items"] == []


async def test_reading_the_list_is_no_receipt_and_the_first_word_stands(
    city: httpx.AsyncClient, caller: Caller, both: None, rooms: EnterpriseRooms, clock: ManualClock
) -> None:
    push = (await write(city)).json()["id"]
    await deliver(rooms)
    await inbox(city, caller)
    path = f"/v1/organizations/{RESTAURANT}/pushes/{push}/receipt"
    first = (await city.post(path)).json()["read_at"]
    clock.advance(3600)
    assert (await city.post(path)).json()["read_at"] == first


@pytest.mark.parametrize(
    ("audience", "count"),
    [
        ({"zones": ["19"]}, 2),
        ({"zones": ["190000"]}, 2),
        ({"zones": ["31", "1900"]}, 2),
        ({"industries": ["H62"]}, 1),
        ({"industries": ["H62", "F52"]}, 1),
        ({"zones": ["19"], "industries": ["H62"]}, 0),
        ({"zones": ["310101"], "industries": ["H62"]}, 1),
        ({"zones": ["3102"]}, 0),
        ({"industries": ["A01"]}, 0),
        ({"credit_codes": [RESTAURANT_CODE, BOOKSHOP_CODE]}, 2),
        ({"credit_codes": [BOOKSHOP_CODE] * 3}, 1),
    ],
)
async def test_audience_is_named_or_described(
    city: httpx.AsyncClient, caller: Caller, both: None, audience: Any, count: int
) -> None:
    author = caller.principal
    if "industries" in audience:  # the restaurant says where it is and what it does
        caller.principal = agent_of(RESTAURANT)
        path = f"/v1/organizations/{RESTAURANT}/push-profile"
        assert (await city.put(path, json={"zone": "310101", "industry": "H62"})).status_code == 200
        caller.principal = author
    answer = await write(city, audience)
    if count:
        assert answer.json()["audience_count"] == count
    else:
        assert slug(answer) == "push-audience-invalid"


async def test_only_enterprises_with_a_code_that_counts_are_reached(
    city: httpx.AsyncClient, both: None, connection: Connection, clock: ManualClock
) -> None:
    await connection.execute("update codes.enterprise_code set expires_at = $1", clock.now())
    answer = await write(city)
    assert (slug(answer), answer.json()["unreachable"]) == ("push-audience-invalid", [RESTAURANT_CODE])
    assert slug(await write(city, {"zones": ["19"]})) == "push-audience-invalid"
    assert await connection.fetchval("select count(*) from codes.push") == 0


@pytest.mark.parametrize(
    ("audience", "refusal"),
    [
        ({}, "push-audience-invalid"),
        (NAMED | {"zones": ["19"]}, "push-audience-invalid"),
        (NAMED | {"industries": ["H62"]}, "push-audience-invalid"),
        ({"credit_codes": [make_synthetic_credit_code(sequence=77)]}, "push-audience-invalid"),
        ({"credit_codes": ["91190000"]}, "fields-invalid"),
        ({"credit_codes": [RESTAURANT_CODE] * 101}, "fields-invalid"),
        ({"zones": ["1"]}, "fields-invalid"),
        ({"zones": ["190"]}, "fields-invalid"),
        ({"zones": ["19%"]}, "fields-invalid"),
        ({"zones": ["19\n"]}, "fields-invalid"),
        ({"zones": ["1900001"]}, "fields-invalid"),
        ({"industries": ["h62"]}, "fields-invalid"),
        ({"industries": ["Z99"]}, "fields-invalid"),
        ({"everybody": True}, "fields-invalid"),
        (None, "fields-invalid"),
    ],
)
async def test_audience_that_is_none_is_refused(
    city: httpx.AsyncClient, both: None, connection: Connection, audience: Any, refusal: str
) -> None:
    assert slug(await write(city, audience)) == refusal
    assert await connection.fetchval("select count(*) from codes.push") == 0


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"template": "free-text"}, "push-template-unknown"),
        ({"template": "x" * 41}, "fields-invalid"),
        ({"values": {}}, "push-text-invalid"),
        ({"values": HAZARD | {"more": "x"}}, "push-text-invalid"),
        ({"values": HAZARD | {"subject": "见 www.example.cn"}}, "push-text-invalid"),
        ({"values": HAZARD | {"subject": "汇至 6222020012345678"}}, "push-text-invalid"),
        ({"values": HAZARD | {"subject": "两\n行"}}, "fields-invalid"),
        ({"values": HAZARD | {"subject": "长" * 61}}, "fields-invalid"),
        ({"values": HAZARD | {"subject": ""}}, "fields-invalid"),
        ({"values": HAZARD | {"subject": 7}}, "fields-invalid"),
        ({"values": [1]}, "fields-invalid"),
        ({"title": "my own words"}, "fields-invalid"),
    ],
)
async def test_words_of_ones_own_are_refused(
    city: httpx.AsyncClient, both: None, connection: Connection, changes: Any, refusal: str
) -> None:
    assert slug(await write(city, **changes)) == refusal
    assert await connection.fetchval("select count(*) from codes.push") == 0


@pytest.mark.parametrize("who", STRANGERS)
async def test_pushing_is_for_inspectors(city: httpx.AsyncClient, caller: Caller, both: None, who: str) -> None:
    push = (await write(city)).json()["id"]
    caller.principal = STRANGERS[who]
    refused = 401 if caller.principal is None else 403
    path = f"/v1/enterprise-pushes/{push}"
    answers = [
        await write(city),
        await city.get("/v1/enterprise-pushes"),
        await city.get(path),
        await city.get(f"{path}/receipts"),
        await city.post(f"{path}/approval"),
        await city.delete(path),
    ]
    assert [answer.status_code for answer in answers] == [refused] * 6


async def test_pushes_of_a_department_are_its_own(city: httpx.AsyncClient, caller: Caller, both: None) -> None:
    push = (await write(city)).json()["id"]
    path = f"/v1/enterprise-pushes/{push}"
    caller.principal = an_official("inspector", organization_id=MARKET_SUPERVISION)
    answers = [
        await city.get(path),
        await city.get(f"{path}/receipts"),
        await city.post(f"{path}/approval"),
        await city.delete(path),
    ]
    assert [slug(answer) for answer in answers] == ["push-unknown"] * 4
    assert (await city.get("/v1/enterprise-pushes")).json()["items"] == []


async def test_official_of_no_department_pushes_nothing(city: httpx.AsyncClient, caller: Caller, both: None) -> None:
    caller.principal = an_official("inspector", organization_id=None)
    assert slug(await write(city)) == "department-missing"


async def test_department_has_so_many_a_day(
    city: httpx.AsyncClient, caller: Caller, both: None, clock: ManualClock
) -> None:
    for _ in range(LIMITS.a_day):
        assert (await write(city)).status_code == 201
        clock.advance(3600)
    caller.principal = an_official("inspector")  # a colleague does not count apart
    answer = await write(city)
    assert (answer.status_code, slug(answer)) == (429, "pushes-exhausted")
    wait = int(answer.headers["retry-after"])
    assert wait == 21 * 3600
    clock.advance(wait)
    assert (await write(city)).status_code == 201
    assert (await write(city)).status_code == 429


async def test_push_repeated_with_the_same_key_is_one_push(
    city: httpx.AsyncClient, both: None, connection: Connection
) -> None:
    body = {"template": "hazard-reminder", "values": HAZARD, "audience": NAMED}
    headers = {"Idempotency-Key": "one"}
    answers = [await city.post("/v1/enterprise-pushes", json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert await connection.fetchval("select count(*) from codes.push") == 1


# --- four eyes ---


async def test_large_push_waits_for_somebody_else(
    city: httpx.AsyncClient, caller: Caller, second: Principal, both: None, rooms: EnterpriseRooms
) -> None:
    push = (await write(city, {"zones": ["19"]})).json()
    assert (push["state"], push["audience_count"]) == ("waiting", 2)
    await deliver(rooms)
    assert (await inbox(city, caller))["items"] == []
    caller.principal = second
    path = f"/v1/enterprise-pushes/{push['id']}/approval"
    approved = await city.post(path)
    assert (approved.status_code, approved.json()["state"]) == (201, "sending")
    assert slug(await city.post(path)) == "push-not-waiting"
    await deliver(rooms)
    assert len((await inbox(city, caller))["items"]) == len((await inbox(city, caller, OTHER_COMPANY))["items"]) == 1


async def test_author_does_not_approve_their_own(city: httpx.AsyncClient, both: None, connection: Connection) -> None:
    push = (await write(city, {"zones": ["19"]})).json()["id"]
    answer = await city.post(f"/v1/enterprise-pushes/{push}/approval")
    assert (answer.status_code, slug(answer)) == (403, "second-official-required")
    assert await connection.fetchval("select state from codes.push") == "waiting"


async def test_what_is_approved_is_what_was_seen(
    city: httpx.AsyncClient, caller: Caller, second: Principal, both: None, rooms: EnterpriseRooms
) -> None:
    """An enterprise that comes to the area afterwards is not part of it."""
    push = (await write(city, {"zones": ["19"]})).json()["id"]
    newcomer = uuid4()
    known = rooms.organizations.by_id[RESTAURANT]
    rooms.organizations.by_id[newcomer] = type(known)(
        id=newcomer, name="演示新店", credit_code=make_synthetic_credit_code(sequence=9)
    )
    await issue_codes(city, caller, newcomer)
    await rooms.services.enterprise.push_subjects.register_missing()
    caller.principal = second
    await city.post(f"/v1/enterprise-pushes/{push}/approval")
    await deliver(rooms)
    assert (await inbox(city, caller, newcomer))["items"] == []
    assert len((await inbox(city, caller))["items"]) == 1


async def test_audience_beyond_the_most_is_refused(city: httpx.AsyncClient, both: None, connection: Connection) -> None:
    await connection.execute(
        "insert into codes.code_subject (organization_id, zone)"
        " select gen_random_uuid(), '190000' from generate_series(1, 3)"
    )
    await connection.execute(
        "insert into codes.enterprise_code (id, organization_id, label, cti, shard, index, carrier, profile, state,"
        " issued_at, issued_by, expires_at)"
        " select gen_random_uuid(), s.organization_id, 'x', decode(replace(gen_random_uuid()::text, '-', ''), 'hex'),"
        " 0, 0, '', 1, 'active', issued_at, issued_by, expires_at"
        " from codes.code_subject s cross join (select * from codes.enterprise_code limit 1) c"
    )
    assert slug(await write(city, {"zones": ["19"]})) == "push-audience-too-large"
    assert await connection.fetchval("select count(*) from codes.push_delivery") == 0


# --- withdrawing ---


async def test_withdrawn_push_goes_no_further_and_says_so(
    city: httpx.AsyncClient, caller: Caller, second: Principal, both: None, rooms: EnterpriseRooms
) -> None:
    kept, stopped = [(await write(city)).json()["id"] for _ in range(2)]
    caller.principal = second  # whoever of the department
    assert (await city.delete(f"/v1/enterprise-pushes/{stopped}")).json()["state"] == "withdrawn"
    await deliver(rooms)
    assert [each["id"] for each in (await inbox(city, caller))["items"]] == [kept]
    caller.principal = second
    assert [(await city.delete(f"/v1/enterprise-pushes/{kept}")).json()["state"] for _ in range(2)] == ["withdrawn"] * 2
    (notice,) = (await inbox(city, caller))["items"]
    assert notice["withdrawn"] is True


async def test_withdrawn_push_cannot_be_approved(
    city: httpx.AsyncClient, caller: Caller, second: Principal, both: None
) -> None:
    push = (await write(city, {"zones": ["19"]})).json()["id"]
    await city.delete(f"/v1/enterprise-pushes/{push}")
    caller.principal = second
    assert slug(await city.post(f"/v1/enterprise-pushes/{push}/approval")) == "push-not-waiting"


# --- the enterprise ---


@pytest.mark.parametrize("who", [name for name in STRANGERS if name != "agent of the restaurant"])
async def test_list_of_a_company_is_closed_to_everybody_else(
    city: httpx.AsyncClient, caller: Caller, both: None, rooms: EnterpriseRooms, who: str
) -> None:
    push = (await write(city)).json()["id"]
    await deliver(rooms)
    caller.principal = STRANGERS[who]
    refused = 401 if caller.principal is None else 403
    own = f"/v1/organizations/{RESTAURANT}"
    profile = {"zone": "310101"}
    answers = [
        await city.get(f"{own}/pushes"),
        await city.post(f"{own}/pushes/{push}/receipt"),
        await city.get(f"{own}/push-profile"),
        await city.put(f"{own}/push-profile", json=profile),
    ]
    assert [answer.status_code for answer in answers] == [refused] * 4


async def test_only_what_was_delivered_is_acknowledged(
    city: httpx.AsyncClient, caller: Caller, both: None, rooms: EnterpriseRooms, connection: Connection
) -> None:
    push = (await write(city)).json()["id"]
    caller.principal = agent_of(RESTAURANT)
    early = await city.post(f"/v1/organizations/{RESTAURANT}/pushes/{push}/receipt")
    await deliver(rooms)
    caller.principal = agent_of(OTHER_COMPANY)
    stranger = await city.post(f"/v1/organizations/{OTHER_COMPANY}/pushes/{push}/receipt")
    unknown = await city.post(f"/v1/organizations/{OTHER_COMPANY}/pushes/{uuid4()}/receipt")
    assert [slug(answer) for answer in (early, stranger, unknown)] == ["push-unknown"] * 3
    assert await connection.fetchval("select count(read_at) from codes.push_delivery") == 0
    assert await connection.fetchval("select count(*) from kit.audit_entry where action = 'push.read'") == 0


async def test_list_goes_page_by_page_newest_first(
    city: httpx.AsyncClient, caller: Caller, both: None, rooms: EnterpriseRooms
) -> None:
    written = [(await write(city)).json()["id"] for _ in range(3)]
    await deliver(rooms)
    first = await inbox(city, caller, query="?limit=2")
    second = await inbox(city, caller, query=f"?limit=2&after={first['next']}")
    assert [each["id"] for each in first["items"] + second["items"]] == written[::-1]
    assert second["next"] is None


async def test_profile_is_as_registered_until_the_enterprise_says_better(
    city: httpx.AsyncClient, caller: Caller, rooms: EnterpriseRooms
) -> None:
    caller.principal = agent_of(RESTAURANT)
    path = f"/v1/organizations/{RESTAURANT}/push-profile"
    before = (await city.get(path)).json()
    assert (before["zone"], before["industry"], before["declared_at"]) == ("190000", None, None)
    said = (await city.put(path, json={"zone": "310101", "industry": "H62"})).json()
    assert (said["zone"], said["industry"]) == ("310101", "H62")
    await issue_codes(city, caller, RESTAURANT)
    await rooms.services.enterprise.push_subjects.register_missing()
    assert (await city.get(path)).json() == said


@pytest.mark.parametrize(
    "body", [{}, {"zone": "31"}, {"zone": 310101}, {"zone": "310101", "industry": "62"}, {"zone": "31010一"}]
)
async def test_profile_out_of_shape_is_refused(city: httpx.AsyncClient, caller: Caller, body: Any) -> None:
    caller.principal = agent_of(RESTAURANT)
    assert slug(await city.put(f"/v1/organizations/{RESTAURANT}/push-profile", json=body)) == "fields-invalid"


async def test_every_step_is_audited_without_its_words(
    city: httpx.AsyncClient, caller: Caller, both: None, rooms: EnterpriseRooms, connection: Connection
) -> None:
    second = an_official("inspector")
    push = (await write(city, {"zones": ["19"]})).json()["id"]
    caller.principal = second
    await city.post(f"/v1/enterprise-pushes/{push}/approval")
    await deliver(rooms)
    caller.principal = agent_of(RESTAURANT)
    await city.post(f"/v1/organizations/{RESTAURANT}/pushes/{push}/receipt")
    caller.principal = second
    await city.delete(f"/v1/enterprise-pushes/{push}")
    written = "select action, detail::text from kit.audit_entry where subject = $1 order by id"
    rows = await connection.fetch(written, f"push:{push}")
    assert [row["action"] for row in rows] == ["push.written", "push.approved", "push.read", "push.withdrawn"]
    assert not [row for row in rows if "疏散" in row["detail"]]


async def test_anybody_reads_the_templates(city: httpx.AsyncClient) -> None:
    items = (await city.get("/v1/push-templates")).json()["items"]
    assert {"hazard-reminder", "severe-weather"} <= {each["slug"] for each in items}


# --- over several workers ---


async def test_pushes_written_at_once_keep_to_the_number_of_a_day(
    race_dsn: str, vault: Vault, clock: ManualClock
) -> None:
    author = an_official("inspector")
    request = WritePush(template="hazard-reminder", values=HAZARD, audience=Audience(credit_codes=[RESTAURANT_CODE]))
    async with committed_rooms(race_dsn, vault, clock) as (rooms, database):
        enterprise = rooms.services.enterprise
        pushes = Pushes(
            organizations=rooms.organizations,
            subjects=enterprise.push_subjects,
            templates=enterprise.push_templates,
            limits=LIMITS,
            clock=clock,
        )

        async def write_one() -> object:
            async with database.transaction() as connection:
                return await pushes.write(connection, author, request)

        async with database.transaction() as connection:
            await rooms.services.enterprise_codes.issue(
                connection, agent_of(RESTAURANT), RESTAURANT, IssueCode(label="门口")
            )
        outcomes = await asyncio.gather(*(write_one() for _ in range(12)), return_exceptions=True)
    assert sum(isinstance(outcome, PushView) for outcome in outcomes) == LIMITS.a_day
    assert sum(isinstance(outcome, PushesExhausted) for outcome in outcomes) == 12 - LIMITS.a_day


SEND = """
insert into codes.push
       (id, department_id, author_id, template, title, body, audience, audience_count, state, created_at)
values ('{push}', gen_random_uuid(), gen_random_uuid(), 'x', '{{}}', '{{}}', '{{}}', 40, 'sending', now());
insert into codes.push_delivery (organization_id, push_id)
select gen_random_uuid(), '{push}' from generate_series(1, 40);
"""


@pytest.fixture
async def sending(race_dsn: str) -> UUID:
    """A push to forty enterprises."""
    push = uuid4()
    await run_sql(race_dsn, SEND.format(push=push))
    return push


async def test_workers_side_by_side_deliver_each_once(race_dsn: str, clock: ManualClock, sending: UUID) -> None:
    database = Database(race_dsn, max_size=6)
    await database.open()
    await asyncio.gather(*(Delivery(database, clock, at_once=7).deliver_due() for _ in range(6)))
    async with database.acquire() as connection:
        row = await connection.fetchrow("select count(*) as all, count(delivered_at) as done from codes.push_delivery")
        assert await connection.fetchval("select state from codes.push") == "sent"
    await database.close()
    assert row is not None
    assert (row["all"], row["done"]) == (40, 40)


async def test_what_a_killed_worker_began_is_gone_on_with(race_dsn: str, clock: ManualClock, sending: UUID) -> None:
    database = Database(race_dsn, max_size=2)
    await database.open()
    worker = Delivery(database, clock, at_once=7)
    await worker._deliver_part()
    clock.advance(timedelta(minutes=1).total_seconds())
    await Delivery(database, clock, at_once=7).deliver_due()
    async with database.acquire() as connection:
        times = await connection.fetch("select delivered_at, count(*) from codes.push_delivery group by 1 order by 1")
    await database.close()
    assert [row["count"] for row in times] == [7, 33]
