"""Reports that stay with their version: who may hand one in, what it must say, and what reviewers are told."""

from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from app.kit.clock import ManualClock
from miniapps.conformance.models import ConformanceReport, report_hash
from tests.miniapps.city import HOTLINE, official
from tests.miniapps.conformance.departments import Department, report_on
from tests.miniapps.conftest import APP_ID, As, Steps
from tests.miniapps.documents import sound_document

PATH = f"/v1/apps/{APP_ID}/versions/1/conformance"


@pytest.fixture(scope="module")
async def made() -> ConformanceReport:
    """A report, made once for all."""
    return await report_on(Department(), **_plain())


@pytest.fixture
async def report(steps: Steps, made: ConformanceReport) -> ConformanceReport:
    """A report on the version that is declared beside it, of the test's own time."""
    await steps.register()
    manifest_hash = await steps.draft()
    now = steps.floor.clock.now()
    return msgspec.structs.replace(made, manifest_hash=manifest_hash, made_at=now, version_code=1, app_id=APP_ID)


def _plain() -> dict[str, Any]:
    return {"widgets": [], "data": sound_document()["data"]}


def body_of(report: ConformanceReport, **changes: Any) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(report, **changes))


async def hand_in(http: httpx.AsyncClient, body: bytes) -> httpx.Response:
    return await http.post(PATH, content=body, headers={"content-type": "application/json"})


async def test_a_report_stays_with_its_version_and_whoever_reviews_reads_it(
    called_by: As, steps: Steps, report: ConformanceReport
) -> None:
    handed = await hand_in(called_by(steps.author), body_of(report))
    assert handed.status_code == 201, handed.text
    assert handed.json()["sha256"] == report_hash(report).hex()
    assert (handed.json()["made_by"], handed.json()["environment"]) == ("department", "local")

    seen = (await called_by(official("reviewer", organization_id=HOTLINE)).get(PATH)).json()
    assert [kept["sha256"] for kept in seen["items"]] == [report_hash(report).hex()]
    assert seen["items"][0]["report"] == msgspec.json.decode(body_of(report))
    assert seen["next"] is None
    assert (await steps.audited())[-1] == "miniapp.conformance_reported"


async def test_the_same_report_twice_is_kept_once(called_by: As, steps: Steps, report: ConformanceReport) -> None:
    http = called_by(steps.author)
    one, other = await hand_in(http, body_of(report)), await hand_in(http, body_of(report))

    assert one.json()["id"] == other.json()["id"]
    assert len((await http.get(PATH)).json()["items"]) == 1


async def test_reports_come_in_pages_newest_first(called_by: As, steps: Steps, report: ConformanceReport) -> None:
    http = called_by(steps.author)
    for milliseconds in (1, 2, 3):
        await hand_in(http, body_of(report, milliseconds=milliseconds))

    first = (await http.get(PATH, params={"limit": 2})).json()
    rest = (await http.get(PATH, params={"limit": 2, "after": first["next"]})).json()
    assert [kept["report"]["milliseconds"] for kept in first["items"] + rest["items"]] == [3, 2, 1]
    assert rest["next"] is None


REFUSED: dict[str, list[dict[str, Any]]] = {
    "report-on-another-manifest": [
        {"manifest_hash": "0" * 64},
        {"app_id": "cn.example.other"},
        {"version_code": 2},
    ],
    "report-inconsistent": [{"outcome": "failed"}, {"environment": "live"}, {"environment": "sandbox"}],
}


async def test_a_report_that_says_something_else_is_refused(
    called_by: As, steps: Steps, report: ConformanceReport
) -> None:
    http = called_by(steps.author)  # one for all: an application is slow to make
    for slug, lies in REFUSED.items():
        for lie in lies:
            answer = await hand_in(http, body_of(report, **lie))
            assert answer.json()["type"] == f"/problems/{slug}", lie


async def test_a_failure_cannot_be_called_a_pass(called_by: As, steps: Steps, report: ConformanceReport) -> None:
    http = called_by(steps.author)
    failed = tuple(msgspec.structs.replace(case, outcome="failed") for case in report.cases)
    later = report.made_at + timedelta(minutes=6)
    for lie in ({"cases": failed}, {"cases": report.cases * 2}, {"made_at": later}):
        assert (await hand_in(http, body_of(report, **lie))).status_code == 422


async def test_strangers_neither_hand_in_nor_read(called_by: As, steps: Steps, report: ConformanceReport) -> None:
    other = official("developer", organization_id=HOTLINE)
    assert (await hand_in(called_by(other), body_of(report))).status_code == 403
    assert (await called_by(other).get(PATH)).status_code == 403
    assert (await hand_in(called_by(None), body_of(report))).status_code == 401
    assert (await hand_in(called_by(official("reviewer")), body_of(report))).status_code == 403


async def found_at_check(steps: Steps) -> list[str]:
    await steps.submit()
    await steps.check()
    detail = await steps.services.versions.get_version(steps.connection, steps.author, APP_ID, 1)
    assert detail.version.state == "reviewing"
    return [finding.code for finding in detail.version.findings if finding.code.startswith("conformance")]


async def test_a_reviewer_is_told_that_there_is_no_report(steps: Steps) -> None:
    await steps.register()
    await steps.draft()

    assert await found_at_check(steps) == ["conformance-missing"]


async def test_a_reviewer_is_told_whose_word_it_is(called_by: As, steps: Steps, report: ConformanceReport) -> None:
    await hand_in(called_by(steps.author), body_of(report))

    assert await found_at_check(steps) == ["conformance-by-department-alone"]


async def test_a_reviewer_is_told_of_an_old_and_failed_one(
    called_by: As, steps: Steps, report: ConformanceReport, clock: ManualClock
) -> None:
    cases = (msgspec.structs.replace(report.cases[0], outcome="failed"), *report.cases[1:])
    await hand_in(called_by(steps.author), body_of(report, cases=cases, outcome="failed"))
    clock.advance(31 * 86_400)

    assert await found_at_check(steps) == [
        "conformance-failed",
        "conformance-outdated",
        "conformance-by-department-alone",
    ]


async def test_a_kept_report_does_not_change(steps: Steps, called_by: As, report: ConformanceReport) -> None:
    await hand_in(called_by(steps.author), body_of(report))

    with pytest.raises(Exception, match="immutable"):
        await steps.connection.execute("update miniapps.conformance_report set outcome = 'failed'")
