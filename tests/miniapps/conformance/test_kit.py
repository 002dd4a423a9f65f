"""The kit finds what is wrong, case by case, and nothing where nothing is wrong."""

import asyncio
import json
from datetime import date
from typing import Any

import pytest

from auth.documents import make_synthetic_id_number
from miniapps.conformance import running
from miniapps.conformance.catalogue import CASES
from miniapps.conformance.ports import Answer, Outgoing, Unanswered
from miniapps.conformance.refusing import REFUSING
from miniapps.conformance.running import BackendSilent
from miniapps.sdk import Citizen, Verifier
from tests.miniapps.conformance.departments import ISSUER, Department, answer, document, failures, report_on, serve

FORGED = {
    "citizen-switched",
    "forged-signature",
    "wrong-host",
    "wrong-method",
    "wrong-path",
    "wrong-query",
    "added-query",
    "other-tag",
    "forged-stream",
    "wrong-stream",
}
OVERLOOKED = {
    "assertion-missing": {"unsigned", "plain-user-headers", "nobody"},
    "assertion-malformed": {"alg-none", "another-token", "nameless"},
    "assertion-forged": {"forged-assertion"},
    "assertion-key-unknown": {"keys-swapped"},
    "assertion-expired": {"expired-assertion"},
    "assertion-not-yet": {"future-assertion"},
    "assertion-too-long": {"long-assertion"},
    "assertion-audience": {"others-assertion"},
    "assertion-issuer": {"others-city"},
    "signature-missing": {"unsigned", "plain-user-headers", "assertion-alone"},
    "signature-key-unknown": {"unknown-key"},
    "signature-expired": {"expired-signature", "future-signature"},
    "signature-too-long": {"long-signature"},
    "signature-coverage": {"uncovered-assertion", "uncovered-path"},
    "digest-mismatch": {"wrong-body"},
    "app-mismatch": {"others-app"},
    "header-repeated": {"named-twice"},
    "replayed": {"replayed", "replayed-card", "replayed-stream"},
}


async def test_a_department_that_does_everything_right_passes() -> None:
    report = await report_on(Department())

    assert failures(report) == set()
    assert report.outcome == "passed"
    assert [case.id for case in report.cases] == [case.id for case in CASES]
    assert not report.count("warned")
    assert {case.id for case in report.cases if case.outcome == "skipped"} == set()


@pytest.mark.parametrize("reason", sorted({*OVERLOOKED, "signature-forged"}))
async def test_whoever_overlooks_a_reason_to_refuse_is_found_out(reason: str) -> None:
    found = failures(await report_on(Department(overlooks=frozenset({reason}))))

    expected = OVERLOOKED.get(reason, FORGED)
    # Without proof at all the first thing missing is the assertion's or the signature's, whichever is looked at first.
    assert found <= expected | {"unsigned", "unsigned-stream", "plain-user-headers", "two-citizens"}
    assert found & expected, f"{reason} went unnoticed"


async def test_every_refusal_is_tried_by_somebody_who_overlooks_it() -> None:
    everything = frozenset({*OVERLOOKED, "signature-forged", "signature-malformed"})
    found = failures(await report_on(Department(overlooks=everything)))

    assert set(REFUSING) <= found


async def test_a_department_that_believes_nobody_does_not_pass() -> None:
    report = await report_on(Department(verifier=Verifier(app_id="cn.example.other", issuer=ISSUER, keys=_no_keys())))

    assert {"good-call", "every-route", "odd-query", "two-citizens", "replayed"} <= failures(report)


def _no_keys() -> Any:
    class Nothing:
        def find(self, _purpose: str, _kid: str) -> None:
            return None

        def is_fresh(self) -> bool:
            return True

        def refresh(self) -> bool:
            return False

    return Nothing()


async def forgetful(request: Outgoing, citizen: Citizen | None) -> Answer:
    """Keeps the first visitor for everybody."""
    first = _REMEMBERED.setdefault("first", citizen)
    return serve(request, first if citizen else None)


_REMEMBERED: dict[str, Citizen | None] = {}


