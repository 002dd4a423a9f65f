"""A citizen's body on its way to a department, piece by piece. Keeps nothing of it.

Each side's silence is its own: while the gateway waits for the citizen, the department's clock stands still.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from app.kit.errors import SuishenError
from gateway import errors
from gateway.asgi import Receive


class ClientGone(Exception):
    """The caller left before the exchange was whole."""


class Upload:
    """A citizen's body, piece by piece, at most `limit` bytes of it and never silent for `silence_seconds`.

    `refusal` says afterwards why it stopped before its end, whatever error that made elsewhere.
    """

    def __init__(self, receive: Receive, *, limit: int, silence_seconds: float) -> None:
        self._receive = receive
        self._left = self._limit = limit
        self._silence_seconds = silence_seconds
        self._department: asyncio.Timeout | None = None
        self._patience_seconds = 0.0
        self.ended = False
        self.refusal: SuishenError | ClientGone | None = None

    def stop_clock(self, department: asyncio.Timeout, patience_seconds: float) -> None:
        """While a piece is awaited, `department` does not run; it starts anew with each piece that came."""
        self._department, self._patience_seconds = department, patience_seconds

    async def parts(self) -> AsyncIterator[bytes]:
        """The pieces. Raises what it remembers in `refusal`."""
        while not self.ended:
            try:
                part = await self._next()
            except (SuishenError, ClientGone) as refusal:
                self.refusal = refusal
                raise
            if part:
                yield part

    async def _next(self) -> bytes:
        message = await self._await_message()
        if message["type"] != "http.request":
            raise ClientGone
        part: bytes = message.get("body", b"")
        self._left -= len(part)
        if self._left < 0:
            raise errors.BodyTooLarge(limit_bytes=self._limit)
        self.ended = not message.get("more_body")
        return part

    async def _await_message(self) -> dict[str, Any]:
        self._reschedule(None)
        try:
            async with asyncio.timeout(self._silence_seconds):
                return await self._receive()
        except TimeoutError:
            raise errors.UploadTooSlow from None
        finally:
            self._reschedule(self._patience_seconds)

    def _reschedule(self, seconds: float | None) -> None:
        if self._department is not None:
            when = None if seconds is None else asyncio.get_running_loop().time() + seconds
            with contextlib.suppress(RuntimeError):  # it has ended: the department answered before the upload did
                self._department.reschedule(when)
