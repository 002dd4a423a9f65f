"""`/apps/{app_id}/…` on the apps host: one citizen's call to one department, decided, signed, bounded and marked.

Takes tokens in the Authorization header only, never cookies. Holds no database connection while it waits for a
department, and passes on only what the two allow-lists name.
"""

import asyncio
import math
import time
from collections.abc import Callable, Hashable, Mapping
from secrets import token_hex
from typing import Any, Final
from uuid import UUID

import structlog

from app.kit.clock import Clock
from app.kit.errors import InternalError, RateLimited, SuishenError, TemporarilyUnavailable
from app.kit.http import problem_bytes
from app.kit.structs import Model
from auth.principal import Principal
from gateway import errors
from gateway.access import AccessRow, write_row
from gateway.asgi import Headers, Receive, Scope, Send, find_header, send_bytes
from gateway.assertion import Assertions
from gateway.calls import Call, Departments
from gateway.headers import ALWAYS, headers_to_citizen, headers_to_department
from gateway.limits import Limit, RateLimiter
from gateway.masking import NotMaskable, ask_plainly, mask_answer
from gateway.policy import ConsentGiven, Decision, consent_scopes, decide
from gateway.ports import Authenticator, Consents
from gateway.routing import DATABASE_AWAY, RETRY_SECONDS, Match, RouteTable, fallback, find_route, parse_target
from gateway.settings import GatewaySettings
from gateway.upstream import Answer

log = structlog.get_logger()

BUFFERED_LIMIT: Final = 1024 * 1024
NO_CONTENT: Final = frozenset({204, 304})
FIRST_ERROR: Final = 400
VISITOR: Final = "visitor"


class ClientGone(Exception):
    """The caller left before the request was whole."""


class Reply(Model):
    """What goes back to the citizen."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Trace:
    """What is known of a call so far, for Server-Timing and the access row. Holds nothing personal."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.started = time.perf_counter()
        self.app_id = ""
        self.route = ""
        self.department_seconds = 0.0

    def server_timing(self) -> bytes:
        """How long the gateway and the department took, in milliseconds (W3C Server Timing)."""
        gateway = time.perf_counter() - self.started - self.department_seconds
        return f"gateway;dur={gateway * 1000:.1f}, department;dur={self.department_seconds * 1000:.1f}".encode()


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
        note_use: Callable[[UUID, str], None],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._table = table
        self._authenticator = authenticator
        self._consents = consents
        self._assertions = assertions
        self._departments = departments
        self._note_use = note_use
        self._limiter = RateLimiter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers every request: with the department's answer, or with a problem that says whose fault it is."""
        trace = Trace(token_hex(16))
        try:
            reply = await self._reply(scope, receive, trace)
        except ClientGone:
            return
        except SuishenError as refusal:
            reply = _refusal(refusal, scope["headers"])
        except DATABASE_AWAY as error:
            log.error("database.away", request_id=trace.request_id, error=type(error).__name__)  # noqa: TRY400 - no text
            reply = _refusal(TemporarilyUnavailable(retry_after=RETRY_SECONDS), scope["headers"])
        except Exception as error:  # noqa: BLE001 - a citizen gets a problem document, whatever went wrong
            _log_fault(trace, error)
            reply = _refusal(InternalError(), scope["headers"])
        marks = [(b"x-request-id", trace.request_id.encode()), (b"server-timing", trace.server_timing()), *ALWAYS]
        await send_bytes(send, reply.status, [*reply.headers, *marks], reply.body)
        write_row(self._row(trace, scope["method"], reply))

    async def _reply(self, scope: Scope, receive: Receive, trace: Trace) -> Reply:
        decision = await self._decide(scope, trace)
        self._limit(decision)
        body = await self._body(scope, receive, decision.match.route.body_limit)
        call = await self._prepare(scope, decision, body, trace.request_id)
        started = time.perf_counter()
        try:
            answer = await self._departments.call(call)
        finally:
            trace.department_seconds = time.perf_counter() - started
        if decision.principal is not None:
            self._note_use(decision.principal.subject_id, decision.match.app.app_id)
        return _passed_on(answer, scope["method"], decision)

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
        if match.route.streamed:
            raise errors.StreamingNotServed
        return decision

    async def _consents_for(self, match: Match, principal: Principal | None) -> Mapping[str, ConsentGiven]:
        scopes = consent_scopes(match)
        if not scopes or principal is None:
            return {}
        return await self._consents.find_consents(principal, match.app, scopes)

    def _limit(self, decision: Decision) -> None:
        app_id, route = decision.match.app.app_id, decision.match.route
        who = VISITOR if decision.principal is None else decision.principal.person_id
        limits: list[tuple[Hashable, Limit]] = [(("app", app_id), self._settings.per_app)]
        if decision.principal is not None:
            limits.append((("person", who), self._settings.per_person))
        if route.limit is not None:
            limits.append((("route", app_id, route.method, route.template, who), route.limit))
        now = time.monotonic()
        for key, limit in reversed(limits):
            wait = self._limiter.wait_seconds(key, limit, now)
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

    async def _prepare(self, scope: Scope, decision: Decision, body: bytes, request_id: str) -> Call:
        match, principal = decision.match, decision.principal
        assertion = None
        if principal is not None:
            assertion = await self._assertions.issue(principal, match.app, decision.granted, self._clock.now())
        query = scope["query_string"].decode("ascii")
        headers = headers_to_department(scope["headers"])
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

    def _row(self, trace: Trace, method: str, reply: Reply) -> AccessRow:
        ours = (b"ssb-error-origin", b"gateway") in reply.headers
        return AccessRow(
            timestamp=self._clock.now(),
            request_id=trace.request_id,
            app_id=trace.app_id,
            method=method,
            route=trace.route,
            status=reply.status,
            origin="gateway" if ours else "department",
            department_ms=round(trace.department_seconds * 1000, 1),
            total_ms=round((time.perf_counter() - trace.started) * 1000, 1),
            bytes=len(reply.body),
        )


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


