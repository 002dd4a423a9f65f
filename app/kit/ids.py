"""Identifiers and random tokens. Ids are ordered by time, so that indexes grow at one end."""

import secrets
import time
from uuid import UUID


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (2**48 - 1)) << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62
    return UUID(int=value | secrets.randbits(62))


def new_token(nbytes: int = 32) -> str:
    """`nbytes` of randomness as unpadded base64url."""
    return secrets.token_urlsafe(nbytes)