def echo(request: Outgoing, citizen: Citizen | None) -> Answer:
    made = serve(request, citizen)
    return answer(made.status, {"you": dict(request.headers)}) if made.status == 200 else made


def card(**changes: Any) -> Any:
    def handler(request: Outgoing, citizen: Citizen | None) -> Answer:
        if not request.url.endswith("/.ssb/cards"):
            return serve(request, citizen)
        known = {"widget": "news", "title": {"zh": "卡片", "en": "Card"}}
        return answer(200, {"cards": [known | changes]})

    return handler


def on(path: str, made: Answer) -> Any:
    return lambda request, citizen: made if request.url.endswith(path) else serve(request, citizen)


def always(made: Answer) -> Any:
    return lambda _request, _citizen: made


def slow(path: str) -> Any:
    async def handler(request: Outgoing, citizen: Citizen | None) -> Answer:
        if request.url.endswith(path):
            await asyncio.sleep(5)
        return serve(request, citizen)

    return handler


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (forgetful, {"two-citizens"}),
        (echo, {"no-echo"}),
        (card(title={"zh": "<b>粗</b>", "en": "Bold"}), {"public-cards"}),
        (card(text={"zh": "看 https://example.cn", "en": "x"}), {"public-cards"}),
        (card(action="ssb://miniapp/cn.example.other/x"), {"public-cards"}),
        (card(widget="loans"), {"public-cards", "only-asked-cards"}),
        (card(html="<p>"), {"public-cards", "personal-cards", "only-asked-cards"}),
        (card(), {"only-asked-cards", "personal-cards"}),
        (always(answer(500)), {"good-call", "every-route", "public-cards", "unreadable-question", "unknown-path"}),
        (always(answer(302, headers=(("location", "https://example.cn"),))), {"good-call", "every-route"}),
        (always(answer(404)), {"good-call", "every-route", "public-cards"}),
        (always(answer(200, headers=(("content-type", "text/html"),))), {"public-cards"}),
        (on("/events", answer(404)), {"every-stream"}),
        (on("/site/", answer(302, headers=(("location", "/site/home"),))), {"pages"}),
        (on("/site/", answer(404)), {"pages"}),
        (slow("/.ssb/cards"), {"public-cards", "personal-cards", "only-asked-cards"}),
    ],
)
async def test_each_fault_is_named(handler: Any, expected: set[str]) -> None:
    _REMEMBERED.clear()
    assert expected <= failures(await report_on(Department(handler=handler)))


