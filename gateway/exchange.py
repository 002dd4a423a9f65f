"""One request and its whole answer over aiohttp's pool and parser, without the session above them.

The session builds a request, an answer, two header maps and five timers for each call, which is more than the rest of
the gateway costs. Keeps its promises: a target byte for byte, no header of its own but framing, no redirect, no cookie,
no second try; and a connection that is not clean afterwards is never used again.
"""

import asyncio
import functools
import re
import select
import time
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
import yarl
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader

from app.kit.structs import Model
from gateway.pace import Pace

CONNECT_SECONDS: Final = 3.0
CONNECTING: Final = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
SWITCHING: Final = 101
FINAL: Final = 200
MOST_INTERIM: Final = 8  # each costs the worker as much as an answer
PIECE: Final = 4096
WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # methods that need not say that they have none

_ORIGIN: Final = re.compile(r"https?://[^/?#]+")
_POLLED: Final = select.POLLIN | select.POLLHUP | select.POLLERR


class Answer(Model):
    """A department's whole answer; `headers` as they came, in order."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class AnswerTooLarge(Exception):
    """The answer, or what was said before it, is more than the caller takes."""


class Switched(Exception):
    """The other side changed to another protocol, which nobody asked for."""


class Origin(Model):
    """Scheme, host and port. `request` is one that is never sent: what the pool makes connections for, by `key`.

    `pace` is that of all long answers from there.
    """

    authority: str
    request: Any
    key: Any
    pace: Any  # a Pace, which msgspec cannot name


def origin_of(url: str) -> str:
    """The URL's scheme, host and port; raises `ValueError` when it has none."""
    found = _ORIGIN.match(url)
    if found is None:
        raise ValueError("No http(s) URL.")
    return found[0]


def open_origin(origin: str) -> Origin:
    """What `CleanConnector` needs to know of an origin; on the running loop, raises `ValueError`."""
    request = aiohttp.ClientRequest("GET", yarl.URL(origin, encoded=True), loop=asyncio.get_running_loop())
    return Origin(authority=request.headers["Host"], request=request, key=request.connection_key, pace=Pace())


