"""Access tokens (RFC 9068): made from a session, verified in memory, without asking the database.

A token lives ten minutes at most. A session that ends sooner is told to every worker, which then refuses its tokens;
a worker that may have missed something reads all ends of the last minutes anew.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from app.kit.clock import Clock
from app.kit.database import Database, Notifications
from app.kit.ids import new_token
from app.kit.jwt import InvalidToken, sign_jwt, verify_jwt
from app.kit.keyring import Keyring
from app.kit.structs import Model
from auth.principal import Principal, SubjectType
from auth.sessions import repository
from auth.sessions.errors import ProofMissing, TokenInvalid
from auth.sessions.models import Session

PURPOSE: Final = "token"
TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - a media type
CHANNEL: Final = "auth_session"
_ACR: Final = re.compile(r"ial([123])\.aal([123])", re.ASCII)
_REREAD: Final = timedelta(seconds=15)
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
    act: dict[str, str] | None = None
    cnf: dict[str, str] | None = None
    mandate_id: UUID | None = None
    device_id: UUID | None = None
    roles: tuple[str, ...] = ()
    organization_id: UUID | None = None


class RevokedSessions:
    """Sessions that ended while their access tokens may still live. In memory; told by NOTIFY, reread besides."""

    def __init__(self, database: Database, clock: Clock, *, keep: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._keep = keep
        self._revoked: dict[UUID, datetime] = {}
        self._complete_at: datetime | None = None

    def listen(self, notifications: Notifications) -> None:
        """Hears of every end; None means that some may have been missed."""
        notifications.on(CHANNEL, self._hear)

    def __contains__(self, session_id: UUID) -> bool:
        return session_id in self._revoked

    def add(self, session_id: UUID) -> None:
        """Refuses its tokens from now on, in this worker."""
        self._revoked[session_id] = self._clock.now()

    async def refresh(self) -> None:
        """Rereads when something may have been missed, and at least every 15 s; a periodic job."""
        now = self._clock.now()
        if self._complete_at is not None and now - self._complete_at < _REREAD:
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

    def issue(self, session: Session) -> str:
        """A token for the session as it is now; never outlives it."""
        now = self._clock.now()
        expires_at = min(now + timedelta(seconds=self.lifetime_seconds), session.expires_at)
        claims = _claims_of(session) | {
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
        try:
            claims = verify_jwt(
                token,
                find_key=self._find_key,
                typ=TOKEN_TYPE,
                issuer=self._issuer,
                audience=self._issuer,
                now=now,
            )
            verified = msgspec.convert(claims, VerifiedClaims)
            principal = _principal_of(verified)
        except (InvalidToken, msgspec.ValidationError, ValueError):
            raise TokenInvalid from None
        if verified.sid in self._revoked:
            raise TokenInvalid
        if (verified.cnf or {}).get("jkt") != proof_jkt:
            raise ProofMissing
        return principal

    def _find_key(self, kid: str) -> EllipticCurvePublicKey | None:
        key = self._keyring.find(PURPOSE, kid)
        return key.public_key if key is not None else None


def _claims_of(session: Session) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "sub": f"{session.subject_type}:{session.subject_id}",
        "sid": str(session.id),
        "client_id": session.client_id,
        "scope": " ".join(sorted(session.scopes)),
        "acr": f"ial{session.ial}.aal{session.aal}",
        "auth_time": int(session.authenticated_at.timestamp()),
    }
    if session.agent_id is not None:
        claims["act"] = {"sub": f"person:{session.agent_id}"}
    if session.jkt is not None:
        claims["cnf"] = {"jkt": session.jkt}
    if session.roles:
        claims["roles"] = sorted(session.roles)
    ids = {
        "mandate_id": session.mandate_id,
        "device_id": session.device_id,
        "organization_id": session.organization_id,
    }
    return claims | {name: str(value) for name, value in ids.items() if value is not None}


def _principal_of(claims: VerifiedClaims) -> Principal:
    kind, _, subject_id = claims.sub.partition(":")
    levels = _ACR.fullmatch(claims.acr)
    if kind not in _SUBJECT_TYPES or levels is None or (kind == "organization") != (claims.act is not None):
        raise ValueError("claims")
    agent = (claims.act or {}).get("sub", "").removeprefix("person:")
    return Principal(
        subject_type=_SUBJECT_TYPES[kind],
        subject_id=UUID(subject_id),
        agent_id=UUID(agent) if agent else None,
        session_id=claims.sid,
        client_id=claims.client_id,
        scopes=frozenset(claims.scope.split()),
        ial=int(levels[1]),
        aal=int(levels[2]),
        authenticated_at=datetime.fromtimestamp(claims.auth_time, UTC),
        device_id=claims.device_id,
        roles=frozenset(claims.roles),
        organization_id=claims.organization_id,
        mandate_id=claims.mandate_id,
    )
