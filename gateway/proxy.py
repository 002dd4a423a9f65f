"""`/apps/{app_id}/…` on the apps host: one citizen's call to one department, decided, signed, bounded and marked.

Takes tokens in the Authorization header only, never cookies. Holds no database connection while it waits for a
department, and passes on only what the two allow-lists name.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.errors import SuishenError
from gateway import errors
from gateway.access import write_row
from gateway.admission import Admission
from gateway.asgi import Headers, Receive, Scope, Send, find_header, send_bytes
from gateway.calls import Call, Departments
from gateway.exchange import Answer
from gateway.leaks import look_at_nothing
from gateway.policy import Decision
from gateway.replies import Reply, has_body, head_of, passed_on, refused
from gateway.settings import GatewaySettings
from gateway.streams import END, pass_on, while_allowed
from gateway.trace import Trace
from gateway.uploads import ClientGone, Upload
from gateway.upstream import OpenAnswer

BUFFERED_LIMIT: Final = 1024 * 1024


class Proxy:
    """A raw ASGI application for `/apps/`."""

    def __init__(
        self,
        *,
        settings: GatewaySettings,
        clock: Clock,
        admission: Admission,
        departments: Departments,
        streams: Departments,
        note_use: Callable[[UUID, str], None],
        look_at: Callable[[Decision, bytes], None] = look_at_nothing,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._admission = admission
        self._departments = departments
        self._streams = streams
        self._note_use = note_use
        self._look_at = look_at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers every request: with the department's answer, or with a problem that says whose fault it is.

        An answer that has begun and cannot be finished is broken off, so that nobody takes it for whole.
        """
        trace = Trace()
        try:
            await self._serve(scope, receive, send, trace)
        except ClientGone:
            trace.whole = False
        except Exception as error:  # noqa: BLE001 - a citizen gets a problem document, whatever went wrong
            await _refuse(scope, send, trace, trace.refusal_of(error))
        if trace.status:
            write_row(trace.row(scope["method"], self._clock.now()))

    async def _serve(self, scope: Scope, receive: Receive, send: Send, trace: Trace) -> None:
        decision = await self._admission.decide(scope, trace)
        if decision.match.route.streamed:
            await self._stream(scope, receive, send, trace, decision)
        else:
            await _send_whole(send, trace, await self._call(scope, receive, trace, decision))

    async def _call(self, scope: Scope, receive: Receive, trace: Trace, decision: Decision) -> Reply:
        body = await self._body(scope, receive, decision.match.route.body_limit)
        decision = await self._admission.admit(scope, decision, body)
        call = await self._admission.prepare(scope, decision, body, trace.request_id)
        started = time.perf_counter()
        try:
            answer = await self._departments.call(call)
        finally:
            trace.department_seconds = time.perf_counter() - started
        self._note(decision)
        reply = self._passed_on(answer, call, decision)
        self._look_at(decision, reply.body)
        return reply

    def _passed_on(self, answer: Answer, call: Call, decision: Decision) -> Reply:
        try:
            return passed_on(answer, call.method, decision)
        except errors.DepartmentFault:
            self._departments.note_unusable(call)
            raise

    async def _stream(self, scope: Scope, receive: Receive, send: Send, trace: Trace, decision: Decision) -> None:
        upload = self._upload(scope, receive, decision.match.route.body_limit)
        decision = await self._admission.admit(scope, decision, None)
        call = await self._admission.prepare(scope, decision, None, trace.request_id)
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
            await while_allowed(passing, lambda: self._admission.look_again(decision), every_seconds=every)

    def _count(self, trace: Trace, size: int) -> None:
        trace.size += size
        if trace.size > self._settings.largest_stream:
            raise errors.DepartmentMisbehaved

    def _note(self, decision: Decision) -> None:
        if decision.principal is not None:
            self._note_use(decision.principal.subject_id, decision.match.app.app_id)

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


def _announces_body(headers: Headers) -> bool:
    """Whether a body follows (RFC 9112, section 6.3): without either header there is none."""
    for name, value in headers:
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")):
            return True
    return False


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
