"""一码核查 at its edge: who may check what, what a bad code or a dead source does, and what the enterprise reads."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.idempotency import IdempotencyKeyInUse
from app.kit.vault import Vault
from auth.principal import Principal
from codes.enterprise.arrivals.models import ScanInspectionCode
from codes.enterprise.checks.errors import InspectionTaskRequired
from codes.enterprise.checks.models import CheckEnterprise, CheckView
from codes.enterprise.checks.ports import Question, SourceAnswer, SourceUnavailable
from codes.enterprise.checks.records import CheckHistory
from codes.enterprise.checks.service import EnterpriseChecks
from codes.enterprise.enterprises.models import IssueCode
from codes.enterprise.enterprises.reading import Reading
from codes.enterprise.inspections.models import CreateInspection, InspectionView
from codes.scenarios.catalogue import Scenarios
from codes.trust.models import ScenarioPolicy
from tests.codes.enterprise.checks.sources import Fails, Hangs, Knows
from tests.codes.enterprise_city import (
    OTHER_COMPANY,
    RESTAURANT,
    STRANGERS,
    Caller,
    EnterpriseRooms,
    agent_of,
    an_official,
)
from tests.codes.enterprise_fixtures import TASK, arrive, committed_rooms, open_task


@pytest.fixture
def officer(caller: Caller) -> Principal:
    """An inspector, who calls from now on."""
    return an_official("inspector")


@pytest.fixture
def fire(rooms: EnterpriseRooms, clock: ManualClock) -> Knows:
    """A fire department that answers."""
    source = rooms.sources["fire"] = Knows(clock.now())
    return source


@pytest.fixture
async def task(city: httpx.AsyncClient, caller: Caller, officer: Principal) -> str:
    """A task whose officer the restaurant has met."""
    task = await open_task(city, caller, officer)
    await arrive(city, caller, officer, task)
    return task


@pytest.fixture
async def check(carrier: str, task: str, caller: Caller, officer: Principal) -> dict[str, Any]:
    """The body of a check that would be answered; the officer calls."""
    caller.principal = officer
    return {"code": carrier, "scenario": 804, "inspection_id": task}


async def ask(city: httpx.AsyncClient, check: dict[str, Any], key: str | None = None, **changes: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await city.post("/v1/enterprise-checks", json=check | changes, headers=headers)


def states(answer: httpx.Response) -> dict[str, str]:
    return {source["name"]: source["state"] for source in answer.json()["sources"]}


async def records(city: httpx.AsyncClient, caller: Caller, query: str = "") -> Any:
    caller.principal = agent_of(RESTAURANT)
    return (await city.get(f"/v1/organizations/{RESTAURANT}/checks{query}")).json()


async def test_check_shows_each_source_with_its_state_and_time(
    city: httpx.AsyncClient, rooms: EnterpriseRooms, check: dict[str, Any], clock: ManualClock
) -> None:
    now = clock.now()
    rooms.sources["fire"] = Knows(now - timedelta(hours=1))
    rooms.sources["emergency"] = Knows(now - timedelta(days=31))
    rooms.sources["work_safety"] = Fails(SourceUnavailable("ConnectError", "unreachable"))
    answer = await ask(city, check)
    body = answer.json()
    assert answer.status_code == 200
    assert (body["verdict"], body["reason"], body["kind"], body["scenario"]) == ("ACCEPT", "OK", "E", 804)
    assert body["disclosed"]["organization_name"] == "演示餐饮有限公司"
    assert states(answer) == {"fire": "ok", "emergency": "stale", "work_safety": "missing"}
    assert body["sources"][0]["as_of"] == "2026-03-02T11:00:00Z"
    assert body["sources"][0]["facts"][0]["value"]["zh"] == "合格"
    assert (body["sources"][2]["as_of"], body["sources"][2]["cause"]) == (None, "unreachable")
    assert body["freshness"]["status_as_of"] == "2026-03-02T12:00:00Z"


async def test_source_is_told_the_enterprise_and_not_who_asks(
    city: httpx.AsyncClient, rooms: EnterpriseRooms, check: dict[str, Any], clock: ManualClock
) -> None:
    fire = rooms.sources["fire"] = Knows(clock.now())
    verification_id = (await ask(city, check)).json()["verification_id"]
    assert [(str(asked.check_id), asked.scenario) for asked in fire.asked] == [(verification_id, 804)]
    assert Question.__struct_fields__ == ("check_id", "credit_code", "scenario")


@pytest.mark.parametrize("error", [RuntimeError("bug"), ValueError(), ConnectionResetError(), TimeoutError()])
async def test_source_that_breaks_in_any_way_blocks_nobody(
    city: httpx.AsyncClient, rooms: EnterpriseRooms, check: dict[str, Any], clock: ManualClock, error: Exception
) -> None:
    rooms.sources["fire"] = Knows(clock.now())
    rooms.sources["emergency"] = Fails(error)
    assert states(await ask(city, check)) == {"fire": "ok", "emergency": "missing", "work_safety": "missing"}


async def test_sources_that_hang_are_missing_at_the_deadline_all_at_once(
    city: httpx.AsyncClient, rooms: EnterpriseRooms, check: dict[str, Any], clock: ManualClock
) -> None:
    rooms.sources.update(fire=Hangs(), emergency=Hangs(), work_safety=Knows(clock.now()))
    started = time.monotonic()
    assert states(await ask(city, check)) == {"fire": "missing", "emergency": "missing", "work_safety": "ok"}
    assert time.monotonic() - started < 0.9, "side by side: one deadline of 0.3 s, not two"


async def test_answer_from_the_future_is_missing(
    city: httpx.AsyncClient, rooms: EnterpriseRooms, check: dict[str, Any], clock: ManualClock
) -> None:
    rooms.sources["fire"] = Knows(clock.now() + timedelta(hours=1))
    assert states(await ask(city, check))["fire"] == "missing"


async def test_enterprise_reads_who_came_and_why(
    city: httpx.AsyncClient, caller: Caller, rooms: EnterpriseRooms, check: dict[str, Any], clock: ManualClock
) -> None:
    rooms.sources["fire"] = Knows(clock.now())
    verification_id = (await ask(city, check)).json()["verification_id"]
    (record,) = (await records(city, caller))["items"]
    assert record["verification_id"] == verification_id
    assert record["department"] == "演示消防救援"
    assert (record["purpose"], record["authority"]) == (TASK["purpose"], TASK["authority"])
    assert record["scenario_names"]["zh"] == "企业消防安全核查"
    assert record["legal_basis"]["zh"] == "《消防法》第五十三条"
    assert [(source["name"], source["state"]) for source in record["sources"]] == [
        ("fire", "ok"),
        ("emergency", "missing"),
        ("work_safety", "missing"),
    ]
    assert "facts" not in record["sources"][0]


async def test_enterprise_reads_on_when_a_scenario_left_the_catalogue(
    rooms: EnterpriseRooms, city: httpx.AsyncClient, check: dict[str, Any], connection: Connection
) -> None:
    made = [(await ask(city, check)).json()["verification_id"] for _ in range(2)]
    without = Scenarios(scenario for scenario in rooms.services.scenarios if scenario.number != TASK["scenario"])
    history = CheckHistory(rooms.organizations, without, officials=None)
    page = await history.list_page(connection, agent_of(RESTAURANT), RESTAURANT, after=None, limit=20)
    assert sorted(str(record.verification_id) for record in page.items) == sorted(made)
    assert {record.scenario for record in page.items} == {TASK["scenario"]}
    assert {record.scenario_names.zh for record in page.items} == {"已停用的场景"}
    assert page.items[0].authority == TASK["authority"]


async def test_records_go_page_by_page_newest_first(
    city: httpx.AsyncClient, caller: Caller, check: dict[str, Any]
) -> None:
    made = [(await ask(city, check)).json()["verification_id"] for _ in range(3)]
    first = await records(city, caller, "?limit=2")
    second = await records(city, caller, f"?limit=2&after={first['next']}")
    shown = [record["verification_id"] for record in first["items"] + second["items"]]
    assert sorted(shown) == sorted(made)
    assert second["next"] is None


@pytest.mark.parametrize("who", [name for name in STRANGERS if name != "agent of the restaurant"])
async def test_records_of_a_company_are_closed_to_everybody_else(
    city: httpx.AsyncClient, caller: Caller, check: dict[str, Any], who: str
) -> None:
    await ask(city, check)
    caller.principal = STRANGERS[who]
    answer = await city.get(f"/v1/organizations/{RESTAURANT}/checks")
    assert answer.status_code == (401 if caller.principal is None else 403)
    assert "消防" not in answer.text


@pytest.mark.parametrize("who", STRANGERS)
async def test_check_by_anybody_but_an_inspector_is_refused(
    city: httpx.AsyncClient, caller: Caller, fire: Knows, check: dict[str, Any], who: str
) -> None:
    caller.principal = STRANGERS[who]
    answer = await ask(city, check)
    assert answer.status_code == (401 if caller.principal is None else 403)
    assert fire.asked == []


async def is_refused_and_remembered(connection: Connection, answer: httpx.Response, slug: str) -> bool:
    refused = "select detail ->> 'refusal' from kit.audit_entry where action = 'enterprise_check.refused'"
    remembered = await connection.fetchval(refused)
    rows = await connection.fetchval("select count(*) from codes.enterprise_check")
    return (answer.status_code, answer.json()["type"], remembered, rows) == (403, f"/problems/{slug}", slug, 0)


async def test_check_under_a_task_that_does_not_exist_is_refused_and_remembered(
    city: httpx.AsyncClient, check: dict[str, Any], connection: Connection
) -> None:
    answer = await ask(city, check, inspection_id=str(uuid4()))
    assert await is_refused_and_remembered(connection, answer, "inspection-task-required")


async def test_check_under_a_colleagues_task_is_refused(
    city: httpx.AsyncClient, caller: Caller, check: dict[str, Any], connection: Connection
) -> None:
    caller.principal = an_official("inspector")
    assert await is_refused_and_remembered(connection, await ask(city, check), "inspection-task-required")


async def test_check_under_a_task_that_has_ended_is_refused(
    city: httpx.AsyncClient, check: dict[str, Any], connection: Connection, clock: ManualClock
) -> None:
    clock.advance(4 * 3600)
    assert await is_refused_and_remembered(connection, await ask(city, check), "inspection-task-required")


async def test_check_under_a_task_that_was_closed_is_refused(
    city: httpx.AsyncClient, check: dict[str, Any], connection: Connection
) -> None:
    await city.delete(f"/v1/inspections/{check['inspection_id']}")
    assert await is_refused_and_remembered(connection, await ask(city, check), "inspection-task-required")


@pytest.mark.parametrize("scenario", [801, 802, 803, 805, 301, 0, -1])
async def test_check_in_another_scenario_than_the_tasks_is_refused(
    city: httpx.AsyncClient, check: dict[str, Any], connection: Connection, scenario: int
) -> None:
    answer = await ask(city, check, scenario=scenario)
    assert await is_refused_and_remembered(connection, answer, "inspection-task-required")


async def test_check_of_another_enterprise_than_the_tasks_is_refused(
    city: httpx.AsyncClient,
    caller: Caller,
    officer: Principal,
    check: dict[str, Any],
    connection: Connection,
) -> None:
    caller.principal = agent_of(OTHER_COMPANY)
    issued = await city.post(f"/v1/organizations/{OTHER_COMPANY}/codes", json={"label": "店面"})
    caller.principal = officer
    answer = await ask(city, check, code=issued.json()["carrier"])
    assert await is_refused_and_remembered(connection, answer, "enterprise-not-in-task")
    assert "店" not in answer.text


async def is_rejected(answer: httpx.Response, reason: str) -> bool:
    body = answer.json()
    return (answer.status_code, body["verdict"], body["reason"], body["disclosed"], body["sources"]) == (
        200,
        "REJECT",
        reason,
        {},
        [],
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("", "MALFORMED"),
        ("SSM1:GGW", "MALFORMED"),
        ("HTTP://127.0.0.1:8000/1/", "MALFORMED"),
        ("HTTP://127.0.0.1:8000/1/ABC", "MALFORMED"),
        ("HTTP://127.0.0.1:8000/2/ABC", "UNKNOWN_VERSION"),
        ("https://elsewhere.example/1/ABC", "MALFORMED"),
        ("\u0000", "MALFORMED"),
        ("HTTP://127.0.0.1:8000/1/" + "A" * 900, "TOO_LARGE"),
    ],
)
async def test_check_of_a_bad_code_is_a_verdict_and_asks_nobody(
    city: httpx.AsyncClient, fire: Knows, check: dict[str, Any], code: str, reason: str
) -> None:
    assert await is_rejected(await ask(city, check, code=code), reason)
    assert fire.asked == []


async def test_check_of_a_bad_code_is_audited_and_not_in_the_enterprises_list(
    city: httpx.AsyncClient, caller: Caller, check: dict[str, Any], connection: Connection
) -> None:
    await ask(city, check, code="x")
    audited = "select detail ->> 'reason' from kit.audit_entry where action = 'enterprise_check.rejected'"
    assert await connection.fetchval(audited) == "MALFORMED"
    assert (await records(city, caller))["items"] == []


async def test_check_of_a_revoked_code_is_rejected_by_reason(
    city: httpx.AsyncClient,
    caller: Caller,
    officer: Principal,
    check: dict[str, Any],
    connection: Connection,
) -> None:
    caller.principal = agent_of(RESTAURANT)
    code_id = await connection.fetchval("select id from codes.enterprise_code")
    await city.delete(f"/v1/organizations/{RESTAURANT}/codes/{code_id}")
    caller.principal = officer
    assert await is_rejected(await ask(city, check), "REVOKED")


async def test_check_of_an_expired_code_is_rejected_by_reason(
    city: httpx.AsyncClient, caller: Caller, rooms: EnterpriseRooms, check: dict[str, Any], clock: ManualClock
) -> None:
    officer = caller.principal
    assert officer is not None
    clock.advance(timedelta(days=366).total_seconds())
    await rooms.services.trust_lists.publish_when_due()
    task = await open_task(city, caller, officer)
    await arrive(city, caller, officer, task)
    assert await is_rejected(await ask(city, check, inspection_id=task), "GRANT_EXPIRED")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(code=st.one_of(st.text(max_size=200), st.binary(max_size=100).map(lambda raw: raw.decode("latin-1"))))
async def test_check_of_any_text_is_a_verdict_and_never_accepted(
    city: httpx.AsyncClient, check: dict[str, Any], code: str
) -> None:
    answer = await ask(city, check, code=code)
    assert (answer.status_code, answer.json()["verdict"]) == (200, "REJECT")


@pytest.mark.parametrize(
    "changes",
    [
        {"code": None},
        {"code": 7},
        {"code": "A" * 3201},
        {"scenario": "fire"},
        {"scenario": None},
        {"inspection_id": "task"},
        {"emergency": True},
        {"emergency_reason": 7},
        {"emergency_reason": "火"},
        {"emergency_reason": "火\n灾\n现\n场"},
        {"emergency_reason": "火" * 201},
    ],
)
async def test_check_out_of_shape_is_refused(
    city: httpx.AsyncClient, check: dict[str, Any], connection: Connection, changes: Any
) -> None:
    answer = await ask(city, check, **changes)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/fields-invalid")
    assert await connection.fetchval("select count(*) from codes.enterprise_check") == 0


async def test_check_repeated_with_the_same_key_asks_once_and_says_so(
    city: httpx.AsyncClient, rooms: EnterpriseRooms, check: dict[str, Any], clock: ManualClock
) -> None:
    fire = rooms.sources["fire"] = Knows(clock.now())
    first, second = (await ask(city, check, key="one"), await ask(city, check, key="one"))
    assert first.json() | {"repeated": True} == second.json()
    assert first.json()["repeated"] is False
    assert len(fire.asked) == 1


async def test_check_with_the_key_of_another_check_is_refused(city: httpx.AsyncClient, check: dict[str, Any]) -> None:
    await ask(city, check, key="one")
    answer = await ask(city, check, key="one", code="x")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")


@pytest.mark.parametrize("key", ["", "x" * 129, "a b"])
async def test_check_with_a_key_out_of_form_is_refused(
    city: httpx.AsyncClient, check: dict[str, Any], key: str
) -> None:
    assert (await ask(city, check, key=key)).json()["type"] == "/problems/idempotency-key-invalid"


async def test_check_whose_worker_died_is_taken_over_after_a_while(
    city: httpx.AsyncClient, check: dict[str, Any], connection: Connection, clock: ManualClock
) -> None:
    verification_id = (await ask(city, check, key="one")).json()["verification_id"]
    await connection.execute("update codes.enterprise_check set state = 'asking', answer = null")
    answer = await ask(city, check, key="one")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/idempotency-key-in-use")
    clock.advance(31)
    answer = await ask(city, check, key="one")
    assert (answer.status_code, answer.json()["verification_id"]) == (200, verification_id)
    assert await connection.fetchval("select count(*) from codes.enterprise_check where state = 'answered'") == 1


class NeedsTheOnlyConnection:
    """A source that can only answer while nobody holds the pool's one connection."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock
        self.written: list[str] = []

    async def ask(self, question: Question) -> SourceAnswer:
        async with self.database.acquire() as connection:
            self.written.append(await connection.fetchval("select state from codes.enterprise_check"))
        return SourceAnswer(credit_code=question.credit_code, as_of=self.clock.now(), facts=[])


