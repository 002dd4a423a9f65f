"""The gate as an ASGI application around all others, and the ear that listens to how late the event loop is.

A refusal is a prepared document, sent before anything else looks at the request.
"""

import asyncio
import time
from typing import Any, Final

from app.kit.http import language_of, problem_bytes
from app.kit.metrics import REFUSALS
from gateway.asgi import ASGIApp, Headers, Receive, Scope, Send, find_header, send_bytes
from gateway.errors import Overloaded
from gateway.meters import RANKS, REQUEST_SECONDS, REQUESTS, STATUS_CLASSES
from gateway.overload.gate import LONGEST_ADVICE, Gate, Ticket
from gateway.overload.ranks import APPS, Rank, rank_of

SAMPLE_SECONDS: Final = 0.02
SWITCHING: Final = 101
ANSWERS: Final = frozenset(
    {"http.response.start", "websocket.accept", "websocket.close", "websocket.http.response.start"}
)


class Shield:
    """Lets in, has wait, or refuses, one worker's share of the city's work."""

    def __init__(self, inner: ASGIApp, gate: Gate, *, apps_host: str) -> None:
        self._inner = inner
        self._gate = gate
        self._below = b"." + apps_host.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands the request on when its turn is come, or refuses it."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        rank = self._rank_of(scope["raw_path"], scope["headers"])
        began = time.monotonic()
        admitted = self._gate.knock(rank, began)
        if isinstance(admitted, Ticket):
            admitted = await self._wait(admitted)
        if not admitted:
            await self._refuse(scope, send)
        elif rank is Rank.DEPARTMENT:
            await self._serve_call(scope, receive, send, began)
        else:
            await self._serve_city(scope, receive, send, rank, began)

    def _rank_of(self, raw_path: bytes, headers: Headers) -> Rank:
        if raw_path.startswith(APPS):  # whatever the host
            return Rank.DEPARTMENT
        host = find_header(headers, b"host")
        return rank_of(raw_path, below_apps=host is not None and host.lower().endswith(self._below))

    async def _serve_call(self, scope: Scope, receive: Receive, send: Send, began: float) -> None:
        """A call to a department keeps its place until the answer begins, or until it is clear that it waits for one.

        Who waits costs the worker nothing: a department that hangs must not fill places that others need.
        """
        gate, answered = self._gate, False
        loan = gate.lend(time.monotonic())

        async def send_and_note(message: dict[str, Any]) -> None:
            nonlocal answered
            if not answered and message["type"] in ANSWERS:
                answered = True
                gate.end(loan)
                _note(Rank.DEPARTMENT, message, began)
            await send(message)

        try:
            await self._inner(scope, receive, send_and_note)
        finally:
            gate.end(loan)

    async def _serve_city(self, scope: Scope, receive: Receive, send: Send, rank: Rank, began: float) -> None:
        """Every other request keeps its place while there is something to do for it: not while its body comes."""
        place, answered = _Place(self._gate, receive), False

        async def send_and_note(message: dict[str, Any]) -> None:
            nonlocal answered
            if not answered and message["type"] in ANSWERS:
                answered = True
                _note(rank, message, began)
            await send(message)

        if rank is Rank.HEALTH:
            await self._inner(scope, receive, send_and_note)
            return
        try:
            await self._inner(scope, place.receive, send_and_note)
        finally:
            place.leave()

    async def _wait(self, ticket: Ticket) -> bool:
        call: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        ticket.tell = lambda enter: None if call.done() else call.set_result(enter)
        try:
            return await call
        except asyncio.CancelledError:
            self._gate.give_up(ticket)
            raise

    async def _refuse(self, scope: Scope, send: Send) -> None:
        status, headers, body = _prepared(scope["headers"], self._gate.retry_after())
        REFUSALS.add(Overloaded.slug)
        if scope["type"] == "http":
            await send_bytes(send, status, headers, body)
            return
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": body})


def _note(rank: Rank, message: dict[str, Any], began: float) -> None:
    REQUESTS.add(RANKS[rank], STATUS_CLASSES[message.get("status", SWITCHING) // 100])
    REQUEST_SECONDS.add(time.monotonic() - began, RANKS[rank])


class _Place:
    """What a request takes up at the gate: lent to others while its body comes, taken again when there is work."""

    __slots__ = ("_gate", "_loan", "_receive", "_whole")

    def __init__(self, gate: Gate, receive: Receive) -> None:
        self._gate = gate
        self._receive = receive
        self._loan: int | None = None
        self._whole = False

    async def receive(self) -> dict[str, Any]:
        """The next part of the body. All its parts share one patience, or a byte now and then would keep a place."""
        if self._whole:
            return await self._receive()
        if self._loan is None:
            self._loan = self._gate.lend(time.monotonic())
        message = await self._receive()
        if not message.get("more_body"):
            self._gate.take_back(self._loan)
            self._loan, self._whole = None, True
        return message

    def leave(self) -> None:
        """The request is over."""
        if self._loan is None:
            self._gate.leave()
        else:
            self._gate.end(self._loan)


async def listen(gate: Gate) -> None:
    """One sample of the loop's delay; a periodic job without a pause."""
    began = time.monotonic()
    await asyncio.sleep(SAMPLE_SECONDS)
    woke = time.monotonic()
    await asyncio.sleep(0)  # one whole round: everything that was ready before this had its turn
    now = time.monotonic()
    gate.observe(max(woke - began - SAMPLE_SECONDS, now - woke), now)


def _prepared(headers: Headers, retry_after: int) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    asked = find_header(headers, b"accept-language")
    return PREPARED["zh" if asked is None else language_of(asked.decode("latin-1")), retry_after]


def _refusal(language: str, retry_after: int) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    status, headers, body = problem_bytes(Overloaded(retry_after=retry_after), language, counted=False)
    return status, [*headers, (b"ssb-error-origin", b"gateway")], body


PREPARED: Final = {
    (language, seconds): _refusal(language, seconds)
    for language in ("zh", "en")
    for seconds in range(1, LONGEST_ADVICE + 1)
}
