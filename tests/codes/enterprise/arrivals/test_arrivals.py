"""先赋码、凭码检查: who may ask for a code, what a scan of it tells, and what stays shut before it."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.vault import Vault
from auth.principal import Principal
from codes.enterprise.arrivals.models import InspectionCodeView, ScanInspectionCode
from codes.enterprise.inspections.models import CreateInspection
from codes.envelope.claims import Kind
from codes.envelope.static_code import parse_static_code
from codes.settings import CodesSettings
from tests.codes.enterprise_city import (
    FIRE_RESCUE,
    MARKET_SUPERVISION,
    ORIGIN,
    OTHER_COMPANY,
    RESTAURANT,
    STRANGERS,
    Caller,
    agent_of,
    an_official,
)
from tests.codes.enterprise_fixtures import apply_for_code, arrive, committed_rooms, open_task

BODIES: dict[str, Any] = {"code": None, "showings": {"reason": "店内无人"}}
HOST = CodesSettings(origin=ORIGIN).code_format.host


@pytest.fixture
def officer() -> Principal:
    return an_official("inspector")


@pytest.fixture
async def task(city: httpx.AsyncClient, caller: Caller, officer: Principal) -> str:
    return await open_task(city, caller, officer)


@pytest.fixture
async def code(city: httpx.AsyncClient, caller: Caller, officer: Principal, task: str) -> str:
    """The text that the officer's phone shows."""
    return await apply_for_code(city, caller, officer, task)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """An officer with a task and its code, whom nobody has met yet."""

    caller: Caller
    officer: Principal
    task: str
    code: str

    def by_officer(self) -> str:
        """The officer calls from now on; the path of their task."""
        self.caller.principal = self.officer
        return f"/v1/inspections/{self.task}"


@pytest.fixture
def visit(caller: Caller, officer: Principal, task: str, code: str) -> Visit:
    return Visit(caller=caller, officer=officer, task=task, code=code)


async def scan(
    city: httpx.AsyncClient, caller: Caller, code: str, who: UUID = RESTAURANT, **more: Any
) -> httpx.Response:
    caller.principal = agent_of(who)
    return await city.post("/v1/inspections/scans", json={"code": code} | more)


async def met(city: httpx.AsyncClient, caller: Caller, who: UUID = RESTAURANT, query: str = "") -> Any:
    caller.principal = agent_of(who)
    return (await city.get(f"/v1/organizations/{who}/inspections{query}")).json()


async def actions(connection: Connection) -> list[str]:
    rows = await connection.fetch("select action from kit.audit_entry order by id")
    return [row["action"] for row in rows]


def reason_of(answer: httpx.Response) -> tuple[int, str, str, Any]:
    body = answer.json()
    return answer.status_code, body["verdict"], body["reason"], body["notice"]


# --- the code ---


async def test_code_is_of_kind_i_and_ends_with_its_task(
    city: httpx.AsyncClient, caller: Caller, officer: Principal, task: str, clock: ManualClock
) -> None:
    caller.principal = officer
    answer = await city.post(f"/v1/inspections/{task}/code")
    body = answer.json()
    claims = parse_static_code(body["carrier"], HOST).claims
    assert (answer.status_code, body["kind"], claims.kind) == (201, "I", Kind.I)
    assert body["expires_at"] == "2026-03-02T16:00:00Z"
    assert claims.expires_at == int(clock.now().timestamp()) + 4 * 3600
    assert claims.facts is None


@pytest.mark.parametrize("hours", [1, 8])
async def test_no_code_outlives_eight_hours(
    city: httpx.AsyncClient, caller: Caller, officer: Principal, clock: ManualClock, hours: int
) -> None:
    task = await open_task(city, caller, officer, hours=hours)
    clock.advance(1800)
    claims = parse_static_code(await apply_for_code(city, caller, officer, task), HOST).claims
    assert claims.expires_at - clock.now().timestamp() == hours * 3600 - 1800


async def test_every_officer_of_a_task_shows_the_same_code(
    city: httpx.AsyncClient, caller: Caller, officer: Principal, connection: Connection
) -> None:
    task = await open_task(city, caller, officer, departments=[str(MARKET_SUPERVISION)])
    partner = caller.principal = an_official("inspector", organization_id=MARKET_SUPERVISION)
    await city.post(f"/v1/inspections/{task}/partners", json={"scenario": 805, "authority": "《食品安全法》"})
    shown = {await apply_for_code(city, caller, each, task) for each in (officer, partner, officer)}
    assert len(shown) == 1
    assert await connection.fetchval("select count(*) from codes.inspection_code") == 1
    assert (await actions(connection)).count("inspection_code.issued") == 1


