"""Access tokens (RFC 9068): made from a session, verified in memory, without asking the database.

A token lives ten minutes at most. A session that ends sooner is told to every worker, which then refuses its tokens;
a worker that may have missed something reads all ends of the last minutes anew.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from msgspec.structs import replace

from app.kit.clock import Clock
from app.kit.database import Database, Notifications
from app.kit.ids import new_token
from app.kit.jwt import InvalidToken, sign_jwt, verify_jwt
from app.kit.keyring import Keyring
from app.kit.structs import Model
from auth.assurance import faded_aal, levels_of
from auth.principal import Principal, SubjectType
from auth.sessions import repository
from auth.sessions.errors import ProofMissing, TokenInvalid
from auth.sessions.models import Session

PURPOSE: Final = "token"
TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - a media type
CHANNEL: Final = "auth_session"
MOST_REMEMBERED: Final = 20_000
_REREAD: Final = timedelta(seconds=15)
DEAF_AFTER_SECONDS: Final = 0.7
"""Longer than the listener's pulse of 0.5 s; with a look every 0.25 s an end is known within a second even so."""
_SUBJECT_TYPES: Final[dict[str, SubjectType]] = {
    "person": "person",
    "organization": "organization",
    "official": "official",
}


class VerifiedClaims(Model):
    """The claims of a token whose signature, time and place were checked."""

    sub: str
    sid: UUID
    client_id: str
    scope: str
    acr: str
    auth_time: int
    exp: float
    act: dict[str, str] | None = None
    cnf: dict[str, str] | None = None
    mandate_id: UUID | None = None
    device_id: UUID | None = None
    roles: tuple[str, ...] = ()
    organization_id: UUID | None = None
    unproven: bool = False


class Verified(Model):
    """What was found out about a token once and stays true while it lives: all but time, revocation, key and proof."""

    principal: Principal
    kid: str
    jkt: str | None
    expires_at: float


