"""Client authentication by `private_key_jwt` (RFC 7523, OpenID Connect Core, section 9, FAPI 2.0, section 5.3.2.1).

A client proves the private half of a registered key, for this issuer, once. No secret is ever shared.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.structs import Model
from auth.keys import (
    ProofInvalid,
    PublicJwk,
    UnverifiedProof,
    is_numeric_date,
    public_key_of,
    read_unverified,
    verify_read,
)
from auth.provider.clients import repository
from auth.provider.clients.models import Client
from auth.provider.clients.published_keys.service import PublishedKeys
from auth.provider.clients.service import Clients
from auth.provider.errors import INVALID_CLIENT
from auth.sessions.errors import OAuthRefusal

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPES: Final = ("client-authentication+jwt", "jwt", "")
LONGEST_LIFE: Final = timedelta(seconds=60)
CLOCKS_DIFFER: Final = timedelta(seconds=10)
LONGEST_ID: Final = 256


class AssertionClaims(Model):
    """What an assertion must say."""

    sub: str
    jti: str
    expires_at: datetime


class ClientAuthentication:
    """Tells which client is calling."""

    def __init__(self, clients: Clients, keys: PublishedKeys, clock: Clock, *, issuer: str) -> None:
        self._clients = clients
        self._keys = keys
        self._clock = clock
        self._issuer = issuer

    async def authenticate(self, connection: Connection, form: Mapping[str, str]) -> Client | OAuthRefusal:
        """The client whose assertion the form holds, or `invalid_client`. Each assertion is accepted once.

        A client is found before its signature is checked, so what it says names a candidate and nothing more.
        """
        if form.get("client_assertion_type") != ASSERTION_TYPE or "client_secret" in form:
            return INVALID_CLIENT
        try:
            assertion = read_unverified(form.get("client_assertion", ""))
            client = await self._clients.find_client(connection, _unverified_subject(assertion))
            if client is None or form.get("client_id", client.client_id) != client.client_id:
                return INVALID_CLIENT
            key = await self._keys.find_key(connection, client, assertion.header.get("kid"))
            if key is None:
                return INVALID_CLIENT
            claims = _checked(assertion, client, key, issuer=self._issuer, now=self._clock.now())
            digest = hashlib.sha256(f"{client.client_id}\n{claims.jti}".encode()).digest()
        except (ProofInvalid, UnicodeError):
            return INVALID_CLIENT
        new = await repository.insert_assertion(connection, digest, claims.expires_at + CLOCKS_DIFFER)
        return client if new else INVALID_CLIENT


def _unverified_subject(assertion: UnverifiedProof) -> str:
    unverified_sub = assertion.claims.get("sub")
    if not isinstance(unverified_sub, str) or not unverified_sub.isascii() or "\x00" in unverified_sub:
        raise ProofInvalid("sub")
    return unverified_sub


def _checked(
    assertion: UnverifiedProof, client: Client, key: PublicJwk, *, issuer: str, now: datetime
) -> AssertionClaims:
    typ = str(assertion.header.get("typ", "")).lower()
    if typ not in TYPES:
        raise ProofInvalid("typ")
    claims = verify_read(assertion, public_key_of(key), typ=typ)
    # `aud` is the issuer and nothing beside it: an assertion for another server must not open this one (RFC 7523bis).
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id or claims.get("aud") != issuer:
        raise ProofInvalid("claims")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= LONGEST_ID:
        raise ProofInvalid("jti")
    return AssertionClaims(sub=client.client_id, jti=jti, expires_at=_expiry(claims, now))


def _expiry(claims: Mapping[str, Any], now: datetime) -> datetime:
    expires, *others = (claims.get(name, 0) for name in ("exp", "iat", "nbf"))
    if not all(is_numeric_date(value) for value in (expires, *others)):
        raise ProofInvalid("time")
    present, skew = now.timestamp(), CLOCKS_DIFFER.total_seconds()
    if not present - skew < expires <= present + skew + LONGEST_LIFE.total_seconds():
        raise ProofInvalid("exp")
    if any(value > present + skew for value in others):
        raise ProofInvalid("not yet")
    return datetime.fromtimestamp(expires, UTC)
