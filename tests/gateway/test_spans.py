"""Spans of calls: what a collector reads, which calls it is told of, and that nobody waits for one that is away."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from app.kit.floor import Floor
from app.kit.ids import new_nonce
from app.kit.metrics import key_of
from gateway.access import AccessRow, tell_of_rows
from gateway.spans import MOST_WAITING, SPANS, Spans, document_of
from tests.gateway.conftest import KnownCallers, KnownCitizens, KnownConsents
from tests.gateway.harness import BEARER, gateway
from tests.gateway.publications import LIBRARY
from tests.gateway.servers import plain_answer, read_request, serving


def a_row(**changes: Any) -> AccessRow:
    facts: dict[str, Any] = {
        "timestamp": datetime(2026, 3, 2, 12, 0, 1, 500_000, tzinfo=UTC),
        "request_id": new_nonce(),
        "app_id": LIBRARY,
        "method": "GET",
        "route": "/loans/{loan_id}",
        "status": 200,
        "decision": "allowed",
        "origin": "department",
        "department_ms": 12.5,
        "total_ms": 20.0,
        "bytes": 7,
    }
    return AccessRow(**(facts | changes))


def spans_in(document: dict[str, Any]) -> list[dict[str, Any]]:
    (resource,) = document["resourceSpans"]
    assert resource["resource"]["attributes"] == [{"key": "service.name", "value": {"stringValue": "suishen"}}]
    (scope,) = resource["scopeSpans"]
    spans: list[dict[str, Any]] = scope["spans"]
    return spans


def attributes_of(span: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}


class Collector:
    """Takes spans as a collector does, and answers as the test says."""

    def __init__(self) -> None:
        self.port = 0
        self.status = "200 OK"
        self.hangs = False
        self.documents: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/traces"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while raw := await read_request(reader):
            head, _, body = raw.partition(b"\r\n\r\n")
            assert head.startswith(b"POST /v1/traces HTTP/1.1")
            assert b"content-type: application/json" in head.lower()
            self.documents.append(msgspec.json.decode(body))
            if self.hangs:
                await asyncio.sleep(60)
            writer.write(plain_answer(b"{}", status=self.status))
            await writer.drain()


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    collector = Collector()
    async with serving(collector.talk) as collector.port:
        yield collector


def test_a_span_says_what_the_access_row_says() -> None:
    row = a_row()
    (span,) = spans_in(document_of([row]))
    assert (span["traceId"], span["spanId"]) == (row.request_id, row.request_id[16:])
    assert (span["name"], span["kind"], span["status"]) == ("GET /loans/{loan_id}", 2, {})
    assert (int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])) == (
        1_772_452_801_480_000_000,
        1_772_452_801_500_000_000,
    )
    assert attributes_of(span) == {
        "http.request.method": "GET",
        "http.route": f"/apps/{LIBRARY}/loans/{{loan_id}}",
        "http.response.status_code": "200",
        "http.response.body.size": "7",
        "suishen.app_id": LIBRARY,
        "suishen.decision": "allowed",
        "suishen.origin": "department",
        "suishen.department_ms": 12.5,
        "suishen.whole": True,
    }


@pytest.mark.parametrize(
    ("changes", "failed"), [({"status": 404}, False), ({"status": 502}, True), ({"whole": False}, True)]
)
def test_what_failed_is_marked(changes: dict[str, Any], failed: bool) -> None:
    (span,) = spans_in(document_of([a_row(**changes)]))
    assert span["status"] == ({"code": 2} if failed else {})


async def test_a_call_hangs_together_with_what_the_department_was_sent(
    *, floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens, collector: Collector
) -> None:
    citizen = callers.sign_in()
    spans = Spans(collector.url, 100)
    tell_of_rows(spans)
    async with gateway(floor, callers, consents, citizens) as city:
        await city.call("GET", "/loans/7-secret", BEARER, query=b"name=secret")
        await city.call("GET", "/loans/7-secret")
        (received,) = city.received
    await spans.close()
    (document,) = collector.documents
    called, refused = spans_in(document)
    assert received.headers["traceparent"].split("-")[1:3] == [called["traceId"], called["spanId"]]
    assert attributes_of(refused)["suishen.decision"] == "unauthenticated"
    told = msgspec.json.encode(document)
    assert not any(secret in told for secret in (b"secret", citizen.subject_id.hex.encode()))


async def test_a_share_of_the_calls_is_told_of(collector: Collector) -> None:
    spans = Spans(collector.url, 25)
    for number in range(400):
        spans.add(a_row(request_id=f"{number:08x}{'0' * 24}"))
    await spans.close()
    assert len(spans_in(collector.documents[0])) == 100


@pytest.mark.parametrize("trouble", ["503 Service Unavailable", "hangs", "away"])
async def test_nobody_waits_for_a_collector_and_nothing_heaps_up(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    collector.hangs, collector.status = trouble == "hangs", trouble
    spans = Spans("http://127.0.0.1:9/v1/traces" if trouble == "away" else collector.url, 100)
    before = dropped()
    for _ in range(MOST_WAITING + 5):
        spans.add(a_row())
    assert dropped() - before == 5
    with monkeypatch.context() as hasty:
        hasty.setattr("gateway.spans.PATIENCE_SECONDS", 0.1)
        async with asyncio.timeout(2):
            await spans.send()
    assert dropped() - before == MOST_WAITING + 5
    collector.hangs, collector.status = False, "200 OK"
    collector.documents.clear()
    spans.add(a_row())
    await spans.close()
    assert len(collector.documents) == (trouble != "away")


def dropped() -> float:
    return SPANS.family().series.get(key_of(("dropped",)), [0.0])[0]
