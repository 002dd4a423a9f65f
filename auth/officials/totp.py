"""Time-based one-time passwords (RFC 6238): 6 digits, 30 seconds, one step either way, each step once."""

import base64
import hmac
import secrets
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

SECRET_BYTES: Final = 20
DIGITS: Final = 6
STEP_SECONDS: Final = 30


def new_secret() -> bytes:
    """160 random bits, as authenticator programs expect them."""
    return secrets.token_bytes(SECRET_BYTES)


def code_at(secret: bytes, now: datetime) -> str:
    """The code that an authenticator shows at `now`."""
    return _totp(secret).generate(int(now.timestamp())).decode()


def find_step(secret: bytes, code: str, now: datetime) -> int | None:
    """The time step whose code this is, among the present one and its neighbours; None when it is none of theirs."""
    present = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in (present - 1, present, present + 1):
        expected = _totp(secret).generate(step * STEP_SECONDS)
        if hmac.compare_digest(expected, code.encode("utf-8", "replace")):
            found = step
    return found


def provisioning_uri(secret: bytes, *, username: str, issuer: str) -> str:
    """What an authenticator reads from a QR picture (otpauth://)."""
    return _totp(secret).get_provisioning_uri(username, issuer)


def secret_text(secret: bytes) -> str:
    """The secret as people type it in: base32."""
    return base64.b32encode(secret).decode()


def _totp(secret: bytes) -> TOTP:
    # SHA-1 is what every authenticator program speaks; as an HMAC it is not weakened by collisions.
    return TOTP(secret, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 - RFC 6238's default
