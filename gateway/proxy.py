"""`/apps/{app_id}/…` on the apps host: one citizen's call to one department, decided, signed, bounded and marked.

Takes tokens in the Authorization header only, never cookies. Holds no database connection while it waits for a
department, and passes on only what the two allow-lists name.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Final
from uuid import UUID

import structlog

from app.kit.clock import Clock
from app.kit.errors import InternalError, RateLimited, SuishenError, TemporarilyUnavailable, Unauthenticated
from auth.mandates.errors import MandateRefused
from auth.mandates.rules import Why
from auth.principal import Principal
from gateway import errors
from gateway.access import AccessRow, write_row
from gateway.asgi import Headers, Receive, Scope, Send, find_header, send_bytes
from gateway.assertion import Assertions
from gateway.calls import Call, Departments
from gateway.headers import ALWAYS, headers_to_department
from gateway.limits.ports import Limits
from gateway.masking import ask_plainly
from gateway.policy import ConsentGiven, Decision, consent_scopes, decide, without_documents
from gateway.ports import AdmitsDelegates, Authenticator, Consents
from gateway.replies import BY_GATEWAY, Reply, has_body, head_of, passed_on, refused
from gateway.routing import DATABASE_AWAY, RETRY_SECONDS, Match, RouteTable, Target, find_route, parse_target
from gateway.settings import GatewaySettings
from gateway.streams import END, pass_on, while_allowed
from gateway.uploads import ClientGone, Upload
from gateway.upstream import OpenAnswer

log = structlog.get_logger()

BUFFERED_LIMIT: Final = 1024 * 1024
VISITOR: Final = "visitor"


class Trace:
    """What is known of a call so far, for Server-Timing and the access row. Holds nothing personal."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.started = time.perf_counter()
        self.app_id = ""
        self.route = ""
        self.department_seconds = 0.0
        self.status = 0
        self.by_gateway = False
        self.size = 0
        self.whole = True

    def server_timing(self) -> bytes:
        """How long the gateway and the department took so far, in milliseconds (W3C Server Timing)."""
        gateway = time.perf_counter() - self.started - self.department_seconds
        return f"gateway;dur={gateway * 1000:.1f}, department;dur={self.department_seconds * 1000:.1f}".encode()

    def begin(self, status: int, headers: Headers) -> list[tuple[bytes, bytes]]:
        """The answer begins: its headers with the marks that every answer has."""
        self.status, self.by_gateway = status, BY_GATEWAY in headers
        marks = [(b"x-request-id", self.request_id.encode()), (b"server-timing", self.server_timing()), *ALWAYS]
        return [*headers, *marks]


