"""Departments in this process for the kit: one that does everything right, and ways to make it careless."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from miniapps.conformance.models import ConformanceReport, Environment
from miniapps.conformance.ports import Answer, Outgoing, Unanswered
from miniapps.conformance.running import examine
from miniapps.manifest import canonical_bytes, manifest_hash
from miniapps.sandbox.signing import CityKeys, Signer
from miniapps.sdk import Citizen, Jwks, Refused, Verifier
from miniapps.sdk.signature import says_stream
from tests.miniapps.documents import encode, sound_document

ISSUER = "http://sandbox.test"
BACKEND = "http://department.test/api"
JSON = (("content-type", "application/json"),)
Handler: TypeAlias = Callable[[Outgoing, Citizen | None], Awaitable[Answer] | Answer]


def document(**changes: Any) -> dict[str, Any]:
    """A manifest with a card for everybody and one for each, a write, a stream, pages, and a masked field."""
    widgets = [{"id": "loans", "kind": "list", "personal": True}, {"id": "news", "kind": "text"}]
    masking = [{"method": "GET", "path": "/loans", "pointer": "/reader", "rule": "name"}]
    sound = sound_document(widgets=widgets)
    sound["backend"]["routes"].append({"method": "GET", "path": "/events", "body": "streamed"})
    sound["backend"]["pages"] = {"path": "/site"}
    return sound | {"data": sound["data"] | {"masking": masking}} | changes


def answer(status: int, body: Any = None, headers: tuple[tuple[str, str], ...] = JSON) -> Answer:
    return Answer(status=status, headers=headers, body=b"" if body is None else json.dumps(body).encode())


def serve(request: Outgoing, citizen: Citizen | None) -> Answer:
    """What a good department does once it believes."""
    path = urlsplit(request.url).path.removeprefix("/api").removeprefix("/suishen")
    if path == "/.ssb/cards":
        return _cards(request, citizen)
    if path == "/loans":
        assert citizen is not None
        return answer(200, {"reader": citizen.openid})
    if path in {"/events", "/site/"}:
        return Answer(status=200, headers=(("content-type", "text/plain"),), body="今日开放".encode())
    return answer(404, {"title": "no such thing"})


def _cards(request: Outgoing, citizen: Citizen | None) -> Answer:
    try:
        asked = json.loads(request.body)["widgets"]
    except ValueError:
        return answer(400, {"title": "unreadable"})
    known = {"news"} | ({"loans"} if citizen else set())
    cards = [{"widget": name, "title": {"zh": "卡片", "en": "Card"}} for name in asked if name in known]
    return answer(200, {"cards": cards})


@dataclass(kw_only=True)
class Department:
    """Answers as the SDK's middleware would. `overlooks` are reasons to refuse that it does not care about."""

    keys: CityKeys = field(default_factory=CityKeys.fresh)
    overlooks: frozenset[str] = frozenset()
    handler: Handler = serve
    health: int = 200
    base: str = BACKEND
    verifier: Verifier | None = None
    seen: list[Outgoing] = field(default_factory=list)

    def __post_init__(self) -> None:
        jwks = Signer(issuer=ISSUER, app_id="", authority="", zone="", keys=self.keys, now=lambda: 0).city().jwks()
        self.verifier = self.verifier or Verifier(app_id="cn.example.library", issuer=ISSUER, keys=Jwks(jwks))

    async def send(self, request: Outgoing) -> Answer:
        """The kit's network."""
        self.seen.append(request)
        if request.url == f"{self.base}/health":
            return answer(self.health)
        try:
            citizen = await self._believe(request)
        except Refused as refusal:
            if refusal.reason not in self.overlooks:
                return answer(401, {"title": refusal.reason})
            citizen = Citizen(
                openid="whoever", subject_type="person", scopes=frozenset(), request_id="", assertion_id=""
            )
        made = self.handler(request, citizen)
        try:
            async with asyncio.timeout(request.timeout_seconds):
                made = made if isinstance(made, Answer) else await made
        except TimeoutError:
            raise Unanswered("timed-out") from None
        if len(made.body) > request.largest_answer:
            raise Unanswered("too-large")
        return made

    async def _believe(self, request: Outgoing) -> Citizen | None:
        assert self.verifier is not None
        parts = urlsplit(request.url)
        target = request.url.removeprefix(f"{parts.scheme}://{parts.netloc}")
        nobodys = parts.path.endswith(("/.ssb/cards", "/site/"))
        verify = self.verifier.verify_caller if nobodys else self.verifier.verify
        headers = list(request.headers)
        return await verify(request.method, target, headers, request.body, streamed=says_stream(headers))


async def report_on(department: Department, environment: Environment = "local", **changes: Any) -> ConformanceReport:
    """The kit's report."""
    text = encode(document(**changes))
    return await examine(
        canonical_bytes(text),
        manifest_hash=manifest_hash(text),
        backend=BACKEND,
        issuer=ISSUER,
        keys=department.keys,
        network=department,
        environment=environment,
        now=lambda: datetime.now(UTC),
    )


def failures(report: ConformanceReport) -> set[str]:
    """The cases that did not hold."""
    return {case.id for case in report.cases if case.outcome == "failed"}


__all__ = ["BACKEND", "ISSUER", "Department", "answer", "document", "failures", "report_on", "serve"]
