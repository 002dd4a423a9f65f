"""Calls to departments as OpenTelemetry spans, sent to the operator's collector beside the calls (OTLP over HTTP).

A span's id is the one that the department was sent in `traceparent`, so that its own spans hang below. Holds what
stands in the access row and nothing else. Waits for no collector: what it does not take in time is dropped and counted.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import httpx
import msgspec
import structlog

from app.kit.metrics import METRICS
from app.kit.outbound import AnswerTooLong, outbound_client, send_bounded
from gateway.access import AccessRow

log = structlog.get_logger()

SPANS: Final = METRICS.counter("suishen_spans_total", "Spans of calls, by what became of them.", "outcome")
MOST_WAITING: Final = 2048
PATIENCE_SECONDS: Final = 2.0
LONGEST_ANSWER: Final = 64 * 1024
GOOD: Final = range(200, 300)
SERVER: Final = 2
FAILED: Final = 2
FIRST_FAULT: Final = 500
SHARES: Final = 100
_ENCODER: Final = msgspec.json.Encoder()


class Spans:
    """What waits for the next sending. `percent` of all calls are told of, chosen by their ids."""

    def __init__(self, url: str, percent: int) -> None:
        self._url = url
        self._percent = percent
        self._waiting: list[AccessRow] = []
        self._client: httpx.AsyncClient | None = None
        self._taken = True

    def add(self, row: AccessRow) -> None:
        """A call is over."""
        if int(row.request_id[:8], 16) % SHARES >= self._percent:
            return
        if len(self._waiting) >= MOST_WAITING:
            SPANS.add("dropped")
        else:
            self._waiting.append(row)

    async def send(self) -> None:
        """Sends what waits, as one request; a periodic job. Raises nothing for a collector that is away."""
        rows, self._waiting = self._waiting, []
        if not rows:
            return
        taken = await self._post(_ENCODER.encode(document_of(rows)))
        SPANS.add("sent" if taken else "dropped", by=len(rows))
        if taken is not self._taken:  # said once when it begins, and once when it is over
            log.warning("spans.taken_again" if taken else "spans.not_taken")
        self._taken = taken

    async def close(self) -> None:
        """Sends what waits and ends the connections; at the end of the lifespan."""
        await self.send()
        if self._client is not None:
            await self._client.aclose()

    async def _post(self, body: bytes) -> bool:
        if self._client is None:
            self._client = outbound_client(timeout_seconds=PATIENCE_SECONDS, connections=1)
        request = self._client.build_request(
            "POST", self._url, content=body, headers={"content-type": "application/json"}
        )
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await send_bounded(self._client, request, longest=LONGEST_ANSWER)
        except (httpx.HTTPError, AnswerTooLong, TimeoutError, OSError):
            return False
        return answer.status_code in GOOD


def document_of(rows: Iterable[AccessRow]) -> dict[str, Any]:
    """An ExportTraceServiceRequest (OTLP 1.x, JSON encoding). Pure."""
    scope = {"scope": {"name": "suishen.gateway"}, "spans": [_span(row) for row in rows]}
    return {"resourceSpans": [{"resource": {"attributes": [_said("service.name", "suishen")]}, "scopeSpans": [scope]}]}


def _span(row: AccessRow) -> dict[str, Any]:
    ended = _nanoseconds(row.timestamp)
    attributes = [
        _said("http.request.method", row.method),
        _said("http.route", f"/apps/{row.app_id}{row.route}"),
        _counted("http.response.status_code", row.status),
        _counted("http.response.body.size", row.bytes),
        _said("suishen.app_id", row.app_id),
        _said("suishen.decision", row.decision),
        _said("suishen.origin", row.origin),
        {"key": "suishen.department_ms", "value": {"doubleValue": row.department_ms}},
        {"key": "suishen.whole", "value": {"boolValue": row.whole}},
    ]
    return {
        "traceId": row.request_id,
        "spanId": row.request_id[-16:],
        "name": f"{row.method} {row.route}",
        "kind": SERVER,
        "startTimeUnixNano": str(ended - round(row.total_ms * 1_000_000)),
        "endTimeUnixNano": str(ended),
        "attributes": attributes,
        "status": {"code": FAILED} if row.status >= FIRST_FAULT or not row.whole else {},
    }


def _said(key: str, text: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": text}}


def _counted(key: str, number: int) -> dict[str, Any]:
    return {"key": key, "value": {"intValue": str(number)}}


def _nanoseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000) * 1000
