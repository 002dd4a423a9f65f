"""Retries that are safe: the answer of a write is kept with the write, and given again to the same request.

Scoped to principal, client and route; the body's hash must match. Answers are kept sealed for 24 hours, in the
transaction of the write. Refusals are not kept: a repeated request is judged anew. Not for OAuth, OTP and
verification, which have rules of their own.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

import msgspec
from litestar import Request
from litestar.di import Provide

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.errors import SuishenError
from app.kit.http import Injected
from app.kit.structs import Model, Text, convert
from app.kit.vault import Vault

T = TypeVar("T")

ANSWERS_LIVE = timedelta(hours=24)
LONGEST_KEY = 128
SEAL_PURPOSE = "idempotency"


class IdempotencyKeyInvalid(SuishenError):
    status: ClassVar[int] = 400
    slug: ClassVar[str] = "idempotency-key-invalid"
    title: ClassVar[Text] = Text(zh="Idempotency-Key 无效", en="Invalid Idempotency-Key")
    remedy: ClassVar[Text] = Text(
        zh="请使用 1 至 128 个可见 ASCII 字符，例如一个 UUID。",
        en="Send 1 to 128 visible ASCII characters, for instance a UUID.",
    )


class IdempotencyKeyInUse(SuishenError):
    status: ClassVar[int] = 409
    slug: ClassVar[str] = "idempotency-key-in-use"
    title: ClassVar[Text] = Text(zh="同一请求正在处理", en="The same request is still running")
    remedy: ClassVar[Text] = Text(zh="请稍候再用同一个键重试。", en="Wait a moment, then repeat with the same key.")


class IdempotencyKeyReused(SuishenError):
    status: ClassVar[int] = 422
    slug: ClassVar[str] = "idempotency-key-reused"
    title: ClassVar[Text] = Text(zh="该键已用于另一个请求", en="This Idempotency-Key was used for a different request")
    remedy: ClassVar[Text] = Text(zh="新的请求请使用新的键。", en="Use a new key for a new request.")


class StoredAnswer(Model):
    """A kept answer and the request it belongs to."""

    body_hash: bytes
    sealed: bytes


class Asked(Model):
    """Which request this is; without a key, any."""

    scope: bytes | None = None
    body_hash: bytes = b""


TRY_LOCK = "select pg_try_advisory_xact_lock($1)"

FIND_ANSWER = "select body_hash, sealed from kit.idempotent_answer where scope = $1 and expires_at > $2"

INSERT_ANSWER = """
insert into kit.idempotent_answer (scope, body_hash, sealed, expires_at) values ($1, $2, $3, $4)
on conflict (scope) do update set body_hash = $2, sealed = $3, expires_at = $4
"""

DELETE_EXPIRED = "delete from kit.idempotent_answer where expires_at <= $1"


class Once:
    """Acts at most once for one Idempotency-Key; without a key, simply acts."""

    def __init__(
        self, connection: Connection, vault: Vault, now: datetime, scope: bytes | None, body_hash: bytes
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._now = now
        self._scope = scope
        self._body_hash = body_hash

    async def __call__(self, kind: type[T], act: Callable[[], Awaitable[T]]) -> T:
        """The answer of `act`, or the one it gave before.

        Raises `IdempotencyKeyInUse` while another request with this key runs, `IdempotencyKeyReused` when the key
        came with another body. Whatever `act` returns that is not a `kind` (a remembered refusal) is not kept.
        """
        if self._scope is None:
            return await act()
        if not await self._connection.fetchval(TRY_LOCK, int.from_bytes(self._scope[:8], "big", signed=True)):
            raise IdempotencyKeyInUse
        stored = await self._connection.fetchrow(FIND_ANSWER, self._scope, self._now)
        if stored is not None:
            return self._repeat(convert(stored, StoredAnswer), kind)
        answer = await act()
        if not isinstance(answer, SuishenError):
            await self._keep(self._scope, answer)
        return answer

    def _repeat(self, stored: StoredAnswer, kind: type[T]) -> T:
        if stored.body_hash != self._body_hash:
            raise IdempotencyKeyReused
        opened = self._vault.open(SEAL_PURPOSE, stored.sealed, context=self._scope or b"")
        return msgspec.json.decode(opened, type=kind)

    async def _keep(self, scope: bytes, answer: object) -> None:
        sealed = self._vault.seal(SEAL_PURPOSE, msgspec.json.encode(answer), context=scope)
        await self._connection.execute(INSERT_ANSWER, scope, self._body_hash, sealed, self._now + ANSWERS_LIVE)


async def asked_by(request: Request[Any, Any, Any]) -> Asked:
    """Litestar's dependency `asked`: reads the whole body, and refuses, before anybody takes a connection for it."""
    key = key_of(request)
    if key is None:
        return Asked()
    return Asked(scope=_scope_of(request, key), body_hash=hashlib.sha256(await request.body()).digest())


def once_for(
    asked: Injected[Asked], connection: Injected[Connection], vault: Injected[Vault], clock: Injected[Clock]
) -> Once:
    """The `Once` of this request: Litestar's dependency `once`."""
    return Once(connection, vault, clock.now(), asked.scope, asked.body_hash)


def dependencies() -> dict[str, Provide]:
    """What a handler that acts once needs, beside a connection, the vault and the clock."""
    return {"asked": Provide(asked_by), "once": Provide(once_for, sync_to_thread=False)}


def key_of(request: Request[Any, Any, Any]) -> str | None:
    """The request's Idempotency-Key, None without one; raises `IdempotencyKeyInvalid`."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= LONGEST_KEY or not all("!" <= character <= "~" for character in key):
        raise IdempotencyKeyInvalid
    return key


def _scope_of(request: Request[Any, Any, Any], key: str) -> bytes:
    caller = request.scope.get("user")
    who = "anonymous" if caller is None else f"{caller.actor}|{caller.subject_id}|{caller.client_id}"
    return hashlib.sha256(f"{who}\n{request.method}\n{request.url.path}\n{key}".encode()).digest()


async def forget_expired(database: Database, clock: Clock) -> None:
    """Deletes answers whose day is over; a periodic job."""
    async with database.acquire() as connection:
        await connection.execute(DELETE_EXPIRED, clock.now())
