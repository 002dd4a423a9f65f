"""The one question a department asks: did the city's gateway send this request, to me, just now, and for whom?"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeAlias

from .assertion import verify_assertion
from .citizen import Citizen, citizen_of
from .errors import Refused, UnknownKey
from .keys import ASSERTION, GATEWAY, WELL_KNOWN, JwksUrl, Keys
from .message import Message
from .replay import MemoryReplay, Replay
from .signature import SKEW_SECONDS, verify_digest, verify_signature

Headers: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]


class Verifier:
    """Verifies requests to one mini-app. Make one per process and share it; it is safe between threads.

    `authority` is the host (and port) that the gateway calls, when a proxy of the department's own changes `Host`.
    """

    def __init__(
        self,
        *,
        app_id: str,
        issuer: str,
        keys: Keys | None = None,
        replay: Replay | None = None,
        authority: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._app_id = app_id
        self._issuer = issuer
        self._keys: Keys = keys or JwksUrl(issuer.rstrip("/") + WELL_KNOWN)
        self._replay: Replay = replay or MemoryReplay(now=now)
        self._authority = authority
        self._now = now

    async def verify(
        self, method: str, target: str, headers: Headers, body: bytes = b"", *, streamed: bool = False
    ) -> Citizen:
        """The citizen behind a request; raises `Refused` (401) or `KeysUnavailable` (503). Never blocks the loop.

        `target` is the raw path and query as they came, not decoded. A `streamed` route's body is not covered.
        """
        return _required(await self.verify_caller(method, target, headers, body, streamed=streamed))

    async def verify_caller(
        self, method: str, target: str, headers: Headers, body: bytes = b"", *, streamed: bool = False
    ) -> Citizen | None:
        """As `verify`, for what anybody may ask: None when the gateway calls for nobody in particular."""
        message = Message.of(method, target, headers, body)
        if not self._keys.is_fresh():
            await asyncio.to_thread(self._keys.refresh)
        try:
            return self._check(message, streamed=streamed)
        except UnknownKey:
            if not await asyncio.to_thread(self._keys.refresh):
                raise
        return self._check(message, streamed=streamed)

    def verify_request(
        self, method: str, target: str, headers: Headers, body: bytes = b"", *, streamed: bool = False
    ) -> Citizen:
        """As `verify`, for programs without an event loop. May block while it reads the city's keys."""
        message = Message.of(method, target, headers, body)
        if not self._keys.is_fresh():
            self._keys.refresh()
        try:
            return _required(self._check(message, streamed=streamed))
        except UnknownKey:
            if not self._keys.refresh():
                raise
        return _required(self._check(message, streamed=streamed))

    def _check(self, message: Message, *, streamed: bool) -> Citizen | None:
        token = message.headers.get("ssb-assertion")
        if token is None:
            self._check_origin(message, streamed=streamed)
            return None
        claims = verify_assertion(
            token,
            find_key=partial(self._keys.find, ASSERTION),
            issuer=self._issuer,
            app_id=self._app_id,
            now=self._now(),
        )
        self._check_origin(message, streamed=streamed)
        return citizen_of(claims, message.headers)

    def _check_origin(self, message: Message, *, streamed: bool) -> None:
        proof = verify_signature(
            message,
            find_key=partial(self._keys.find, GATEWAY),
            authority=self._authority or message.headers.get("host", ""),
            streamed=streamed,
            now=self._now(),
        )
        if message.headers["ssb-app"] != self._app_id:
            raise Refused("app-mismatch")
        if not streamed:
            verify_digest(message)
        # Last, so that only requests which hold take room. The assertion itself may come again: the gateway reuses
        # one for up to 20 seconds; the nonce is what makes each request unique.
        if not self._replay.first_time(f"{proof.keyid}:{proof.nonce}", proof.expires + SKEW_SECONDS):
            raise Refused("replayed")


def _required(citizen: Citizen | None) -> Citizen:
    if citizen is None:
        raise Refused("assertion-missing")
    return citizen
