"""For departments that serve with any ASGI framework: a middleware, with the citizen in the scope."""

import json
from collections.abc import Awaitable, Callable, Collection, MutableMapping, Sequence
from typing import Any, TypeAlias

from .citizen import Citizen
from .errors import KeysUnavailable, Refused
from .message import is_among
from .signature import says_stream
from .verifier import Verifier

Scope: TypeAlias = MutableMapping[str, Any]
Event: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

CITIZEN = "suishen.citizen"
LONGEST_BODY = 1024 * 1024
NOT_ALLOWED = 1008


class VerifiedApp:
    """Wraps an application: `scope["suishen.citizen"]` is set, or the answer is 401, 413 or 503.

    `open_paths` need no proof at all; `anonymous_paths` need the gateway's proof but no citizen, who is then None, and
    so does all below one that ends with a slash. A streamed body and a WebSocket are not read here: the head of the
    request is verified, then they are passed on.
    """

    def __init__(
        self,
        app: App,
        verifier: Verifier,
        *,
        open_paths: Collection[str] = ("/health",),
        anonymous_paths: Collection[str] = (),
    ) -> None:
        self._app = app
        self._verifier = verifier
        self._open_paths = frozenset(open_paths)
        self._anonymous_paths = frozenset(anonymous_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request or WebSocket; passes the lifespan on, untouched."""
        if scope["type"] == "websocket":
            await self._converse(scope, receive, send)
        elif scope["type"] != "http" or scope["path"] in self._open_paths:
            await self._app(scope, receive, send)
        elif says_stream(headers := _headers(scope)):
            await self._serve(scope, receive, send, headers, None)
        elif (body := await _read(receive)) is None:
            await _refuse(send, 413, "body-too-large")
        else:
            await self._serve(scope, _again(body, receive), send, headers, body)

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, headers: Sequence[tuple[str, str]], body: bytes | None
    ) -> None:
        try:
            scope[CITIZEN] = await self._verify(scope)(
                scope["method"], _target(scope), headers, body or b"", streamed=body is None
            )
        except Refused as refusal:
            await _refuse(send, 401, refusal.reason)
        except KeysUnavailable:
            await _refuse(send, 503, "keys-unavailable")
        else:
            await self._app(scope, receive, send)

    def _verify(self, scope: Scope) -> Callable[..., Awaitable[Citizen | None]]:
        anonymous = is_among(scope["path"], self._anonymous_paths)
        return self._verifier.verify_caller if anonymous else self._verifier.verify

    async def _converse(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            scope[CITIZEN] = await self._verify(scope)("GET", _target(scope), _headers(scope), streamed=True)
        except (Refused, KeysUnavailable):
            await send({"type": "websocket.close", "code": NOT_ALLOWED})
        else:
            await self._app(scope, receive, send)


def _target(scope: Scope) -> str:
    # `path` is already decoded: what was signed stands in `raw_path`.
    path = bytes(scope["raw_path"]).partition(b"?")[0]
    query = bytes(scope.get("query_string", b""))
    return (path + (b"?" + query if query else b"")).decode("latin-1")


def _headers(scope: Scope) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]


async def _read(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        event = await receive()
        body += event.get("body", b"")
        if len(body) > LONGEST_BODY:
            return None
        if event["type"] != "http.request" or not event.get("more_body"):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    waiting: list[Event] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Event:
        return waiting.pop() if waiting else await receive()

    return replayed


async def _refuse(send: Send, status: int, reason: str) -> None:
    problem = {"type": f"urn:suishen:department:{reason}", "status": status, "title": reason}
    headers = [(b"content-type", b"application/problem+json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(problem).encode()})
