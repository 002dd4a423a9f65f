"""The client that calls departments: byte-exact, bounded in size and time, and never one person's answer to another.

Built on aiohttp with a connector that throws away pooled connections which hold bytes nobody asked for. Follows no
redirect, keeps no cookie, takes no proxy from the environment, decompresses nothing. Whole answers come by
`gateway.exchange`; streams and conversations by aiohttp's session.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import aiohttp
import yarl
from aiohttp.http_exceptions import HttpProcessingError

from gateway import errors
from gateway.exchange import (
    CONNECTING,
    SWITCHING,
    Answer,
    AnswerTooLarge,
    CleanConnector,
    Origin,
    Switched,
    exchange,
    head_of,
    open_origin,
    origin_of,
)
from gateway.network import GuardedResolver, NetworkPolicy
from gateway.uploads import Upload

LARGEST_ANSWER: Final = 8 * 1024 * 1024
IDLE_SECONDS: Final = 15.0
MESSAGE_LIMIT: Final = 1024 * 1024
HEARTBEAT_SECONDS: Final = 30.0
FAREWELL_SECONDS: Final = 1.0
FAREWELL: Final = 1001
CLOSED_ODDLY: Final = 1011
CLOSE_CODES: Final = range(1000, 5000)
NEVER_SENT: Final = frozenset({1004, 1005, 1006, 1015})
FAULTS: Final = range(500, 600)

_OWN_HEADERS: Final = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")


class OpenAnswer:
    """An answer whose body is still coming."""

    def __init__(self, response: aiohttp.ClientResponse, silence_seconds: float) -> None:
        self._response = response
        self._silence_seconds = silence_seconds

    @property
    def status(self) -> int:
        """As the department set it."""
        return self._response.status

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """As they came, in order."""
        return self._response.raw_headers

    async def read(self) -> bytes:
        """The next piece, empty at the end; raises `DepartmentTimedOut` or `DepartmentMisbehaved`."""
        content = self._response.content
        with _faults_named():
            async with asyncio.timeout(self._silence_seconds):
                while not content.at_eof():
                    if part := await content.readany():
                        return part
        return b""

    def close(self) -> None:
        """Gives the connection back when the exchange is whole, else ends it."""
        if self._response.content.at_eof() and self._response.content.exception() is None:
            self._response.release()
        else:
            self._response.close()


class OpenSocket:
    """A WebSocket to a department."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    @property
    def protocol(self) -> str | None:
        """The subprotocol that the department chose."""
        return self._socket.protocol

    @property
    def close_code(self) -> int:
        """With what the department closed, or 1011 where that may not stand on a wire (RFC 6455, section 7.4)."""
        code = self._socket.close_code
        if code is None or code not in CLOSE_CODES or code in NEVER_SENT:
            return CLOSED_ODDLY
        return code

    async def receive(self) -> str | bytes | None:
        """The next message, None when the department closed; raises `DepartmentMisbehaved`."""
        message = await self._socket.receive()
        if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
            said: str | bytes = message.data
            return said
        if message.type is aiohttp.WSMsgType.ERROR:
            raise errors.DepartmentMisbehaved
        return None

    async def send(self, said: str | bytes) -> None:
        """Passes a message on; raises `DepartmentMisbehaved` when nobody takes it."""
        with _faults_named():
            if isinstance(said, str):
                await self._socket.send_str(said)
            else:
                await self._socket.send_bytes(said)

    async def close(self, code: int) -> None:
        """Says goodbye and waits for no answer longer than a moment."""
        with contextlib.suppress(aiohttp.ClientError, OSError):
            await self._socket.close(code=FAREWELL if code in NEVER_SENT or code not in CLOSE_CODES else code)


