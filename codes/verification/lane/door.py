"""`POST /v1/verifications` before any framework: accepts what the fast lane accepts, and hands everything else on.

Refuses nothing itself. Whatever is odd about a request, or about the lane, the application behind it says so, reading
the request as if nobody had looked at it before.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

import msgspec
import structlog

from app.kit.http_signatures import SignatureInvalid
from app.kit.strict_json import JsonRefused, read_json
from codes.venues.scanners.guards import ScannerGate
from codes.verification.lane.service import Lane
from codes.verification.models import VerifyCode

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

PATH: Final = b"/v1/verifications"
JSON: Final = b"application/json"
LARGEST_BODY: Final = 4096
"""Several times what any personal code needs."""

log = structlog.get_logger()


class Gone(Exception):
    """The caller left before the request was whole."""


class LaneDoor:
    """The lane as an ASGI application around `inner`."""

    def __init__(self, lane: Lane, gate: ScannerGate, inner: ASGIApp) -> None:
        self._lane = lane
        self._gate = gate
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers an accepted scan; any other request goes on untouched."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["raw_path"] != PATH or not _is_small(scope):
            await self._inner(scope, receive, send)
            return
        body = ReadBody(receive)
        answer = await self._accept(scope, body)
        if answer is None:
            await self._inner(scope, body.receive, send)
            return
        length = str(len(answer)).encode()
        headers = [(b"content-type", JSON), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _accept(self, scope: Scope, body: "ReadBody") -> bytes | None:
        try:
            scanner = await self._gate.check(scope, body.read)
            result = await self._lane.accept(scanner, read_json(await body.read(), VerifyCode))
            return None if result is None else msgspec.json.encode(result)
        except (SignatureInvalid, JsonRefused, Gone):
            return None
        except Exception as error:  # noqa: BLE001 - the long way is open, whatever stopped this one
            log.warning("verification.lane_failed", error=type(error).__name__)
            return None


class ReadBody:
    """A body that is read here and can be received again behind."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._seen: list[Message] = []
        self._shown = 0

    async def read(self) -> bytes:
        """The whole body; raises `Gone`."""
        while not self._seen or self._seen[-1].get("more_body"):
            self._seen.append(await self._receive())
        if self._seen[-1]["type"] != "http.request":
            raise Gone
        return b"".join(message["body"] for message in self._seen if "body" in message)

    async def receive(self) -> Message:
        """The same messages once more, then whatever comes after them."""
        if self._shown == len(self._seen):
            return await self._receive()
        self._shown += 1
        return self._seen[self._shown - 1]


def _is_small(scope: Scope) -> bool:
    """Whether the headers announce JSON of a size that is not worth a second thought."""
    length, media_type = b"", b""
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = value
        elif name == b"content-type":
            media_type = value
    return media_type == JSON and length.isdigit() and int(length) <= LARGEST_BODY