@pytest.mark.parametrize("who", STRANGERS)
async def test_code_is_for_officers_only(
    city: httpx.AsyncClient, visit: Visit, connection: Connection, who: str
) -> None:
    path = visit.by_officer()
    visit.caller.principal = STRANGERS[who]
    refused = 401 if STRANGERS[who] is None else 403
    assert (await city.post(f"{path}/code")).status_code == refused
    assert (await city.delete(f"{path}/code")).status_code == refused
    assert (await city.post(f"{path}/showings", json={"reason": "无人"})).status_code == refused
    assert await connection.fetchval("select state from codes.inspection_code") == "active"


@pytest.mark.parametrize("path", ["code", "showings"])
async def test_colleague_outside_the_task_gets_no_code(city: httpx.AsyncClient, visit: Visit, path: str) -> None:
    task = visit.by_officer()
    visit.caller.principal = an_official("inspector")
    answers = [await city.post(f"{task}/{path}", json=BODIES[path]), await city.delete(f"{task}/code")]
    assert [answer.json()["type"] for answer in answers] == ["/problems/inspection-unknown"] * 2


@pytest.mark.parametrize("path", ["code", "showings"])
async def test_task_that_is_over_has_no_code(
    city: httpx.AsyncClient, visit: Visit, clock: ManualClock, path: str
) -> None:
    task = visit.by_officer()
    clock.advance(4 * 3600)
    ended = await city.post(f"{task}/{path}", json=BODIES[path])
    clock.advance(-3600)
    await city.delete(task)
    closed = await city.post(f"{task}/{path}", json=BODIES[path])
    assert {answer.json()["type"] for answer in (ended, closed)} == {"/problems/inspection-not-active"}


async def test_code_that_was_lost_is_revoked_and_replaced(
    city: httpx.AsyncClient, caller: Caller, officer: Principal, task: str, code: str
) -> None:
    caller.principal = officer
    assert (await city.delete(f"/v1/inspections/{task}/code")).json()["state"] == "revoked"
    again = await city.delete(f"/v1/inspections/{task}/code")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/inspection-code-missing")
    replacement = await apply_for_code(city, caller, officer, task)
    assert replacement != code
    assert reason_of(await scan(city, caller, code)) == (200, "REJECT", "REVOKED", None)
    assert (await scan(city, caller, replacement)).json()["verdict"] == "ACCEPT"


async def test_closing_a_task_ends_its_code(city: httpx.AsyncClient, visit: Visit, connection: Connection) -> None:
    await city.delete(visit.by_officer())
    assert reason_of(await scan(city, visit.caller, visit.code)) == (200, "REJECT", "REVOKED", None)
    assert await connection.fetchval("select count(*) from codes.inspection_arrival") == 0
    page = await city.get(visit.code.removeprefix(ORIGIN.upper()), headers={"accept": "text/html"})
    assert page.status_code == 410


# --- the scan ---


async def test_scan_says_who_comes_why_and_on_whose_authority(
    city: httpx.AsyncClient, caller: Caller, officer: Principal, connection: Connection
) -> None:
    task = await open_task(city, caller, officer, checklist=[{"text": "疏散通道是否畅通"}])
    answer = await scan(city, caller, await apply_for_code(city, caller, officer, task))
    body, notice = answer.json(), answer.json()["notice"]
    assert (body["verdict"], body["reason"], body["kind"], body["scenario"]) == ("ACCEPT", "OK", "I", 901)
    assert (notice["organization_name"], notice["purpose"], notice["joint"]) == (
        "演示餐饮有限公司",
        "消防监督检查",
        False,
    )
    (who,) = notice["officers"]
    assert (who["department"], who["officer"][:2]) == ("演示消防救援", "官*")
    assert (who["authority"], who["legal_basis"]["zh"]) == ("通知书〔2026〕1 号", "《消防法》第五十三条")
    assert who["checklist"] == ["疏散通道是否畅通"]
    assert "business_licence" in {evidence["slug"] for evidence in notice["fetched"]}
    assert str(officer.subject_id) not in answer.text
    checks = {check["name"]: check["result"] for check in body["checks"]}
    assert (checks["issuer_signature"], checks["status"], checks["scanner"]) == ("pass", "pass", "pass")
    assert (await actions(connection)).count("inspection.arrived") == 1