class Proxy:
    """A raw ASGI application for `/apps/`."""

    def __init__(
        self,
        *,
        settings: GatewaySettings,
        clock: Clock,
        table: RouteTable,
        authenticator: Authenticator,
        consents: Consents,
        assertions: Assertions,
        departments: Departments,
        streams: Departments,
        limits: Limits,
        note_use: Callable[[UUID, str], None],
        delegates: AdmitsDelegates | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._table = table
        self._authenticator = authenticator
        self._consents = consents
        self._assertions = assertions
        self._departments = departments
        self._streams = streams
        self._limits = limits
        self._note_use = note_use
        self._delegates = delegates  # without it nobody calls in another's name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers every request: with the department's answer, or with a problem that says whose fault it is.

        An answer that has begun and cannot be finished is broken off, so that nobody takes it for whole.
        """
        trace = Trace(token_hex(16))
        try:
            await self._serve(scope, receive, send, trace)
        except ClientGone:
            trace.whole = False
        except Exception as error:  # noqa: BLE001 - a citizen gets a problem document, whatever went wrong
            await _refuse(scope, send, trace, _refusal_of(error, trace))
        if trace.status:
            write_row(self._row(trace, scope["method"]))

    async def _serve(self, scope: Scope, receive: Receive, send: Send, trace: Trace) -> None:
        decision = await self._decide(scope, trace)
        await self._limit(decision)
        if decision.match.route.streamed:
            await self._stream(scope, receive, send, trace, decision)
        else:
            await _send_whole(send, trace, await self._call(scope, receive, trace, decision))

    async def _call(self, scope: Scope, receive: Receive, trace: Trace, decision: Decision) -> Reply:
        body = await self._body(scope, receive, decision.match.route.body_limit)
        decision = await self._admit(scope, decision, body)
        call = await self._prepare(scope, decision, body, trace.request_id)
        started = time.perf_counter()
        try:
            answer = await self._departments.call(call)
        finally:
            trace.department_seconds = time.perf_counter() - started
        self._note(decision)
        return passed_on(answer, scope["method"], decision)

    async def _stream(self, scope: Scope, receive: Receive, send: Send, trace: Trace, decision: Decision) -> None:
        upload = self._upload(scope, receive, decision.match.route.body_limit)
        decision = await self._admit(scope, decision, None)
        call = await self._prepare(scope, decision, None, trace.request_id)
        started = time.perf_counter()
        async with asyncio.timeout(self._settings.stream_seconds), self._streams.open(call, upload) as answer:
            trace.department_seconds = time.perf_counter() - started
            self._note(decision)
            await _begin(send, trace, answer, decision)
            if not has_body(answer.status, scope["method"]):
                await send(END)
                return
            passing = pass_on(answer, send, receive, upload, count=lambda size: self._count(trace, size))
            every = self._settings.look_again_seconds
            await while_allowed(passing, lambda: self._look_again(decision), every_seconds=every)

    async def _look_again(self, decision: Decision) -> None:
        """Raises what has ended a stream's right to go on: its session, its consent, its service."""
        match, principal = decision.match, decision.principal
        target = Target(app_id=match.app.app_id, path=match.path)
        found = find_route(self._table.snapshot, match.route.method, target)
        if isinstance(found, SuishenError):
            raise found
        if principal is not None and not self._authenticator.stands(principal):
            raise Unauthenticated
        again = decide(found, principal, await self._consents_for(found, principal))
        if isinstance(again, SuishenError):
            raise again

    def _count(self, trace: Trace, size: int) -> None:
        trace.size += size
        if trace.size > self._settings.largest_stream:
            raise errors.DepartmentMisbehaved

    def _note(self, decision: Decision) -> None:
        if decision.principal is not None:
            self._note_use(decision.principal.subject_id, decision.match.app.app_id)

    async def _decide(self, scope: Scope, trace: Trace) -> Decision:
        target = parse_target(scope["raw_path"].decode("ascii"))
        if target is None:
            raise errors.UnknownService
        await self._table.ready()
        match = find_route(self._table.snapshot, scope["method"], target)
        if isinstance(match, SuishenError):
            raise match
        trace.app_id, trace.route = match.app.app_id, match.route.template
        principal = self._authenticator.authenticate(scope, origin=self._settings.apps_origin, app_id=match.app.app_id)
        decision = decide(match, principal, await self._consents_for(match, principal))
        if isinstance(decision, SuishenError):
            raise decision
        return decision

    async def _admit(self, scope: Scope, decision: Decision, body: bytes | None) -> Decision:
        """Whoever calls in another's name is asked for their mandate, and the call written down, before it is made."""
        principal = decision.principal
        if principal is None or principal.mandate_id is None:
            return decision
        if self._delegates is None:
            raise MandateRefused(Why.NONE)
        target = (scope["raw_path"] + b"?" + scope["query_string"]).decode("ascii")
        authority = await self._delegates.admit(principal, decision.match, target=target, body=body)
        return without_documents(decision) if authority.no_documents else decision

    async def _consents_for(self, match: Match, principal: Principal | None) -> Mapping[str, ConsentGiven]:
        scopes = consent_scopes(match)
        if not scopes or principal is None:
            return {}
        return await self._consents.find_consents(principal, match.app, scopes)

    async def _limit(self, decision: Decision) -> None:
        app_id, route = decision.match.app.app_id, decision.match.route
        who = VISITOR if decision.principal is None else decision.principal.person_id
        limits = [(f"app:{app_id}", self._settings.per_app)]
        if decision.principal is not None:
            limits.append((f"person:{who}", self._settings.per_person))
        if route.limit is not None:
            limits.append((f"route:{app_id}:{route.method}:{route.template}:{who}", route.limit))
        wait = await self._limits.admit(limits)
        if wait > 0:
            raise RateLimited(retry_after=math.ceil(wait))

    async def _body(self, scope: Scope, receive: Receive, limit: int) -> bytes:
        if not _announces_body(scope["headers"]):
            return b""
        try:
            async with asyncio.timeout(self._settings.upload_seconds):
                return await _read(receive, min(limit, BUFFERED_LIMIT))
        except TimeoutError:
            raise errors.UploadTooSlow from None

    def _upload(self, scope: Scope, receive: Receive, limit: int) -> Upload | None:
        """The body of a streamed call; None without one, and a refusal at once when it says that it is too large."""
        if not _announces_body(scope["headers"]):
            return None
        length = find_header(scope["headers"], b"content-length")
        if length is not None and int(length) > limit:
            raise errors.BodyTooLarge(limit_bytes=limit)
        return Upload(receive, limit=limit, silence_seconds=self._settings.upload_seconds)

    async def _prepare(self, scope: Scope, decision: Decision, body: bytes | None, request_id: str) -> Call:
        match, principal = decision.match, decision.principal
        assertion = None
        if principal is not None:
            assertion = await self._assertions.issue(principal, match.app, decision.granted, self._clock.now())
        query = scope["query_string"].decode("ascii")
        headers = headers_to_department(scope["headers"])
        length = find_header(scope["headers"], b"content-length")
        if body is None and length is not None:
            headers["content-length"] = length.decode("ascii")
        return Call(
            app=match.app,
            method=match.route.method,
            path=match.path,
            query="?" + query if query else "",
            request_id=request_id,
            headers=ask_plainly(headers) if match.route.masks else headers,
            body=body,
            timeout_seconds=match.route.timeout_seconds,
            assertion=assertion,
            zone=self._settings.region,
            channel=VISITOR if principal is None else principal.client_id,
        )

    def _row(self, trace: Trace, method: str) -> AccessRow:
        return AccessRow(
            timestamp=self._clock.now(),
            request_id=trace.request_id,
            app_id=trace.app_id,
            method=method,
            route=trace.route,
            status=trace.status,
            origin="gateway" if trace.by_gateway else "department",
            department_ms=round(trace.department_seconds * 1000, 1),
            total_ms=round((time.perf_counter() - trace.started) * 1000, 1),
            bytes=trace.size,
            whole=trace.whole,
        )


async def _send_whole(send: Send, trace: Trace, reply: Reply) -> None:
    trace.size = len(reply.body)
    await send_bytes(send, reply.status, trace.begin(reply.status, reply.headers), reply.body)


async def _begin(send: Send, trace: Trace, answer: OpenAnswer, decision: Decision) -> None:
    """The head of a streamed answer, with the length that the department announced, so that progress can be shown."""
    headers = head_of(answer.status, answer.headers, decision)
    length = find_header([(name.lower(), value) for name, value in answer.headers], b"content-length")
    if length is not None:
        headers.append((b"content-length", length))
    await send({"type": "http.response.start", "status": answer.status, "headers": trace.begin(answer.status, headers)})


async def _refuse(scope: Scope, send: Send, trace: Trace, refusal: SuishenError) -> None:
    if trace.status:
        trace.whole = False
    else:
        await _send_whole(send, trace, refused(refusal, scope["headers"]))


def _refusal_of(error: Exception, trace: Trace) -> SuishenError:
    if isinstance(error, SuishenError):
        return error
    if isinstance(error, TimeoutError):
        return errors.DepartmentTimedOut()
    if isinstance(error, DATABASE_AWAY):
        log.error("database.away", request_id=trace.request_id, error=type(error).__name__)
        return TemporarilyUnavailable(retry_after=RETRY_SECONDS)
    _log_fault(trace, error)
    return InternalError()


def _announces_body(headers: Headers) -> bool:
    """Whether a body follows (RFC 9112, section 6.3): without either header there is none."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")) for name, value in headers
    )


async def _read(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    left = limit
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        part = message.get("body", b"")
        left -= len(part)
        if left < 0:
            raise errors.BodyTooLarge(limit_bytes=limit)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _log_fault(trace: Trace, error: Exception) -> None:
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}"
    # The kind and the place, never the text: it may quote what somebody sent.
    log.error("gateway.failed", request_id=trace.request_id, error=type(error).__name__, where=where)
