"""The few words of ASGI that the gateway speaks without a framework."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final, TypeAlias

from app.kit.errors import SuishenError
from app.kit.http import problem_bytes

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

BY_GATEWAY: Final = (b"ssb-error-origin", b"gateway")


def find_header(headers: Headers, name: bytes) -> bytes | None:
    """The first value of the lower-case `name`, or None."""
    for key, value in headers:
        if key == name:
            return value
    return None


async def send_problem(send: Send, error: SuishenError, headers: Headers, *, more: Headers = ()) -> None:
    """Answers with the problem document of `error` in the language that the request's `headers` prefer."""
    status, fields, body = _problem(error, headers)
    await send_bytes(send, status, [*fields, BY_GATEWAY, *more], body)


def _problem(error: SuishenError, headers: Headers) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    language = find_header(headers, b"accept-language")
    return problem_bytes(error, None if language is None else language.decode("latin-1"))


async def send_bytes(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """A whole answer at once."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


async def refuse_websocket(send: Send, error: SuishenError, headers: Headers) -> None:
    """Answers a WebSocket handshake with the problem document of `error`, instead of opening anything."""
    status, fields, body = _problem(error, headers)
    await send(
        {
            "type": "websocket.http.response.start",
            "status": status,
            "headers": [*fields, BY_GATEWAY],
        }
    )
    await send({"type": "websocket.http.response.body", "body": body})