async def test_second_scan_says_so_and_writes_nothing_new(
    city: httpx.AsyncClient, caller: Caller, code: str, clock: ManualClock, connection: Connection
) -> None:
    first = await scan(city, caller, code)
    clock.advance(60)
    second = await scan(city, caller, code)
    assert (first.json()["repeated"], second.json()["repeated"]) == (False, True)
    assert second.json()["notice"] == first.json()["notice"]
    assert await connection.fetchval("select arrived_at from codes.inspection_arrival") == clock.now() - timedelta(
        minutes=1
    )
    assert (await actions(connection)).count("inspection.arrived") == 1


async def test_code_for_another_enterprise_tells_nothing(
    city: httpx.AsyncClient, caller: Caller, code: str, connection: Connection
) -> None:
    answer = await scan(city, caller, code, OTHER_COMPANY)
    assert reason_of(answer) == (200, "REJECT", "SCANNER_NOT_ALLOWED", None)
    assert {check["name"]: check["result"] for check in answer.json()["checks"]}["scanner"] == "fail"
    assert "餐饮" not in answer.text
    assert "消防" not in answer.text
    assert await connection.fetchval("select count(*) from codes.inspection_arrival") == 0
    assert (await actions(connection))[-1] == "inspection_code.rejected"


@pytest.mark.parametrize("who", [name for name in STRANGERS if "agent" not in name])
async def test_scan_is_for_those_who_act_for_an_enterprise(
    city: httpx.AsyncClient, caller: Caller, code: str, who: str
) -> None:
    caller.principal = STRANGERS[who]
    answer = await city.post("/v1/inspections/scans", json={"code": code})
    assert answer.status_code == (401 if caller.principal is None else 403)


async def test_enterprise_code_is_no_officers_code(city: httpx.AsyncClient, caller: Caller, carrier: str) -> None:
    assert reason_of(await scan(city, caller, carrier)) == (200, "REJECT", "WRONG_CARRIER", None)


async def test_officers_code_is_no_enterprise_code(
    city: httpx.AsyncClient, caller: Caller, officer: Principal, task: str, code: str
) -> None:
    await scan(city, caller, code)
    caller.principal = officer
    check = {"code": code, "scenario": 804, "inspection_id": task}
    answer = await city.post("/v1/enterprise-checks", json=check)
    assert (answer.json()["verdict"], answer.json()["reason"]) == ("REJECT", "WRONG_CARRIER")


async def test_code_whose_hours_are_over_is_expired(
    city: httpx.AsyncClient, caller: Caller, code: str, clock: ManualClock
) -> None:
    clock.advance(4 * 3600)
    assert reason_of(await scan(city, caller, code)) == (200, "REJECT", "GRANT_EXPIRED", None)


