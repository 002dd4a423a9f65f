"""Identifiers and random tokens. Ids are ordered by time, so that indexes grow at one end."""

import os
import secrets
import time
from typing import Final
from uuid import UUID

NONCE_BYTES: Final = 16
NONCES_AT_ONCE: Final = 64


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562, sections 5.7 and 6.2, method 3): 60 bits of time, a quarter of a microsecond fine.

    Two ids that one process makes one after the other are in that order; 62 bits are random.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = nanoseconds * 4096 // 1_000_000
    value = (milliseconds & (2**48 - 1)) << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62
    return UUID(int=value | secrets.randbits(62))


def new_token(nbytes: int = 32) -> str:
    """`nbytes` of randomness as unpadded base64url."""
    return secrets.token_urlsafe(nbytes)


class _Nonces:
    """Randomness of the system, fetched for many nonces at once: each fetching has the interpreter change threads."""

    def __init__(self) -> None:
        self._ahead: list[str] = []

    def take(self) -> str:
        if not self._ahead:
            fetched = os.urandom(NONCE_BYTES * NONCES_AT_ONCE).hex()
            width = 2 * NONCE_BYTES
            self._ahead = [fetched[place : place + width] for place in range(0, len(fetched), width)]
        return self._ahead.pop()

    def forget(self) -> None:
        self._ahead = []


_nonces: Final = _Nonces()
os.register_at_fork(after_in_child=_nonces.forget)  # a child would give out what its parent gives out


def new_nonce() -> str:
    """128 random bits as 32 hexadecimal characters; for nonces, not for secrets: some wait in memory."""
    return _nonces.take()
