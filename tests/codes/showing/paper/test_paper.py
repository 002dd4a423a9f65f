"""Paper codes from the desk to the door: looked at by a person or not accepted, voided on loss, gone with a freeze."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.ids import new_id
from codes.offline import Challenge, status_list_key, verify_offline
from codes.offline_files import export_files, verify_folder
from codes.showing.paper.models import (
    MOST_LIVING,
    IssueAtCounter,
    IssuePaperCode,
    NamedHolder,
    PaperCodeView,
    VoidAtCounter,
)
from codes.status.models import verify_status_list
from codes.verdict import Reason, Verdict, VerificationResult
from codes.verification.models import VerifyCode
from tests.codes.enterprise_city import Caller, a_principal, an_official
from tests.codes.family_city import FamilyCity
from tests.codes.personal_city import FULL_FACTS, SETTINGS, City, a_scanner

LIBRARY_ENTRY, HOTEL, OFFICE, AGE = 301, 601, 602, 608
NUMBER = "190000199001010011"
PRINTED = {"display_name": "测*甲", "document_tail": "0011"}


@pytest.fixture
def principal(city: City) -> Any:
    person = city.people.add()
    city.people.by_document[NUMBER] = person.id
    return a_principal("person", subject_id=person.id)


@pytest.fixture
async def paper(city: City, connection: Connection, principal: Any) -> PaperCodeView:
    return await city.codes.ladder.paper_codes.issue(connection, principal, IssuePaperCode())


async def scan(
    city: City, connection: Connection, code: str, scenario: int = HOTEL, *, looked: bool = True, **request: Any
) -> VerificationResult:
    asked = VerifyCode(code=code, scenario=scenario, holder_checked=looked, **request)
    return await city.codes.verifications.verify(connection, a_scanner(scenario), asked)


async def offline(
    city: City, connection: Connection, code: str, clock: ManualClock, *, looked: bool, scenario: int = HOTEL
) -> VerificationResult:
    """The verdict of a verifier that pulled all lists now."""
    trust_list = (await city.codes.trust_lists.current(connection)).verified
    code_format = SETTINGS.code_format
    lists = {
        shard: verify_status_list(
            (await city.codes.statuses.publish(connection, shard)).body,
            lambda message: status_list_key(trust_list, message, clock.now()),
            shard=shard,
            host=code_format.host,
            environment=code_format.environment,
        )
        for shard in await city.codes.statuses.list_shards(connection)
    }
    return verify_offline(
        code,
        trust_list=trust_list,
        status_lists=lists,
        policy=trust_list.scenarios[scenario],
        code_format=code_format,
        now=clock.now(),
        challenge=Challenge(aud="anywhere", cnonce=None),
        holder_checked=looked,
    )


def checks_of(result: VerificationResult) -> dict[str, str]:
    return {check.name: check.result for check in result.checks}


async def test_paper_is_reviewed_until_somebody_looked_and_accepted_then(
    city: City, connection: Connection, paper: PaperCodeView
) -> None:
    shown = await scan(city, connection, paper.carrier, AGE, looked=False)
    assert (shown.verdict, shown.reason, shown.kind) == (Verdict.REVIEW, Reason.HOLDER_CHECK_REQUIRED, "L")
    assert (shown.disclosed, shown.printed) == ({}, PRINTED)
    assert checks_of(shown)["holder"] == "fail"
    looked_at = await scan(city, connection, paper.carrier, AGE)
    assert (looked_at.verdict, looked_at.reason) == (Verdict.ACCEPT, Reason.OK)
    assert (looked_at.disclosed, looked_at.printed) == ({"age_over_18": True}, PRINTED)
    assert {checks_of(looked_at)[step] for step in ("device_signature", "freshness")} == {"skipped"}


async def test_paper_serves_more_than_once(city: City, connection: Connection, paper: PaperCodeView) -> None:
    for _ in range(3):
        assert (await scan(city, connection, paper.carrier, request_id="request-0001")).reason is Reason.OK


@pytest.mark.parametrize("scenario", [HOTEL, AGE, LIBRARY_ENTRY])
async def test_paper_serves_where_the_scenario_names_it(
    city: City, connection: Connection, paper: PaperCodeView, scenario: int
) -> None:
    assert (await scan(city, connection, paper.carrier, scenario)).reason is Reason.OK
    unseen = await scan(city, connection, paper.carrier, scenario, looked=False)
    assert (unseen.reason, unseen.disclosed) == (Reason.HOLDER_CHECK_REQUIRED, {})


async def test_paper_does_not_serve_elsewhere(city: City, connection: Connection, paper: PaperCodeView) -> None:
    result = await scan(city, connection, paper.carrier, OFFICE)
    assert (result.verdict, result.reason, result.printed) == (Verdict.REJECT, Reason.WRONG_CARRIER, {})


@pytest.mark.parametrize("looked", [False, True])
async def test_paper_is_verified_without_the_city(
    *, city: City, connection: Connection, paper: PaperCodeView, clock: ManualClock, looked: bool
) -> None:
    result = await offline(city, connection, paper.carrier, clock, looked=looked)
    assert result.reason is (Reason.OK if looked else Reason.HOLDER_CHECK_REQUIRED)
    assert (result.mode, result.kind, result.printed, result.disclosed) == ("offline", "L", PRINTED, {})
    assert checks_of(result)["holder"] == ("pass" if looked else "fail")


async def test_voided_paper_is_refused_online_at_once_and_offline_with_the_next_list(
    city: City, connection: Connection, principal: Any, paper: PaperCodeView, clock: ManualClock
) -> None:
    await city.codes.ladder.paper_codes.void(connection, principal, paper.id)
    await city.codes.status_steps.take_when_due()
    city.codes.statuses._published.clear()  # as the notification does after the commit
    for result in (
        await scan(city, connection, paper.carrier),
        await offline(city, connection, paper.carrier, clock, looked=True),
    ):
        assert (result.verdict, result.reason, result.printed) == (Verdict.REJECT, Reason.REVOKED, {})


async def test_paper_ends_after_its_days(
    city: City, connection: Connection, principal: Any, clock: ManualClock
) -> None:
    paper = await city.codes.ladder.paper_codes.issue(connection, principal, IssuePaperCode(days=2))
    clock.advance(2 * 86400 - 1)
    assert (await scan(city, connection, paper.carrier, LIBRARY_ENTRY)).reason is Reason.OK
    clock.advance(1)
    assert (await scan(city, connection, paper.carrier, LIBRARY_ENTRY)).reason is Reason.GRANT_EXPIRED
    clock.advance(31 * 86400)
    await city.codes.ladder.paper_codes.forget_expired(connection)
    assert await connection.fetchval("select count(*) from codes.paper_code") == 0
    assert (await scan(city, connection, paper.carrier, LIBRARY_ENTRY)).reason is Reason.STATUS_UNKNOWN


async def test_paper_ends_with_everything_else_of_its_person(
    city: City, connection: Connection, principal: Any, paper: PaperCodeView, clock: ManualClock
) -> None:
    codes = city.codes.ladder.paper_codes
    assert await codes.end_codes(connection, new_id(), clock.now()) == 0
    assert await codes.end_codes_of_device(connection, new_id(), clock.now()) == 0
    assert await codes.end_codes(connection, principal.subject_id, clock.now()) == 1
    assert (await scan(city, connection, paper.carrier)).reason is Reason.REVOKED


async def test_a_freeze_reaches_paper_and_ends_without_waking_what_is_void(
    city: City, connection: Connection, principal: Any, clock: ManualClock
) -> None:
    codes, person = city.codes.ladder.paper_codes, principal.subject_id
    kept, lost = [await codes.issue(connection, principal, IssuePaperCode()) for _ in range(2)]
    await codes.suspend_codes(connection, person, clock.now())
    frozen = await scan(city, connection, kept.carrier)
    assert (frozen.verdict, frozen.reason, frozen.disclosed) == (Verdict.REVIEW, Reason.SUSPENDED, {})
    await codes.void(connection, principal, lost.id)
    await codes.restore_codes(connection, person, clock.now())
    assert (await scan(city, connection, kept.carrier)).reason is Reason.OK
    assert (await scan(city, connection, lost.carrier)).reason is Reason.REVOKED


async def test_a_closed_account_has_no_paper(
    city: City, connection: Connection, principal: Any, paper: PaperCodeView
) -> None:
    person = city.people.by_id[principal.subject_id]
    city.people.by_id[person.id] = msgspec.structs.replace(person, status="closed")
    assert (await scan(city, connection, paper.carrier)).reason is Reason.REVOKED


async def test_the_holder_reads_the_scan_of_their_paper(
    city: City, connection: Connection, principal: Any, paper: PaperCodeView
) -> None:
    await scan(city, connection, paper.carrier)
    scans = await city.codes.scan_records.list_scans(connection, principal, after=None, limit=5)
    assert [(item.kind, item.verdict) for item in scans.items] == [("L", "ACCEPT")]


async def test_the_row_names_nobody_and_the_paper_almost_nobody(
    city: City, connection: Connection, paper: PaperCodeView
) -> None:
    row = await connection.fetchrow("select * from codes.paper_code")
    assert row is not None
    stored = repr(dict(row))
    assert paper.carrier not in stored
    assert not any(str(FULL_FACTS[fact]) in stored for fact in ("full_name", "id_number", "display_name"))
    assert (paper.display_name, paper.document_tail) == ("测*甲", "0011")
    audit = await connection.fetchval("select detail::text from kit.audit_entry where action = 'paper_code.issued'")
    assert "0011" not in audit.replace(str(paper.id), "")


# By HTTP.


HOLDER = {"name": FULL_FACTS["full_name"], "document_number": NUMBER}
SOME_ID = "01900000-0000-7000-8000-000000000000"  # the same in every process that runs tests
AT_COUNTER = {"holder": HOLDER, "holder_checked": True}


async def test_a_citizen_gets_lists_prints_and_voids(
    http: httpx.AsyncClient, caller: Caller, principal: Any, clock: ManualClock
) -> None:
    caller.principal = principal
    made = (await http.post("/v1/codes/paper", json={"days": 30})).json()
    clock.advance(60)
    latest = (await http.post("/v1/codes/paper", json={})).json()
    listed = (await http.get("/v1/codes/paper", params={"limit": 1})).json()
    assert [item["id"] for item in listed["items"]] == [latest["id"]]
    rest = (await http.get("/v1/codes/paper", params={"after": listed["next"]})).json()
    assert [(item["id"], item["state"], item["issued_at_counter"]) for item in rest["items"]] == [
        (made["id"], "valid", False)
    ]
    assert (await http.get(f"/v1/codes/paper/{made['id']}")).json() == made
    voided = await http.delete(f"/v1/codes/paper/{made['id']}")
    assert (voided.status_code, voided.json()["state"]) == (200, "voided")
    assert (await http.delete(f"/v1/codes/paper/{made['id']}")).json() == voided.json()
    ended = await http.get(f"/v1/codes/paper/{made['id']}")
    assert (ended.status_code, ended.json()["type"]) == (409, "/problems/paper-code-ended")


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
async def test_a_card_is_drawn_for_its_holder_only(
    http: httpx.AsyncClient, caller: Caller, principal: Any, form: str
) -> None:
    caller.principal = principal
    made = (await http.post("/v1/codes/paper", json={})).json()
    card = await http.get(f"/v1/codes/paper/{made['id']}/card", params={"form": form})
    assert card.status_code == 200
    assert form in card.headers["content-type"]
    caller.principal = a_principal("person")
    assert (await http.get(f"/v1/codes/paper/{made['id']}/card")).status_code == 404


async def test_a_venue_checks_paper_by_files_alone(
    *, http: httpx.AsyncClient, caller: Caller, principal: Any, clock: ManualClock, tmp_path: Path
) -> None:
    caller.principal = principal
    carrier = (await http.post("/v1/codes/paper", json={})).json()["carrier"]
    shards = (await http.get("/v1/status")).json()["items"]
    paths = ["/v1/trust-root", "/v1/trust-list", "/v1/status", *(f"/v1/status/{shard}" for shard in shards)]
    answers = {path: (await http.get(path)).content for path in paths}
    export_files(lambda path: answers[path], tmp_path)
    unseen = verify_folder(carrier, tmp_path, scenario=HOTEL, now=clock.now())
    looked = verify_folder(carrier, tmp_path, scenario=HOTEL, now=clock.now(), holder_checked=True)
    assert (unseen.reason, unseen.printed) == (Reason.HOLDER_CHECK_REQUIRED, PRINTED)
    assert (looked.reason, checks_of(looked)["status"]) == (Reason.OK, "pass")


async def test_an_official_prints_for_who_stands_there_and_only_then(
    *, http: httpx.AsyncClient, caller: Caller, principal: Any, city: City, connection: Connection, clock: ManualClock
) -> None:
    official = caller.principal = an_official("counter")
    made = await http.post("/v1/codes/paper/at-counter", json=AT_COUNTER)
    assert made.status_code == 201
    path = f"/v1/codes/paper/at-counter/{made.json()['id']}/card"
    assert (await http.get(path)).status_code == 200
    caller.principal = an_official("counter")
    assert (await http.get(path)).status_code == 404
    caller.principal = principal
    assert (await http.get("/v1/codes/paper")).json()["items"][0]["issued_at_counter"]
    clock.advance(1801)
    caller.principal = official
    assert (await http.get(path)).status_code == 404
    ended = await http.post("/v1/codes/paper/at-counter/voidings", json=AT_COUNTER)
    assert (ended.status_code, ended.json()["voided"]) == (201, 1)
    assert (await scan(city, connection, made.json()["carrier"])).reason is Reason.REVOKED


async def test_who_was_served_at_a_counter_is_told_in_case_it_was_somebody_else(
    floor: Floor, connection: Connection
) -> None:
    city, official = FamilyCity(floor), an_official("counter")
    codes, person = city.codes.ladder.paper_codes, city.people.add()
    city.people.by_document[NUMBER] = person.id
    holder = NamedHolder(name="测试甲", document_number=NUMBER)
    await codes.issue(connection, a_principal("person", subject_id=person.id), IssuePaperCode())
    assert city.told.notices == []
    await codes.issue_at_counter(connection, official, IssueAtCounter(holder=holder, holder_checked=True))
    for _ in range(2):
        await codes.void_at_counter(connection, official, VoidAtCounter(holder=holder, holder_checked=True))
    assert city.told.notices == [(person.id, "paper_code_issued"), (person.id, "paper_code_voided")]


@pytest.mark.parametrize("path", ["/v1/codes/paper/at-counter", "/v1/codes/paper/at-counter/voidings"])
@pytest.mark.parametrize("changes", [{"name": "测试乙"}, {"document_number": "190000199001010038"}])
async def test_a_name_and_number_of_nobody_s_is_remembered(
    *, http: httpx.AsyncClient, caller: Caller, connection: Connection, path: str, changes: dict[str, str]
) -> None:
    caller.principal = an_official("counter")
    answer = await http.post(path, json={"holder": HOLDER | changes, "holder_checked": True})
    assert answer.status_code == 404
    remembered = await connection.fetch("select detail, subject from kit.audit_entry")
    assert [(row["detail"], row["subject"]) for row in remembered] == [({}, caller.principal.subject)]


BENT: dict[str, Any] = {
    "nobody looked": {"holder": HOLDER, "holder_checked": False},
    "nobody says": {"holder": HOLDER},
    "181 days": AT_COUNTER | {"days": 181},
    "no days": AT_COUNTER | {"days": 0},
    "no name": {"holder": {"document_number": NUMBER}, "holder_checked": True},
    "no holder": {"holder_checked": True},
    "something else": AT_COUNTER | {"person_id": str(new_id())},
}


@pytest.mark.parametrize("body", BENT.values(), ids=BENT.keys())
async def test_a_bent_request_at_the_counter_is_refused(
    http: httpx.AsyncClient, caller: Caller, principal: Any, body: dict[str, Any]
) -> None:
    caller.principal = an_official("counter")
    assert (await http.post("/v1/codes/paper/at-counter", json=body)).status_code == 400


CITIZENS_ROUTES = [
    ("POST", ""),
    ("GET", ""),
    ("GET", f"/{SOME_ID}"),
    ("GET", f"/{SOME_ID}/card"),
    ("DELETE", f"/{SOME_ID}"),
]
COUNTER_ROUTES = [("POST", ""), ("POST", "/voidings"), ("GET", f"/{SOME_ID}/card")]
NOT_CITIZENS: dict[str, tuple[Callable[[], Any], int]] = {
    "nobody": (lambda: None, 401),
    "a number alone": (lambda: a_principal("person", ial=1), 403),
    "an official": (lambda: an_official("counter"), 403),
    "an agent": (lambda: a_principal("organization", agent_id=new_id()), 403),
}


@pytest.mark.parametrize(("who", "status"), NOT_CITIZENS.values(), ids=NOT_CITIZENS.keys())
@pytest.mark.parametrize(("method", "path"), CITIZENS_ROUTES)
async def test_strangers_at_the_citizen_s_routes(
    *, http: httpx.AsyncClient, caller: Caller, who: Callable[[], Any], status: int, method: str, path: str
) -> None:
    caller.principal = who()
    body: dict[str, Any] = {"json": {}} if method == "POST" else {}
    assert (await http.request(method, f"/v1/codes/paper{path}", **body)).status_code == status


@pytest.mark.parametrize("who", [lambda: a_principal("person"), lambda: an_official("reviewer"), lambda: None])
@pytest.mark.parametrize(("method", "path"), COUNTER_ROUTES)
async def test_strangers_at_the_counter(
    *, http: httpx.AsyncClient, caller: Caller, who: Callable[[], Any], method: str, path: str
) -> None:
    caller.principal = who()
    body: dict[str, Any] = {"json": AT_COUNTER} if method == "POST" else {}
    answer = await http.request(method, f"/v1/codes/paper/at-counter{path}", **body)
    assert answer.status_code in (401, 403)


@pytest.mark.parametrize(("method", "path"), CITIZENS_ROUTES[2:])
async def test_another_person_s_paper_is_unknown(
    *, http: httpx.AsyncClient, caller: Caller, paper: PaperCodeView, method: str, path: str
) -> None:
    caller.principal = a_principal("person")
    mine = f"/v1/codes/paper/{paper.id}" + path[37:]
    answer = await http.request(method, mine)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/paper-code-unknown")


async def test_one_has_three_at_a_time(http: httpx.AsyncClient, caller: Caller, principal: Any) -> None:
    caller.principal = principal
    answers = [await http.post("/v1/codes/paper", json={}) for _ in range(MOST_LIVING + 1)]
    assert [answer.status_code for answer in answers] == [201] * MOST_LIVING + [409]
    await http.delete(f"/v1/codes/paper/{answers[0].json()['id']}")
    assert (await http.post("/v1/codes/paper", json={})).status_code == 201


async def test_who_is_frozen_gets_no_paper(
    http: httpx.AsyncClient, caller: Caller, principal: Any, connection: Connection
) -> None:
    caller.principal = principal
    await freeze(connection, principal.subject_id)
    answer = await http.post("/v1/codes/paper", json={})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/codes-frozen")


async def test_who_is_not_named_gets_no_paper(
    http: httpx.AsyncClient, caller: Caller, principal: Any, city: City
) -> None:
    caller.principal = principal
    city.people.facts = {"identity_level": "1"}
    answer = await http.post("/v1/codes/paper", json={})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/holder-not-named")


async def freeze(connection: Connection, person_id: Any) -> None:
    await connection.execute(
        "insert into codes.freeze (id, person_id, reason, explanation_sealed, frozen_at, frozen_by, organization_id)"
        " values ($1, $2, 'loss', ''::bytea, '2026-03-02', $1, $1)",
        new_id(),
        person_id,
    )
