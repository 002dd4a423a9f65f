"""The edge guard: the first code that sees a request. It refuses whatever two servers could read in two ways.

`inspect` is a pure function of the raw bytes; `EdgeGuard` puts it before everything else. What passes is routed,
authorised, signed and sent on exactly as it arrived; nothing here repairs a request.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from app.kit.errors import SuishenError
from app.kit.structs import Text
from gateway import errors
from gateway.asgi import ASGIApp, Headers, Receive, Scope, Send, find_header, refuse_websocket, send_problem

Refusal: TypeAlias = SuishenError

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
MOST_HEADERS: Final = 64
MOST_HEADER_BYTES: Final = 32 * 1024
LONGEST_ADDRESS: Final = 8 * 1024
LARGEST_BODY: Final = 8 * 1024 * 1024
LARGEST_UPLOAD: Final = 1024 * 1024 * 1024
SILENCE_SECONDS: Final = 10.0  # between two parts of a body
WHOLE_BODY_SECONDS: Final = 60.0
GONE: Final = {"type": "http.disconnect"}
UPLOADS: Final = b"/apps/"  # calls to departments: each route names a limit of its own, of at most `LARGEST_UPLOAD`
SINGLE: Final = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"range",
        b"transfer-encoding",
    }
)
METHOD_NOT_ALLOWED: Final = 405

_CLOSE: Final = ((b"connection", b"close"),)
_ALLOW: Final = ((b"allow", ", ".join(sorted(METHODS)).encode()),)
_PATH = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,=:@/-]|%[0-9A-Fa-f]{2})+")
_QUERY = re.compile(rb"(?:[!$&-;=?-~]|%[0-9A-Fa-f]{2})*")
_DOT_SEGMENT = re.compile(rb"/\.{1,2}(?:/|$)")
_HIDDEN = re.compile(
    rb"%(?:2[EeFf]|5[Cc]"  # dot, slash, backslash
    rb"|[01][0-9A-Fa-f]|7[Ff]"  # control characters
    rb"|25[0-9A-Fa-f]{2}"  # encoded twice
    rb"|2[Dd]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])"  # unreserved: %61dmin is admin to whoever decodes
)
_ENCODED_NUL = b"%00"
_ENCODED = re.compile(rb"%([0-9A-Fa-f]{2})")
_HOST = re.compile(rb"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_NAME_BYTES: Final = b"abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+.^`|~-"
_CONTROLS: Final = bytes({*range(0x20), 0x7F} - {0x09})
_LENGTH = re.compile(rb"[0-9]{1,12}")


def inspect(
    method: str,
    raw_path: bytes,
    query: bytes,
    headers: Sequence[tuple[bytes, bytes]],
    *,
    largest_body: int = LARGEST_BODY,
) -> Refusal | None:
    """The reason not to let the request in, or None. `query` is without its "?"."""
    if method not in METHODS:
        return errors.MethodRefused()
    return _headers(headers) or _framing(headers, largest_body) or _address(raw_path, query)


def _headers(headers: Sequence[tuple[bytes, bytes]]) -> Refusal | None:
    if len(headers) > MOST_HEADERS:
        return errors.HeadersTooLarge(Text(zh="最多 64 个请求头。", en="At most 64 headers."))
    # All names in one look, and all values: `translate` is several times quicker than a search of each.
    each = [name for name, _ in headers]
    names, values = b"".join(each), b"".join([value for _, value in headers])
    if b"" in each or names.translate(None, _NAME_BYTES):
        return errors.BadHeader(Text(zh="请求头名称不合规。", en="A header's name is not acceptable."))
    if len(values.translate(None, _CONTROLS)) != len(values):
        return errors.BadHeader(Text(zh="请求头的值含控制字符。", en="A header's value has control characters."))
    if len(names) + len(values) > MOST_HEADER_BYTES:
        return errors.HeadersTooLarge(Text(zh="请求头合计不超过 32 KB。", en="At most 32 KB of headers."))
    return None


def _framing(headers: Sequence[tuple[bytes, bytes]], largest_body: int) -> Refusal | None:
    """Host, length and every other header that may stand only once."""
    single: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in SINGLE:
            if name in single:
                return errors.BadHost() if name == b"host" else errors.BadHeader(_TWICE)
            single[name] = value
    host = single.get(b"host", b"")
    if not _HOST.fullmatch(host) or b".." in host:
        return errors.BadHost()
    length = single.get(b"content-length")
    return None if length is None else _length(length, largest_body, chunked=b"transfer-encoding" in single)


def _length(length: bytes, largest_body: int, *, chunked: bool) -> Refusal | None:
    if chunked:
        return errors.BadHeader(
            Text(zh="不得同时声明长度与分块传输。", en="Content-Length and Transfer-Encoding exclude each other.")
        )
    if not _LENGTH.fullmatch(length):
        return errors.BadHeader(Text(zh="Content-Length 有误。", en="Content-Length is not a number."))
    return errors.BodyTooLarge() if int(length) > largest_body else None


_TWICE: Final = Text(zh="单值请求头出现多次。", en="A single-valued header stands twice.")


def _address(raw_path: bytes, query: bytes) -> Refusal | None:
    if len(raw_path) + len(query) > LONGEST_ADDRESS:
        return errors.AddressTooLong()
    if not raw_path.startswith(b"/") or not _PATH.fullmatch(raw_path):
        return errors.AmbiguousPath()
    if b"//" in raw_path or _DOT_SEGMENT.search(raw_path):
        return errors.AmbiguousPath()
    if b"%" in raw_path and (_HIDDEN.search(raw_path) or not _is_utf8(raw_path)):
        return errors.AmbiguousPath()
    if query and not _query_is_plain(query):
        return errors.AmbiguousQuery()
    return None


def _query_is_plain(query: bytes) -> bool:
    if not _QUERY.fullmatch(query):
        return False
    return b"%" not in query or (_ENCODED_NUL not in query and _is_utf8(query))


def _is_utf8(encoded: bytes) -> bool:
    """Whether the percent-encoded octets spell UTF-8, so that overlong dots and slashes are none."""
    try:
        _ENCODED.sub(lambda found: bytes([int(found[1], 16)]), encoded).decode()
    except UnicodeDecodeError:
        return False
    return True


def _beside(refusal: Refusal) -> Headers:
    """What goes with a refusal. Where the next request begins depends on the headers: after bad ones, nowhere."""
    if isinstance(refusal, errors.BadHeader | errors.BadHost):
        return _CLOSE
    return _ALLOW if refusal.status == METHOD_NOT_ALLOWED else ()


async def _nowhere(_message: dict[str, Any]) -> None:
    """Where an answer goes in whose place another one was given."""


class EdgeGuard:
    """The guard as an ASGI application around all others. Lifespan passes; a WebSocket is looked at as a GET."""

    def __init__(
        self, inner: ASGIApp, *, largest_body: int = LARGEST_BODY, largest_upload: int = LARGEST_UPLOAD
    ) -> None:
        self._inner = inner
        self._largest_body = largest_body
        self._largest_upload = largest_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a refusal at once, or hands the untouched request on."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        headers: Headers = scope["headers"]
        if scope["type"] != "http":
            refusal = inspect("GET", scope["raw_path"], scope["query_string"], headers)
            await (self._inner(scope, receive, send) if refusal is None else refuse_websocket(send, refusal, headers))
            return
        upload = scope["raw_path"].startswith(UPLOADS)
        largest = self._largest_upload if upload else self._largest_body
        refusal = inspect(scope["method"], scope["raw_path"], scope["query_string"], headers, largest_body=largest)
        if refusal is not None:
            await send_problem(send, refusal, headers, more=_beside(refusal))
        elif _is_watched(headers, upload=upload):
            body = _WatchedBody(receive, send, headers, largest, patient=upload)
            await self._inner(scope, body.receive, body.send)
            await body.settle()
        else:
            await self._inner(scope, receive, send)


def _is_watched(headers: Headers, *, upload: bool) -> bool:
    """Whether a body follows whose length is unknown, or whose time nobody further inside bounds."""
    length = None if upload else find_header(headers, b"content-length")
    return (length is not None and length != b"0") or find_header(headers, b"transfer-encoding") is not None


class _WatchedBody:
    """A body that is cut off when it grows too large or takes too long: to the application its caller has left.

    The caller reads why: 413, 408, or 400 when the body broke off, as chunks do that are none. The time of an upload
    to a department is the gateway's to bound.
    """

    def __init__(
        self, receive: Receive, send: Send, headers: Headers, largest_body: int, *, patient: bool = False
    ) -> None:
        self._receive = receive
        self._send = send
        self._headers = headers
        self._left = largest_body
        self._until = None if patient else time.monotonic() + WHOLE_BODY_SECONDS
        self._ended = False
        self._refusal: Refusal | None = None
        self._answered = False

    async def receive(self) -> dict[str, Any]:
        """The next part, or a disconnect in its place once a limit is passed."""
        message = await self._next()
        if message["type"] != "http.request":
            self._refusal = self._refusal or (None if self._ended else errors.BrokenBody())
            return message
        self._ended = not message.get("more_body")
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self._refusal = errors.BodyTooLarge()
        return message if self._refusal is None else GONE

    async def _next(self) -> dict[str, Any]:
        if self._until is None or self._ended:
            return await self._receive()
        try:
            async with asyncio.timeout(min(SILENCE_SECONDS, self._until - time.monotonic())):
                return await self._receive()
        except TimeoutError:
            self._refusal = errors.UploadTooSlow()
            return GONE

    async def send(self, message: dict[str, Any]) -> None:
        """Passes the application's answer on, unless the body was cut off before an answer began."""
        if self._refusal is None or self._answered:
            self._answered = True
            await self._send(message)
        elif message["type"] == "http.response.start":
            await self._refuse()

    async def settle(self) -> None:
        """The application is done; who answered nothing to a body that was cut off has left that to us."""
        if not self._answered:
            await self._refuse()

    async def _refuse(self) -> None:
        if self._refusal is not None:
            refusal, self._refusal = self._refusal, None
            await send_problem(self._send, refusal, self._headers, more=_CLOSE)
            self._send = _nowhere