@contextlib.asynccontextmanager
async def committed_city(
    dsn: str, vault: Vault, clock: ManualClock, *, connections: int
) -> AsyncIterator[tuple[EnterpriseRooms, Principal, CheckEnterprise]]:
    """Rooms over a real pool, with an officer and the check that waits to be made; every write commits."""
    officer, agent = an_official("inspector"), agent_of(RESTAURANT)
    task = CreateInspection(scenario=804, purpose="消防监督检查", authority="通知书", organization_id=RESTAURANT)
    async with committed_rooms(dsn, vault, clock, connections=connections) as (rooms, database):
        enterprise = rooms.services.enterprise
        async with database.transaction() as connection:
            code = await rooms.services.enterprise_codes.issue(connection, agent, RESTAURANT, IssueCode(label="前厅"))
            opened = await enterprise.inspections.open(connection, officer, task)
            shown = await enterprise.inspection_codes.apply(connection, officer, opened.id)
            await enterprise.arrivals.scan(connection, agent, ScanInspectionCode(code=shown.carrier))
        yield rooms, officer, CheckEnterprise(code=code.carrier, scenario=804, inspection_id=opened.id)


async def test_no_connection_is_held_while_asking_and_the_row_is_there_before(
    race_dsn: str, vault: Vault, clock: ManualClock
) -> None:
    async with committed_city(race_dsn, vault, clock, connections=1) as (rooms, officer, request):
        checks = rooms.services.enterprise.checks
        source = rooms.sources["fire"] = NeedsTheOnlyConnection(checks._database, clock)
        answer = await checks.check(officer, request)
    assert isinstance(answer, CheckView)
    assert (answer.sources[0].name, answer.sources[0].state) == ("fire", "ok")
    assert source.written == ["asking"]