class VerifiedTokens:
    """Tokens whose signature and claims were checked before in this worker; the oldest leave when it is full."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tokens: dict[str, Verified] = {}

    def find(self, token: str) -> Verified | None:
        """What is known of exactly this text."""
        return self._tokens.get(token)

    def add(self, token: str, verified: Verified) -> None:
        """Remembers it."""
        while len(self._tokens) >= self._most:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[token] = verified


class RevokedSessions:
    """Sessions that ended while their access tokens may still live. In memory; told by NOTIFY, reread besides."""

    def __init__(self, database: Database, clock: Clock, *, keep: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._keep = keep
        self._notifications: Notifications | None = None
        self._revoked: dict[UUID, datetime] = {}
        self._complete_at: datetime | None = None

    def listen(self, notifications: Notifications) -> None:
        """Hears of every end; None means that some may have been missed."""
        self._notifications = notifications
        notifications.on(CHANNEL, self._hear)

    def __contains__(self, session_id: UUID) -> bool:
        return session_id in self._revoked

    def add(self, session_id: UUID) -> None:
        """Refuses its tokens from now on, in this worker."""
        self._revoked[session_id] = self._clock.now()

    async def refresh(self) -> None:
        """Rereads when something may have been missed, at every call while the listener is deaf, else every 15 s."""
        now = self._clock.now()
        if self._hears() and self._complete_at is not None and now - self._complete_at < _REREAD:
            return
        previous, self._complete_at = self._complete_at, now
        try:
            async with self._database.acquire() as connection:
                found = await repository.list_revoked_since(connection, now - self._keep)
        except BaseException:
            self._complete_at = previous
            raise
        recent = {session_id: at for session_id, at in self._revoked.items() if now - at <= self._keep}
        self._revoked = recent | {session.id: session.revoked_at for session in found}

    def _hears(self) -> bool:
        return self._notifications is not None and self._notifications.healthy_within(DEAF_AFTER_SECONDS)

    def _hear(self, payload: str | None) -> None:
        if payload is None:
            self._complete_at = None
            return
        for session_id in payload.split(","):
            self.add(UUID(session_id))


class AccessTokens:
    """Signs and verifies access tokens of one issuer."""

    def __init__(
        self, keyring: Keyring, revoked: RevokedSessions, clock: Clock, *, issuer: str, lifetime_seconds: int
    ) -> None:
        self._keyring = keyring
        self._revoked = revoked
        self._clock = clock
        self._issuer = issuer
        self.lifetime_seconds = lifetime_seconds
        self._verified = VerifiedTokens(MOST_REMEMBERED)

    def stands(self, principal: Principal) -> bool:
        """Whether the session behind a token that was good a moment ago has not ended since."""
        return principal.session_id not in self._revoked

    def issue(self, session: Session) -> str:
        """A token for the session as it is now; never outlives it."""
        now = self._clock.now()
        expires_at = min(now + timedelta(seconds=self.lifetime_seconds), session.expires_at)
        claims = _claims_of(session, now) | {
            "iss": self._issuer,
            "aud": self._issuer,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": new_token(16),
        }
        return sign_jwt(self._keyring.active(PURPOSE), typ=TOKEN_TYPE, claims=claims)

    def verify(self, token: str, now: datetime, *, proof_jkt: str | None = None) -> Principal:
        """Who is calling. Raises `TokenInvalid`, and `ProofMissing` when the token is bound to another key.

        `proof_jkt` is the thumbprint of a DPoP proof that was verified for this very request. In memory only.
        """
        verified = self._verified.find(token) or self._check(token, now)
        if now.timestamp() >= verified.expires_at or self._find_key(verified.kid) is None:
            raise TokenInvalid
        if verified.principal.session_id in self._revoked:
            raise TokenInvalid
        if verified.jkt != proof_jkt:
            raise ProofMissing
        return faded(verified.principal, now)

    def _check(self, token: str, now: datetime) -> Verified:
        try:
            claims = verify_jwt(
                token,
                find_key=self._find_key,
                typ=TOKEN_TYPE,
                issuer=self._issuer,
                audience=self._issuer,
                now=now,
            )
            verified = _verified_of(msgspec.convert(claims, VerifiedClaims), kid=kid_of_token(token))
        except (InvalidToken, msgspec.ValidationError, ValueError):
            raise TokenInvalid from None
        self._verified.add(token, verified)
        return verified

    def _find_key(self, kid: str) -> EllipticCurvePublicKey | None:
        key = self._keyring.find(PURPOSE, kid)
        return key.public_key if key is not None else None


def faded(principal: Principal, now: datetime) -> Principal:
    """The caller as sure as they still are: a token outlives the minutes in which a verified user counts as such."""
    aal = faded_aal(principal.aal, authenticated_at=principal.authenticated_at, now=now)
    return principal if aal == principal.aal else replace(principal, aal=aal)


def kid_of_token(token: str) -> str:
    """The `kid` of a token that was verified."""
    return str(jwt.get_unverified_header(token)["kid"])


def _claims_of(session: Session, now: datetime) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "sub": f"{session.subject_type}:{session.subject_id}",
        "sid": str(session.id),
        "client_id": session.client_id,
        "scope": " ".join(sorted(session.scopes)),
        "acr": session.acr_at(now),
        "auth_time": int(session.authenticated_at.timestamp()),
    }
    if session.agent_id is not None:
        claims["act"] = {"sub": f"person:{session.agent_id}"}
    if session.jkt is not None:
        claims["cnf"] = {"jkt": session.jkt}
    if session.unproven:
        claims["unproven"] = True
    if session.roles:
        claims["roles"] = sorted(session.roles)
    ids = {
        "mandate_id": session.mandate_id,
        "device_id": session.device_id,
        "organization_id": session.organization_id,
    }
    return claims | {name: str(value) for name, value in ids.items() if value is not None}


def _verified_of(claims: VerifiedClaims, *, kid: str) -> Verified:
    jkt = (claims.cnf or {}).get("jkt")
    return Verified(principal=_principal_of(claims), kid=kid, jkt=jkt, expires_at=claims.exp)


def _agent_fits(kind: str, claims: VerifiedClaims) -> bool:
    """An organization has an agent always, a person only by a mandate, an official never."""
    acts = claims.act is not None
    return acts if kind == "organization" else acts == (kind == "person" and claims.mandate_id is not None)


def _principal_of(claims: VerifiedClaims) -> Principal:
    kind, _, subject_id = claims.sub.partition(":")
    levels = levels_of(claims.acr)
    if kind not in _SUBJECT_TYPES or levels is None or not _agent_fits(kind, claims):
        raise ValueError("claims")
    agent = (claims.act or {}).get("sub", "").removeprefix("person:")
    return Principal(
        subject_type=_SUBJECT_TYPES[kind],
        subject_id=UUID(subject_id),
        agent_id=UUID(agent) if agent else None,
        session_id=claims.sid,
        client_id=claims.client_id,
        scopes=frozenset(claims.scope.split()),
        ial=levels[0],
        aal=levels[1],
        authenticated_at=datetime.fromtimestamp(claims.auth_time, UTC),
        device_id=claims.device_id,
        roles=frozenset(claims.roles),
        organization_id=claims.organization_id,
        mandate_id=claims.mandate_id,
        unproven=claims.unproven,
    )
