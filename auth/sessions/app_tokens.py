"""Access tokens for one mini-app (RFC 8693, RFC 9068): what a phone gives a page instead of its own token.

Such a token opens one mini-app at the gateway and nothing else. The subject in it is pairwise; who that is, only we can
read, because it is sealed beside it. Verified in memory, like a session's own tokens, and ended with the session.
"""

import base64
import binascii
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from app.kit.ids import new_token
from app.kit.jwt import InvalidToken, sign_jwt, verify_jwt
from app.kit.keyring import Keyring
from app.kit.structs import Model
from app.kit.vault import Vault, VaultError
from auth.assurance import acr_of
from auth.keys import unverified_claims
from auth.pairwise import Names
from auth.principal import Principal
from auth.sessions.errors import ProofMissing
from auth.sessions.tokens import (
    MOST_REMEMBERED,
    PURPOSE,
    TOKEN_TYPE,
    RevokedSessions,
    Verified,
    VerifiedTokens,
    faded,
    kid_of_token,
)

SEAL_PURPOSE: Final = "app-token"


class AppClaims(Model):
    """The claims that matter of a token whose signature, time and audience were checked."""

    jti: str
    exp: float
    context: str
    cnf: dict[str, str]


class DescribedAppToken(Model):
    """A token that was verified: its session, and its claims; `context` stays sealed."""

    session_id: UUID
    claims: dict[str, Any]


class AppTokens:
    """Signs and verifies them."""

    def __init__(
        self,
        *,
        keyring: Keyring,
        revoked: RevokedSessions,
        vault: Vault,
        names: Names,
        issuer: str,
    ) -> None:
        self._keyring = keyring
        self._revoked = revoked
        self._vault = vault
        self._names = names
        self._issuer = issuer
        self._verified = VerifiedTokens(MOST_REMEMBERED)

    def issue(
        self, principal: Principal, *, app_id: str, department_id: UUID, jkt: str, now: datetime, until: datetime
    ) -> str:
        """A token for `app_id` alone, in the name of whoever `principal` speaks for, bound to the phone's key.

        `until` is when the token ends that it is made from: the new one does not outlive it.
        """
        jti = new_token(16)
        context = self._vault.seal(SEAL_PURPOSE, msgspec.json.encode(principal), context=jti.encode())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": app_id,
            "sub": self._names.sub(app_id, principal.subject_id),
            "unionid": self._names.unionid(department_id, principal.subject_id),
            "sub_type": principal.subject_type,
            "client_id": principal.client_id,
            "acr": acr_of(principal.ial, principal.aal),
            "auth_time": int(principal.authenticated_at.timestamp()),
            "iat": int(now.timestamp()),
            "exp": int(until.timestamp()),
            "jti": jti,
            "cnf": {"jkt": jkt},
            "context": base64.urlsafe_b64encode(context).decode(),
        }
        if principal.agent_id is not None:
            claims["act"] = {"sub": self._names.sub(app_id, principal.agent_id)}
        if principal.mandate_id is not None:
            claims["mandate_id"] = self._names.sub(app_id, principal.mandate_id)
        return sign_jwt(self._keyring.active(PURPOSE), typ=TOKEN_TYPE, claims=claims)

    def find_principal(self, token: str, *, app_id: str, proof_jkt: str | None, now: datetime) -> Principal | None:
        """Who is calling `app_id`; None when this is no such token. Raises `ProofMissing` for another key's proof."""
        known = f"{app_id} {token}"
        verified = self._verified.find(known) or self._check(token, app_id, now)
        if verified is None or now.timestamp() >= verified.expires_at or self._find_key(verified.kid) is None:
            return None
        if verified.principal.session_id in self._revoked:
            return None
        self._verified.add(known, verified)
        if verified.jkt != proof_jkt:
            raise ProofMissing
        return faded(verified.principal, now)

    def describe(self, token: str, *, app_id: str, now: datetime) -> DescribedAppToken | None:
        """What `app_id` may read of a token that is for it, whose proof it cannot make itself; None for any other."""
        verified = self._check(token, app_id, now)
        if verified is None or verified.principal.session_id in self._revoked:
            return None
        return DescribedAppToken(session_id=verified.principal.session_id, claims=unverified_claims(token))

    def _check(self, token: str, app_id: str, now: datetime) -> Verified | None:
        try:
            claims = msgspec.convert(
                verify_jwt(
                    token, find_key=self._find_key, typ=TOKEN_TYPE, issuer=self._issuer, audience=app_id, now=now
                ),
                AppClaims,
            )
            sealed = base64.urlsafe_b64decode(claims.context)
            opened = self._vault.open(SEAL_PURPOSE, sealed, context=claims.jti.encode())
        except (InvalidToken, msgspec.ValidationError, VaultError, binascii.Error):
            return None
        return Verified(
            principal=msgspec.json.decode(opened, type=Principal),
            kid=kid_of_token(token),
            jkt=claims.cnf.get("jkt"),
            expires_at=claims.exp,
        )

    def _find_key(self, kid: str) -> EllipticCurvePublicKey | None:
        key = self._keyring.find(PURPOSE, kid)
        return key.public_key if key is not None else None