async def test_check_sent_twenty_times_at_once_asks_once(race_dsn: str, vault: Vault, clock: ManualClock) -> None:
    async with committed_city(race_dsn, vault, clock, connections=8) as (rooms, officer, request):
        fire = rooms.sources["fire"] = Knows(clock.now())
        asking = (rooms.services.enterprise.checks.check(officer, request, b"one") for _ in range(20))
        answers = await asyncio.gather(*asking, return_exceptions=True)
    first = [answer for answer in answers if isinstance(answer, CheckView) and not answer.repeated]
    others = [answer for answer in answers if answer not in first]
    assert len(first) == 1
    assert len(fire.asked) == 1
    assert all(isinstance(answer, CheckView | IdempotencyKeyInUse) for answer in others)


class ClosesMeanwhile:
    """A reader during whose reading the officer closes the task, elsewhere."""

    def __init__(self, rooms: EnterpriseRooms, officer: Principal, task: UUID) -> None:
        self._rooms = rooms
        self._officer = officer
        self._task = task
        self.closing: asyncio.Task[InspectionView] | None = None
        self.had_to_wait = False

    async def read(self, connection: Connection, text: str, policy: ScenarioPolicy) -> Reading:
        self.closing = asyncio.create_task(self._close())
        done, _ = await asyncio.wait({self.closing}, timeout=0.3)
        self.had_to_wait = not done
        return await self._rooms.services.stickers.read(connection, text, policy)

    async def _close(self) -> InspectionView:
        async with self._rooms.services.enterprise.checks._database.transaction() as connection:
            return await self._rooms.services.enterprise.inspections.close(connection, self._officer, self._task)


async def test_task_is_not_closed_under_a_check_that_is_being_written(
    race_dsn: str, vault: Vault, clock: ManualClock
) -> None:
    async with committed_city(race_dsn, vault, clock, connections=4) as (rooms, officer, request):
        assert request.inspection_id is not None
        reader = ClosesMeanwhile(rooms, officer, request.inspection_id)
        checks = rooms.services.enterprise.checks
        meddled = EnterpriseChecks(
            database=checks._database,
            stickers=cast("Any", reader),
            scenarios=rooms.services.scenarios,
            desk=checks._desk,
            clock=clock,
        )
        answer = await meddled.check(officer, request)
        assert reader.closing is not None
        closed = await reader.closing
        late = await checks.check(officer, request)
    assert isinstance(answer, CheckView)
    assert (reader.had_to_wait, answer.verdict, closed.state) == (True, "ACCEPT", "closed")
    assert isinstance(late, InspectionTaskRequired)
