"""WebSockets on streamed routes: two sides talk through the gateway, message by message (RFC 6455).

A browser cannot send the Authorization header with a WebSocket, so no page of anybody's opens one in a citizen's name.
Keeps nothing of what is said. Raises nothing: whatever ends a conversation is a close code for both sides.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.errors import InternalError, SuishenError
from gateway import errors
from gateway.access import write_row
from gateway.admission import Admission
from gateway.asgi import Receive, Scope, Send, find_header, refuse_websocket
from gateway.calls import Departments
from gateway.policy import Decision
from gateway.settings import GatewaySettings
from gateway.streams import while_allowed
from gateway.trace import Trace
from gateway.upstream import MESSAGE_LIMIT, OpenSocket

SWITCHED: Final = 101
GOING_AWAY: Final = 1001
NOT_ALLOWED: Final = 1008
TOO_LARGE: Final = 1009
FAILED: Final = 1011
MOST_PROTOCOLS: Final = 8


class Closed(Exception):
    """One side closed the conversation, with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class WebSockets:
    """A raw ASGI application for WebSockets under `/apps/`."""

    def __init__(
        self,
        *,
        settings: GatewaySettings,
        clock: Clock,
        admission: Admission,
        streams: Departments,
        note_use: Callable[[UUID, str], None],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._admission = admission
        self._streams = streams
        self._note_use = note_use

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Opens a conversation, or refuses the handshake with a problem document."""
        trace = Trace()
        await receive()  # websocket.connect
        handshake = {**scope, "method": "GET"}
        try:
            await self._converse(handshake, receive, send, trace)
        except Closed as closed:
            await send({"type": "websocket.close", "code": closed.code})
        except Exception as error:  # noqa: BLE001 - a citizen is told whose fault it is, whatever went wrong
            await self._end(handshake, send, trace, error)
        if trace.status:
            write_row(trace.row("GET", self._clock.now()))

    async def _converse(self, scope: Scope, receive: Receive, send: Send, trace: Trace) -> None:
        decision = await self._decide(scope, trace)
        call = await self._admission.prepare(scope, decision, None, trace.request_id)
        started = time.perf_counter()
        limit = asyncio.timeout(self._settings.stream_seconds)
        async with limit, self._streams.talk(call, protocols_of(scope)) as department:
            trace.department_seconds = time.perf_counter() - started
            if decision.principal is not None:
                self._note_use(decision.principal.subject_id, decision.match.app.app_id)
            marks = trace.begin(SWITCHED, [])
            await send({"type": "websocket.accept", "subprotocol": department.protocol, "headers": marks})
            talk = _talk(department, receive, send, count=lambda size: self._count(trace, size))
            every = self._settings.look_again_seconds
            await while_allowed(talk, lambda: self._admission.look_again(decision), every_seconds=every)

    async def _decide(self, scope: Scope, trace: Trace) -> Decision:
        decision = await self._admission.decide(scope, trace)
        if not decision.match.route.streamed:
            raise errors.NotAWebSocket
        return await self._admission.admit(scope, decision, None)

    def _count(self, trace: Trace, size: int) -> None:
        trace.size += size
        if size > MESSAGE_LIMIT or trace.size > self._settings.largest_stream:
            raise Closed(TOO_LARGE)

    async def _end(self, scope: Scope, send: Send, trace: Trace, error: Exception) -> None:
        refusal = trace.refusal_of(error)
        if trace.status:
            trace.whole = False
            await send({"type": "websocket.close", "code": close_code(refusal), "reason": refusal.slug})
        else:
            trace.begin(refusal.status, [])
            trace.by_gateway = True
            await refuse_websocket(send, refusal, scope["headers"])


def protocols_of(scope: Scope) -> tuple[str, ...]:
    """The subprotocols that the citizen's program offers (RFC 6455, section 11.3.4), a few of them."""
    offered = find_header(scope["headers"], b"sec-websocket-protocol") or b""
    names = [name.strip().decode("latin-1") for name in offered.split(b",")]
    return tuple(name for name in names if name.isascii() and name.isprintable() and name)[:MOST_PROTOCOLS]


def close_code(refusal: SuishenError) -> int:
    """What a conversation ends with that our side ends (RFC 6455, section 7.4.1)."""
    if isinstance(refusal, errors.DepartmentTimedOut):
        return GOING_AWAY
    return FAILED if isinstance(refusal, errors.DepartmentFault | InternalError) else NOT_ALLOWED


async def _talk(department: OpenSocket, receive: Receive, send: Send, *, count: Callable[[int], None]) -> None:
    """Both ways at once, until the citizen leaves; raises `Closed` and what else ends it from the other side."""
    leaving = asyncio.ensure_future(_to_department(department, receive, count))
    closing = asyncio.ensure_future(_to_citizen(department, send, count))
    try:
        await asyncio.wait((leaving, closing), return_when=asyncio.FIRST_COMPLETED)
        code = await (leaving if leaving.done() else closing)
    finally:
        leaving.cancel()
        closing.cancel()
        await asyncio.gather(leaving, closing, return_exceptions=True)
    await department.close(code)


async def _to_department(department: OpenSocket, receive: Receive, count: Callable[[int], None]) -> int:
    """Until the citizen leaves; the code with which they do."""
    while (message := await receive())["type"] == "websocket.receive":
        said: str | bytes = message["text"] if message.get("text") is not None else message["bytes"]
        count(len(said))
        await department.send(said)
    code: int = message.get("code", GOING_AWAY)
    return code


async def _to_citizen(department: OpenSocket, send: Send, count: Callable[[int], None]) -> int:
    while (said := await department.receive()) is not None:
        count(len(said))
        key: Any = "text" if isinstance(said, str) else "bytes"
        await send({"type": "websocket.send", key: said})
    raise Closed(department.close_code)
