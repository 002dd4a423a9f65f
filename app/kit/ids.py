"""Identifiers and random tokens. Ids are ordered by time, so that indexes grow at one end."""

import secrets
import time
from uuid import UUID


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
