"""Passwords of staff: argon2id with explicit costs, in a small pool that refuses work instead of queueing for ever."""

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.kit.errors import TemporarilyUnavailable

T = TypeVar("T")

MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
HASHER: Final = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)
RETRY_AFTER_SECONDS: Final = 1


class Passwords:
    """Hashes and verifies off the event loop: `threads` at work, `queue` waiting, and whatever is more gets a 503."""

    def __init__(self, *, threads: int, queue: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="argon2")
        self._room = threads + queue
        self._nobodys_hash = _nobodys_hash()

    async def hash(self, password: str) -> str:
        """The hash in its standard text form; raises `TemporarilyUnavailable` under overload."""
        return await self._run(lambda: HASHER.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether they belong together. Without a hash (no such account) it takes as long, and says no."""
        if password_hash is None:
            await self._run(lambda: self._matches(self._nobodys_hash, password))
            return False
        return await self._run(lambda: self._matches(password_hash, password))

    async def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return HASHER.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._room <= 0:
            raise TemporarilyUnavailable(retry_after=RETRY_AFTER_SECONDS)
        self._room -= 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        # Room returns when the thread is free, not when a caller that lost patience has left.
        future.add_done_callback(lambda _done: self._leave())
        return await asyncio.shield(future)

    def _leave(self) -> None:
        self._room += 1


@functools.cache
def _nobodys_hash() -> str:
    return HASHER.hash("nobody has this password")