class PatientHandler(ResponseHandler):
    """Takes what comes before an answer's body in small pieces, and no more of it than anybody needs.

    Interim answers cost the worker as much as whole ones: a few KB of them, parsed at once, would stop everybody else.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """From here on it can be asked whether the other side is silent."""
        super().connection_made(transport)
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), _POLLED)

    def is_silent(self) -> bool:
        """Whether nothing waits that nobody asked for: parsed, buffered, in the socket, or an end of it all."""
        return not self.should_close and not self._poll.poll(0)

    def data_received(self, data: bytes) -> None:
        """The next bytes of the other side."""
        begin, most = 0, len(data)
        while most - begin > PIECE and self._awaits_head():
            super().data_received(data[begin : begin + PIECE])
            begin += PIECE
            if self.exception() is not None:
                return
            if len(self._buffer) > MOST_INTERIM:
                self.set_exception(HttpProcessingError(message="Too many interim answers."))
                self.abort()
                return
        super().data_received(data[begin:] if begin else data)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Goes on where it paused. aiohttp says so at every reading, and would parse nothing anew each time."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def _awaits_head(self) -> bool:
        return not self.upgraded and (self._payload is None or self._payload.is_eof())


class CleanConnector(aiohttp.TCPConnector):
    """A pool that gives out only silent connections.

    A connection that has sent anything since its last answer (parsed, buffered, or still in the socket), or that the
    other side has begun to close, is closed instead of reused.
    """

    def __init__(self, **choices: Any) -> None:
        super().__init__(**choices)
        kind: type[ResponseHandler] = PatientHandler
        self._factory = functools.partial(kind, loop=asyncio.get_running_loop())

    async def _get(self, key: Any, traces: Any) -> Connection | None:
        while (connection := await super()._get(key, traces)) is not None:
            if isinstance(connection.protocol, PatientHandler) and connection.protocol.is_silent():
                return connection
            connection.close()
        return None

    async def lend(self, origin: Origin, seconds: float) -> Connection:
        """A connection to `origin`, a silent one or a new one; raises `TimeoutError` and what aiohttp raises."""
        connection = await self._get(origin.key, ())
        if connection is None:
            async with asyncio.timeout(seconds):
                connection = await self.connect(origin.request, [], CONNECTING)
        return connection


async def exchange(
    connection: Connection, head: bytes, body: bytes, *, is_head: bool, seconds: float, largest: int, pace: Pace
) -> Answer:
    """Sends `head` and `body` and reads the whole answer, within `seconds`; gives the connection back.

    Raises `TimeoutError`, `AnswerTooLarge`, `Switched`, and what aiohttp raises. Then, and when the answer came before
    all was sent, the connection ends.
    """
    deed = _Deed(connection, is_head=is_head)
    timer = asyncio.get_running_loop().call_later(seconds, deed.expire)
    clean = False
    try:
        deed.send(head + body)
        answer = await deed.read(largest, pace)
        clean = deed.all_sent
        return answer
    finally:
        timer.cancel()
        if clean:
            connection.release()
        else:
            deed.protocol.abort()
            connection.close()


class _Deed:
    """One exchange on one connection."""

    __slots__ = ("payload", "protocol")

    def __init__(self, connection: Connection, *, is_head: bool) -> None:
        assert connection.protocol is not None
        self.protocol = connection.protocol
        self.payload: StreamReader | None = None
        # A parser for each answer: what it does with a body depends on what was asked.
        self.protocol.set_response_params(skip_payload=is_head, read_until_eof=True, auto_decompress=False)

    def send(self, request: bytes) -> None:
        """All at once; what the socket does not take waits in the transport, a body being bounded."""
        transport = self.protocol.transport
        if transport is None or transport.is_closing():
            raise aiohttp.ServerDisconnectedError
        transport.write(request)

    @property
    def all_sent(self) -> bool:
        """Whether nothing of the request waits any more."""
        transport = self.protocol.transport
        return transport is None or transport.get_write_buffer_size() == 0

    async def read(self, largest: int, pace: Pace) -> Answer:
        """The final answer; interim ones (RFC 9110, section 15.2) are passed over."""
        message, payload = await self.protocol.read()
        interim = 0
        while message.code < FINAL and message.code != SWITCHING:
            interim += 1
            if interim > MOST_INTERIM:
                raise AnswerTooLarge
            message, payload = await self.protocol.read()
        if message.code == SWITCHING:
            raise Switched
        self.payload = payload
        return Answer(status=message.code, headers=message.raw_headers, body=await _read(payload, largest, pace))

    def expire(self) -> None:
        """Ends the waiting, for the head or for the body."""
        late = TimeoutError()
        self.protocol.set_exception(late)
        if self.payload is not None:
            self.payload.set_exception(late)


def head_of(method: str, origin: Origin, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """The request's head as it goes out; raises `ValueError` where a line would be forged."""
    if body or method not in WITHOUT_BODY:
        headers = {**headers, "content-length": str(len(body))}
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    head = f"{method} {target} HTTP/1.1\r\nhost: {origin.authority}\r\n{''.join(lines)}\r\n"
    ends = len(lines) + 3
    if head.count("\r") != ends or head.count("\n") != ends or "\0" in head or " " in target or " " in method:
        raise ValueError("A line of the request's head would be forged.")
    return head.encode("ascii")


async def _read(payload: StreamReader, largest: int, pace: Pace) -> bytes:
    if payload.is_eof():  # it came with its head, as most answers do
        body = payload.read_nowait()
        if len(body) > largest:
            raise AnswerTooLarge
        return body
    parts: list[bytes] = []
    left = largest
    while not payload.at_eof():
        part = await payload.readany()
        left -= len(part)
        if left < 0:
            raise AnswerTooLarge
        parts.append(part)
        wait = pace.wait_seconds(len(part), time.monotonic())
        if wait:
            await asyncio.sleep(wait)
    return b"".join(parts)