def _passed_on(answer: Answer, method: str, decision: Decision) -> Reply:
    headers = headers_to_citizen(answer.headers)
    if decision.principal is not None:
        # What was made for one person is kept by nobody on the way, whatever the department says.
        headers = [(name, value) for name, value in headers if name != b"cache-control"]
        headers.append((b"cache-control", b"no-store"))
    if answer.status >= FIRST_ERROR:
        headers.append((b"ssb-error-origin", b"department"))
    if method == "HEAD" or answer.status in NO_CONTENT:
        return Reply(status=answer.status, headers=headers, body=b"")
    body = _masked(answer, decision.match)
    return Reply(
        status=answer.status,
        headers=[*headers, (b"content-length", str(len(body)).encode())],
        body=body,
    )


def _masked(answer: Answer, match: Match) -> bytes:
    """The body as the manifest lets it be seen: errors are masked too, for they may quote what they refuse."""
    if not match.route.masks:
        return answer.body
    try:
        return mask_answer(answer.status, answer.headers, answer.body, match.route.masks)
    except NotMaskable as problem:
        app = match.app
        raise errors.AnswerNotMaskable(app_id=app.app_id, reason=str(problem), fallback=fallback(app)) from None


def _refusal(refusal: SuishenError, request_headers: Headers) -> Reply:
    language = find_header(request_headers, b"accept-language")
    status, headers, body = problem_bytes(refusal, None if language is None else language.decode("latin-1"))
    allow: Any = refusal.extensions.get("allow")
    more = [(b"allow", allow.encode())] if isinstance(allow, str) else []
    return Reply(status=status, headers=[*headers, *more, (b"ssb-error-origin", b"gateway")], body=body)


def _log_fault(trace: Trace, error: Exception) -> None:
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}"
    # The kind and the place, never the text: it may quote what somebody sent.
    log.error("gateway.failed", request_id=trace.request_id, error=type(error).__name__, where=where)
