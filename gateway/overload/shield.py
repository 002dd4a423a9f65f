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
from gateway.overload.ranks import Rank, rank_of

SAMPLE_SECONDS: Final = 0.02
SWITCHING: Final = 101
WAITING_SECONDS: Final = 0.1
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
        rank = rank_of(scope["raw_path"], below_apps=self._is_page(scope["headers"]))
        began = time.monotonic()
        admitted = self._gate.knock(rank, began)
        if isinstance(admitted, Ticket):
            admitted = await self._wait(admitted)
        if not admitted:
            await self._refuse(scope, send)
        else:
            await self._serve(scope, receive, send, rank, began)

    def _is_page(self, headers: Headers) -> bool:
        host = find_header(headers, b"host")
        return host is not None and host.lower().endswith(self._below)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, rank: Rank, began: float) -> None:
        """A call to a department keeps its place until the answer begins, or until it is clear that it waits for one;
        every other request while there is something to do for it.

        Who waits costs the worker nothing: a department that hangs, or a caller whose body never comes, must not fill
        places that others need.
        """
        place, answered = _Place(self._gate, receive, held=rank is not Rank.HEALTH), False
        if rank is Rank.DEPARTMENT:
            place.lend()

        async def send_and_note(message: dict[str, Any]) -> None:
            nonlocal answered
            if not answered and message["type"] in ANSWERS:
                answered = True
                REQUESTS.add(RANKS[rank], STATUS_CLASSES[message.get("status", SWITCHING) // 100])
                REQUEST_SECONDS.add(time.monotonic() - began, RANKS[rank])
                if rank is Rank.DEPARTMENT:
                    place.step_aside()
            await send(message)

        try:
            await self._inner(scope, receive if rank is Rank.DEPARTMENT else place.receive, send_and_note)
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


class _Place:
    """What a request takes up at the gate: given to others while it only waits, taken again when there is work."""

    __slots__ = ("_gate", "_held", "_patience", "_receive", "_whole")

    def __init__(self, gate: Gate, receive: Receive, *, held: bool) -> None:
        self._gate = gate
        self._receive = receive
        self._held = held
        self._whole = not held
        self._patience: asyncio.TimerHandle | None = None

    async def receive(self) -> dict[str, Any]:
        """The next part of the body. All its parts share one patience, or a byte now and then would keep a place."""
        if self._whole:
            return await self._receive()
        if self._patience is None:
            self.lend()
        message = await self._receive()
        if not message.get("more_body"):
            self._come_back()
        return message

    def lend(self) -> None:
        """In a moment the place is somebody else's."""
        self._patience = asyncio.get_running_loop().call_later(WAITING_SECONDS, self.step_aside)

    def step_aside(self) -> None:
        """Now it is."""
        if self._held:
            self._held = False
            self._gate.leave()

    def leave(self) -> None:
        """The request is over."""
        if self._patience is not None:
            self._patience.cancel()
        self.step_aside()

    def _come_back(self) -> None:
        """The body is there: what is to be done for it counts, whoever else is inside by now."""
        self._whole = True
        if self._patience is not None:
            self._patience.cancel()
        if not self._held:
            self._held = True
            self._gate.come_back()


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
