"""Proof of possession on every request (RFC 9449): the token is worth nothing without the phone's key.

A proof is believed for one method, one address, one token and a short time, and once in a worker. It is no
authentication by itself.
"""

import base64
import hashlib
from datetime import datetime, timedelta
from typing import Final

from app.kit.structs import Model
from auth.keys import (
    ProofInvalid,
    is_numeric_date,
    jwk_in_header,
    public_key_of,
    read_unverified,
    thumbprint,
    verify_read,
)

PROOF_TYPE: Final = "dpop+jwt"
_OLDEST: Final = timedelta(seconds=60)
_FUTURE: Final = timedelta(seconds=10)
_LONGEST_ID: Final = 256
_MOST_REMEMBERED: Final = 200_000


class ProofTarget(Model):
    """The request that a proof must be about. `url` has neither query nor fragment."""

    method: str
    url: str
    access_token: str | None = None


class SeenProofs:
    """Proofs that this worker has accepted in the last minute. Another worker does not know them: a proof repeated

    there within its minute is good for the very same request only, by method, address and token.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], datetime] = {}

    def add(self, key: tuple[str, str], now: datetime) -> bool:
        """Whether it is new; remembers it. When memory is full the oldest go first."""
        self._forget(now)
        if key in self._seen:
            return False
        self._seen[key] = now + _OLDEST + _FUTURE
        return True

    def _forget(self, now: datetime) -> None:
        # Insertion order is the order of time, so that only the front is looked at.
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest] > now and len(self._seen) < _MOST_REMEMBERED:
                return
            del self._seen[oldest]


def verify_dpop(proof: str, target: ProofTarget, *, now: datetime, seen: SeenProofs) -> str:
    """The thumbprint of the key that signed a valid proof about `target`; raises `ProofInvalid`."""
    unverified = read_unverified(proof)
    key = public_key_of(jwk_in_header(unverified.header))
    claims = verify_read(unverified, key, typ=PROOF_TYPE)
    if claims.get("htm") != target.method or claims.get("htu") != target.url:
        raise ProofInvalid("target")
    if target.access_token is not None and claims.get("ath") != token_hash(target.access_token):
        raise ProofInvalid("ath")
    _refuse_wrong_time(claims.get("iat"), now)
    proof_id = claims.get("jti")
    if not isinstance(proof_id, str) or not 1 <= len(proof_id) <= _LONGEST_ID:
        raise ProofInvalid("jti")
    jkt = thumbprint(key)
    if not seen.add((jkt, proof_id), now):
        raise ProofInvalid("repeated")
    return jkt


def token_hash(access_token: str) -> str:
    """`ath`: base64url of SHA-256 over the token's ASCII (RFC 9449, section 4.2)."""
    digest = hashlib.sha256(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _refuse_wrong_time(issued_at: object, now: datetime) -> None:
    if not is_numeric_date(issued_at):
        raise ProofInvalid("iat")
    age = now.timestamp() - issued_at
    if not -_FUTURE.total_seconds() <= age <= _OLDEST.total_seconds():
        raise ProofInvalid("iat")