class Upstream:
    """Two pools for all departments; made in sync code, opened by the first call, closed with the program.

    Streams and conversations have a pool of their own: they last, and would leave no connection to anybody's calls.
    """

    def __init__(self, policy: NetworkPolicy, *, most_connections: int = 512) -> None:
        self._policy = policy
        self._most_connections = most_connections
        self._session: aiohttp.ClientSession | None = None
        self._sockets: aiohttp.ClientSession | None = None
        self._connector: CleanConnector | None = None
        self._lasting: CleanConnector | None = None
        self._acceptable: dict[str, bool] = {}
        self._origins: dict[str, Origin] = {}

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        timeout_seconds: float,
        largest_answer: int = LARGEST_ANSWER,
    ) -> Answer:
        """Sends one request and reads one whole answer, within `timeout_seconds` in all.

        `url` goes out byte for byte. Raises `DepartmentUnreachable`, `DepartmentTimedOut` or `DepartmentMisbehaved`.
        """
        origin = self._refuse_address(url)
        started = time.monotonic()
        try:
            known = self._origins.get(origin) or self._meet(origin)
            head = head_of(method, known, _target(url, origin), headers, body)
            connection = await self._pool().lend(known, timeout_seconds)
            left = timeout_seconds - (time.monotonic() - started)
            return await exchange(
                connection,
                head,
                body,
                is_head=method == "HEAD",
                seconds=left,
                largest=largest_answer,
                pace=known.pace,
            )
        except _FAULTS as fault:
            raise _named(fault) from None

    async def open(
        self, method: str, url: str, *, headers: Mapping[str, str], upload: Upload | None, silence_seconds: float
    ) -> "OpenAnswer":
        """Sends one request as its body comes, and returns when the answer's head is there; the caller closes it.

        The department may be silent for `silence_seconds`, here and at each reading. Raises as `call`.
        """
        self._refuse_address(url)
        with _faults_named():
            async with asyncio.timeout(silence_seconds) as patience:
                if upload is not None:
                    upload.stop_clock(patience, silence_seconds)
                response = await self._opened().request(
                    method,
                    yarl.URL(url, encoded=True),
                    headers=headers,
                    data=None if upload is None else upload.parts(),
                    allow_redirects=False,
                )
        answer = OpenAnswer(response, silence_seconds)
        if response.status == SWITCHING:
            answer.close()
            raise errors.DepartmentMisbehaved
        return answer

    async def close(self) -> None:
        """Closes every connection."""
        opened = (self._sockets, self._session, self._lasting, self._connector)
        self._sockets = self._session = self._lasting = self._connector = None
        self._origins.clear()
        for each in opened:
            if each is not None:
                await each.close()

    async def talk(
        self, url: str, *, headers: Mapping[str, str], protocols: Sequence[str], timeout_seconds: float
    ) -> OpenSocket:
        """Opens a WebSocket; raises `DepartmentDeclined`, or as `call`. The caller closes it."""
        self._refuse_address(url)
        with _faults_named():
            async with asyncio.timeout(timeout_seconds):
                try:
                    return await self._connected(url, headers, protocols)
                except aiohttp.WSServerHandshakeError as refusal:
                    if refusal.status in FAULTS:
                        raise
                    raise errors.DepartmentDeclined from None

    async def _connected(self, url: str, headers: Mapping[str, str], protocols: Sequence[str]) -> OpenSocket:
        self._opened()
        assert self._sockets is not None
        socket = await self._sockets.ws_connect(
            yarl.URL(url, encoded=True),
            headers=headers,
            protocols=protocols,
            heartbeat=HEARTBEAT_SECONDS,
            max_msg_size=MESSAGE_LIMIT + 1,  # aiohttp refuses what is as long
            timeout=aiohttp.ClientWSTimeout(ws_close=FAREWELL_SECONDS),
        )
        return OpenSocket(socket)

    def _refuse_address(self, url: str) -> str:
        """Judges IP addresses here: aiohttp asks no resolver about them. Remembers each origin's verdict; names it."""
        try:
            origin = origin_of(url)
        except ValueError:
            raise errors.DepartmentUnreachable from None
        acceptable = self._acceptable.get(origin)
        if acceptable is None:
            acceptable = self._acceptable[origin] = self._accepts(origin)
        if not acceptable:
            raise errors.DepartmentUnreachable
        return origin

    def _meet(self, origin: str) -> Origin:
        known = self._origins[origin] = open_origin(origin)
        return known

    def _accepts(self, origin: str) -> bool:
        try:
            self._policy.check(origin)
        except errors.UnacceptableAddress:
            return False
        return True

    def _pool(self) -> CleanConnector:
        if self._connector is None:
            self._connector = self._new_pool()
        return self._connector

    def _new_pool(self) -> CleanConnector:
        return CleanConnector(
            resolver=GuardedResolver(self._policy),
            limit=self._most_connections,
            ttl_dns_cache=10,
            keepalive_timeout=IDLE_SECONDS,
        )

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._lasting = self._new_pool()
            self._session = _session(self._lasting)
            self._sockets = _session(self._lasting, trace_configs=[_no_redirect()])
        return self._session


def _session(connector: aiohttp.TCPConnector, **more: Any) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=connector,
        connector_owner=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=_OWN_HEADERS,
        auto_decompress=False,
        trust_env=False,
        timeout=CONNECTING,
        **more,
    )
    # By itself it would send a GET, PUT or DELETE again, byte for byte, to a department that hung up. There is no
    # public way to say no. What may be sent twice says the manifest, and the second time has a nonce of its own.
    session._retry_connection = False  # noqa: SLF001
    return session


def _no_redirect() -> aiohttp.TraceConfig:
    """A handshake would follow redirects, and nothing but this lets us say no."""

    async def refuse(*_: object) -> None:
        raise errors.DepartmentMisbehaved

    tracing = aiohttp.TraceConfig()
    tracing.on_request_redirect.append(refuse)
    return tracing


_FAULTS: Final = (aiohttp.ClientError, HttpProcessingError, AnswerTooLarge, Switched, OSError, ValueError)


@contextlib.contextmanager
def _faults_named() -> Iterator[None]:
    try:
        yield
    except _FAULTS as fault:
        raise _named(fault) from None


def _named(fault: Exception) -> errors.DepartmentFault:
    if isinstance(fault, TimeoutError):
        return errors.DepartmentTimedOut()
    if isinstance(fault, aiohttp.ClientConnectorError):
        return errors.DepartmentUnreachable()
    if isinstance(fault, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError):
        return errors.DepartmentHungUp()
    return errors.DepartmentMisbehaved()


def _target(url: str, origin: str) -> str:
    """The path and query, byte for byte; a fragment stays at home."""
    target = url[len(origin) :].partition("#")[0]
    return target if target.startswith("/") else "/" + target
