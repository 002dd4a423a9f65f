"""ID tokens (OpenID Connect Core, section 2): who signed in, when and how surely, told to one client.

The subject is pairwise: two clients cannot compare theirs. `unionid` is one name for all clients of a department.
"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import jwt
import msgspec

from app.kit.clock import Clock
from app.kit.jwt import InvalidToken, sign_jwt, verify_jwt
from app.kit.keyring import Keyring
from app.kit.structs import Model
from auth.pairwise import Names
from auth.provider.clients.models import Client
from auth.sessions.models import Method, Session
from auth.sessions.tokens import PURPOSE

TYPE: Final = "jwt"
LIVES_SECONDS: Final = 600
HINTS_LIVE: Final = timedelta(days=1)
METHODS: Final[dict[Method, list[str]]] = {
    "otp": ["otp", "sms"],
    "scan": ["pop", "user"],
    "passkey": ["pop", "user", "mfa"],
    "step_up": ["user"],
}
"""How the citizen proved themself (RFC 8176)."""


class Hint(Model):
    """What a genuine ID token of ours says, however old it is."""

    sub: str
    aud: str
    sid: UUID


class IdTokens:
    """Makes them, and reads them back as hints."""

    def __init__(self, keyring: Keyring, names: Names, clock: Clock, *, issuer: str) -> None:
        self._keyring = keyring
        self._names = names
        self._clock = clock
        self._issuer = issuer

    def issue(self, client: Client, session: Session, *, method: Method, nonce: str | None) -> str:
        """The token for one client, of the session it was given; `method` is how the citizen proved themself."""
        now = self._clock.now()
        issued_at = int(now.timestamp())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": self._names.sub(client.client_id, session.subject_id),
            "aud": client.client_id,
            "iat": issued_at,
            "exp": issued_at + LIVES_SECONDS,
            "auth_time": int(session.authenticated_at.timestamp()),
            "acr": session.acr_at(now),
            "amr": METHODS.get(method, [method]),
            "sid": str(session.id),
            "unionid": self._names.unionid(client.organization_id, session.subject_id),
        }
        if nonce is not None:
            claims["nonce"] = nonce
        return sign_jwt(self._keyring.active(PURPOSE), typ="JWT", claims=claims)

    def read_hint(self, token: str) -> Hint | None:
        """What an `id_token_hint` says, when it is ours and at most a day old, expired or not; else None."""
        try:
            audience = str(jwt.decode(token, options={"verify_signature": False}).get("aud", ""))
            claims = verify_jwt(
                token,
                find_key=self._find_key,
                typ=TYPE,
                issuer=self._issuer,
                audience=audience,
                now=self._clock.now(),
                leeway_seconds=int(HINTS_LIVE.total_seconds()),
            )
            return msgspec.convert(claims, Hint)
        except (jwt.PyJWTError, InvalidToken, msgspec.ValidationError):
            return None

    def _find_key(self, kid: str) -> Any:
        key = self._keyring.find(PURPOSE, kid)
        return key.public_key if key is not None else None