async def test_code_that_the_city_signed_for_no_task_is_unknown(
    city: httpx.AsyncClient, caller: Caller, code: str, connection: Connection
) -> None:
    await connection.execute("delete from codes.inspection_code")
    assert reason_of(await scan(city, caller, code)) == (200, "REVIEW", "STATUS_UNKNOWN", None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(text=st.one_of(st.text(max_size=200), st.binary(max_size=100).map(lambda raw: raw.decode("latin-1"))))
async def test_scan_of_any_text_is_a_verdict_and_never_accepted(
    city: httpx.AsyncClient, caller: Caller, text: str
) -> None:
    answer = await scan(city, caller, text)
    assert (answer.status_code, answer.json()["verdict"], answer.json()["notice"]) == (200, "REJECT", None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(place=st.integers(min_value=0, max_value=10_000), letter=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
async def test_code_with_one_letter_changed_is_never_accepted(
    city: httpx.AsyncClient, caller: Caller, code: str, place: int, letter: str
) -> None:
    begin = len(ORIGIN) + 3
    place = begin + place % (len(code) - begin)
    bent = code[:place] + letter + code[place + 1 :]
    if bent != code:
        assert (await scan(city, caller, bent)).json()["verdict"] == "REJECT"


@pytest.mark.parametrize("body", [{}, {"code": None}, {"code": 7}, {"code": "A" * 3201}, {"code": "A", "by": "me"}])
async def test_scan_out_of_shape_is_refused(city: httpx.AsyncClient, caller: Caller, body: Any) -> None:
    caller.principal = agent_of(RESTAURANT)
    answer = await city.post("/v1/inspections/scans", json=body)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/fields-invalid")


# --- any camera ---


async def test_any_camera_reads_who_comes_and_leaves_no_trace(
    city: httpx.AsyncClient, caller: Caller, code: str, connection: Connection
) -> None:
    caller.principal = None
    page = await city.get(code.removeprefix(ORIGIN.upper()), headers={"accept": "text/html"})
    assert page.status_code == 200
    for said in ("演示消防救援", "官*", "消防监督检查", "通知书〔2026〕1 号", "营业执照", "2026-03-03 00:00"):
        assert said in page.text, said
    view = (await city.get(code.removeprefix(ORIGIN.upper()), headers={"accept": "application/json"})).json()
    assert view["organization_name"] == "演示餐饮有限公司"
    assert await connection.fetchval("select count(*) from codes.inspection_arrival") == 0


async def test_what_officers_write_is_text_on_the_page(
    city: httpx.AsyncClient, caller: Caller, officer: Principal
) -> None:
    nasty = "<script>alert(1)</script>"
    task = await open_task(city, caller, officer, purpose=nasty, authority=nasty, checklist=[{"text": nasty}])
    code = await apply_for_code(city, caller, officer, task)
    page = await city.get(code.removeprefix(ORIGIN.upper()), headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "<script" not in page.text


# --- before and after ---


async def test_enterprise_knows_of_no_task_before_somebody_came(
    city: httpx.AsyncClient, caller: Caller, code: str
) -> None:
    assert (await met(city, caller))["items"] == []
    await scan(city, caller, code)
    (item,) = (await met(city, caller))["items"]
    assert (item["state"], item["way"], item["reason"]) == ("active", "scanned", None)
    assert item["notice"]["purpose"] == "消防监督检查"
    assert (await met(city, caller, OTHER_COMPANY))["items"] == []


async def test_tasks_of_a_company_are_closed_to_everybody_else(
    city: httpx.AsyncClient, caller: Caller, code: str
) -> None:
    await scan(city, caller, code)
    for who in STRANGERS:
        if who != "agent of the restaurant":
            caller.principal = STRANGERS[who]
            answer = await city.get(f"/v1/organizations/{RESTAURANT}/inspections")
            assert answer.status_code == (401 if caller.principal is None else 403)


async def test_tasks_go_page_by_page_newest_first(city: httpx.AsyncClient, caller: Caller, officer: Principal) -> None:
    tasks = [await open_task(city, caller, officer) for _ in range(3)]
    for task in tasks:
        await arrive(city, caller, officer, task)
    first = await met(city, caller, query="?limit=2")
    second = await met(city, caller, query=f"?limit=2&after={first['next']}")
    assert [item["notice"]["inspection_id"] for item in first["items"] + second["items"]] == tasks[::-1]
    assert second["next"] is None


async def test_no_check_before_the_code_was_met(
    city: httpx.AsyncClient, visit: Visit, carrier: str, connection: Connection
) -> None:
    check = {"code": carrier, "scenario": 804, "inspection_id": visit.task}
    visit.by_officer()
    refused = await city.post("/v1/enterprise-checks", json=check)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/arrival-required")
    assert (await actions(connection))[-1] == "enterprise_check.refused"
    await scan(city, visit.caller, visit.code, OTHER_COMPANY)
    visit.by_officer()
    assert (await city.post("/v1/enterprise-checks", json=check)).status_code == 403
    await scan(city, visit.caller, visit.code)
    visit.by_officer()
    assert (await city.post("/v1/enterprise-checks", json=check)).json()["verdict"] == "ACCEPT"


async def test_code_is_shown_where_nobody_can_scan_and_the_enterprise_reads_why(
    city: httpx.AsyncClient, visit: Visit, carrier: str, connection: Connection
) -> None:
    shown = await city.post(f"{visit.by_officer()}/showings", json={"reason": "店内只有保洁人员"})
    assert (shown.status_code, shown.json()["way"]) == (201, "shown")
    check = {"code": carrier, "scenario": 804, "inspection_id": visit.task}
    assert (await city.post("/v1/enterprise-checks", json=check)).json()["verdict"] == "ACCEPT"
    (item,) = (await met(city, visit.caller))["items"]
    assert (item["way"], item["reason"]) == ("shown", "店内只有保洁人员")
    assert (await actions(connection)).count("inspection.shown") == 1


async def test_scan_replaces_what_an_officer_stated_and_not_the_other_way(
    city: httpx.AsyncClient, caller: Caller, officer: Principal, code: str, task: str
) -> None:
    caller.principal = officer
    await city.post(f"/v1/inspections/{task}/showings", json={"reason": "店内无人"})
    assert (await scan(city, caller, code)).json()["repeated"] is False
    caller.principal = officer
    stated = await city.post(f"/v1/inspections/{task}/showings", json={"reason": "店内无人"})
    assert stated.json()["way"] == "scanned"
    (item,) = (await met(city, caller))["items"]
    assert (item["way"], item["reason"]) == ("scanned", None)


@pytest.mark.parametrize("reason", ["", "x", " 无人", "无\n人", "无" * 201, 7, None])
async def test_showing_without_a_reason_is_refused(city: httpx.AsyncClient, visit: Visit, reason: Any) -> None:
    answer = await city.post(f"{visit.by_officer()}/showings", json={"reason": reason})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/fields-invalid")


async def test_nothing_is_shown_without_a_code(
    city: httpx.AsyncClient, caller: Caller, officer: Principal, task: str, connection: Connection
) -> None:
    caller.principal = officer
    answer = await city.post(f"/v1/inspections/{task}/showings", json={"reason": "店内无人"})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/inspection-code-missing")
    assert await connection.fetchval("select count(*) from codes.inspection_arrival") == 0


@pytest.mark.parametrize("path", ["code", "showings"])
async def test_task_that_does_not_exist_is_unknown(
    city: httpx.AsyncClient, caller: Caller, officer: Principal, path: str
) -> None:
    caller.principal = officer
    answer = await city.post(f"/v1/inspections/{uuid4()}/{path}", json=BODIES[path])
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/inspection-unknown")


# --- races ---


async def test_twenty_officers_asking_at_once_have_one_code(race_dsn: str, vault: Vault, clock: ManualClock) -> None:
    officer = an_official("inspector", organization_id=FIRE_RESCUE)
    async with committed_rooms(race_dsn, vault, clock) as (rooms, database):
        enterprise = rooms.services.enterprise
        request = CreateInspection(scenario=804, purpose="检查", authority="通知书", organization_id=RESTAURANT)
        async with database.transaction() as connection:
            task = await enterprise.inspections.open(connection, officer, request)

        async def apply() -> InspectionCodeView:
            async with database.transaction() as connection:
                return await enterprise.inspection_codes.apply(connection, officer, task.id)

        shown = await asyncio.gather(*(apply() for _ in range(20)))
    assert len({view.carrier for view in shown}) == 1


async def test_no_code_counts_after_a_task_was_closed_whatever_came_first(
    race_dsn: str, vault: Vault, clock: ManualClock
) -> None:
    officer = an_official("inspector", organization_id=FIRE_RESCUE)
    async with committed_rooms(race_dsn, vault, clock) as (rooms, database):
        enterprise = rooms.services.enterprise
        request = CreateInspection(scenario=804, purpose="检查", authority="通知书", organization_id=RESTAURANT)

        async def in_transaction(act: Any, *arguments: Any) -> Any:
            async with database.transaction() as connection:
                return await act(connection, *arguments)

        for _ in range(15):
            task = await in_transaction(enterprise.inspections.open, officer, request)
            outcomes: tuple[Any, ...] = await asyncio.gather(
                in_transaction(enterprise.inspection_codes.apply, officer, task.id),
                in_transaction(enterprise.inspections.close, officer, task.id),
                return_exceptions=True,
            )
            applied = outcomes[0]
            if isinstance(applied, SuishenError):
                continue
            read = ScanInspectionCode(code=applied.carrier)
            scanned = await in_transaction(enterprise.arrivals.scan, agent_of(RESTAURANT), read)
            assert (scanned.verdict, scanned.reason) == ("REJECT", "REVOKED")
        async with database.acquire() as connection:
            left = await connection.fetchval("select count(*) from codes.inspection_code where state = 'active'")
    assert left == 0