async def test_whoever_is_slow_within_every_limit_holds_nobody_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty seconds a call are allowed, and a manifest may have hundreds of routes: that would take the whole night."""

    async def drag(request: Outgoing, citizen: Citizen | None) -> Answer:
        await asyncio.sleep(0.1)
        return serve(request, citizen)

    monkeypatch.setattr(running, "LONGEST_SECONDS", 0.35)
    report = await report_on(Department(handler=drag, overlooks=frozenset(OVERLOOKED) | {"signature-forged"}))

    assert report.milliseconds < 2000
    assert report.outcome == "failed"
    assert report.cases[0].outcome == "passed"
    assert {case.outcome for case in report.cases if case.seen == "gave-up-waiting"} == {"failed"}
    assert report.cases[-1].seen == "gave-up-waiting"


async def test_whoever_hangs_is_given_up_and_failed() -> None:
    async def hang(_request: Outgoing, _citizen: Citizen | None) -> Answer:
        await asyncio.sleep(60)
        raise AssertionError

    made = document()
    routes = [route | {"timeout_ms": 50} for route in made["backend"]["routes"]]
    report = await report_on(Department(handler=hang), backend=made["backend"] | {"routes": routes})

    assert report.outcome == "failed"
    assert {case.seen for case in report.cases if case.outcome == "skipped"} == {"gave-up-waiting"}
    assert report.count("skipped") > 20


async def test_whoever_takes_a_stream_for_a_buffered_request_or_shows_visitors_nothing_is_named() -> None:
    class Deaf(Department):
        """Verifies every request as if its body were signed, and every page as if somebody had to look."""

        async def _believe(self, request: Outgoing) -> Citizen | None:
            assert self.verifier is not None
            target = request.url.removeprefix("http://department.test")
            verify = self.verifier.verify_caller if target.endswith("/.ssb/cards") else self.verifier.verify
            return await verify(request.method, target, list(request.headers), request.body)

    assert failures(await report_on(Deaf())) == {"every-stream", "replayed-stream", "pages"}


async def test_a_socket_that_wants_its_handshake_first_proves_nothing() -> None:
    class Socket(Department):
        async def send(self, request: Outgoing) -> Answer:
            return answer(426) if request.url.endswith("/events") else await super().send(request)

    report = await report_on(Socket())
    assert failures(report) == set()
    assert {case.id for case in report.cases if case.seen == "wants-upgrade"} == {
        "unsigned-stream",
        "forged-stream",
        "wrong-stream",
        "replayed-stream",
    }


async def test_what_must_be_masked_must_be_readable() -> None:
    def compressed(request: Outgoing, citizen: Citizen | None) -> Answer:
        made = serve(request, citizen)
        return Answer(status=made.status, headers=(*made.headers, ("content-encoding", "gzip")), body=made.body)

    assert failures(await report_on(Department(handler=compressed))) == {"masked-json"}


async def test_a_slow_route_and_a_huge_answer_are_named_with_their_route() -> None:
    routes = [{"method": "GET", "path": "/loans", "timeout_ms": 50}]
    report = await report_on(
        Department(handler=slow("/loans")), backend={"base_url": {"live": "https://a.cn"}, "routes": routes}
    )
    seen = {case.id: case.seen for case in report.cases}
    assert seen["every-route"] == "GET /loans timed-out"
    assert seen["good-call"] == "timed-out"

    report = await report_on(Department(handler=always(answer(200, "x" * (8 * 1024 * 1024)))))
    assert {case.id: case.seen for case in report.cases}["every-route"] == "GET /loans too-large"


async def test_an_id_number_and_a_cookie_are_worth_a_look() -> None:
    number = {"id": make_synthetic_id_number(birth=date(1990, 3, 15), sequence=5)}

    def talkative(request: Outgoing, citizen: Citizen | None) -> Answer:
        made = serve(request, citizen)
        if not request.url.endswith("/loans"):
            return made
        assert citizen
        return answer(200, {"reader": citizen.openid, **number}, (*made.headers, ("set-cookie", "a=b")))

    report = await report_on(Department(handler=talkative))
    assert report.outcome == "passed"
    assert {case.id: case.seen for case in report.cases if case.outcome == "warned"} == {
        "dropped-headers": "set-cookie",
        "document-numbers": "id-number-in-the-clear",
    }


async def test_on_live_nothing_is_written_and_no_citizen_is_believed() -> None:
    department = Department()
    report = await report_on(department, "live")

    assert failures(report) == set()
    assert {case.id for case in report.cases} == {case.id for case in CASES if case.live}
    believed = [request for request in department.seen if request.url.endswith("/loans") or "/renewals" in request.url]
    assert {request.method for request in department.seen} <= {"GET", "POST"}
    assert all(request.method == "GET" for request in believed)
    assert all(request.url.endswith("/.ssb/cards") for request in department.seen if request.method == "POST")


async def test_where_nothing_answers_there_is_no_report() -> None:
    class Nowhere(Department):
        async def send(self, _request: Outgoing) -> Answer:
            raise Unanswered("unreachable")

    with pytest.raises(BackendSilent):
        await report_on(Nowhere())


async def test_a_manifest_without_routes_is_only_asked_for_its_health() -> None:
    report = await report_on(
        Department(), backend={"base_url": {"live": "https://a.cn"}}, widgets=[], data={"scopes": []}
    )

    assert report.outcome == "passed"
    assert {case.id for case in report.cases if case.outcome == "passed"} == {"health", "no-echo"}


async def test_the_report_holds_nothing_of_an_answer_or_a_proof() -> None:
    department = Department(handler=echo)
    text = json.dumps([str(case) for case in (await report_on(department)).cases])

    for request in department.seen:
        for name, value in request.headers:
            if name in {"ssb-assertion", "signature"}:
                assert value not in text
