"""Access tokens for clients (RFC 9068): pairwise, bound to a key, for named audiences, at most ten minutes.

They open nothing under `/v1`: their audience is another than the citizen's own. Verified in memory, like those.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from app.kit.clock import Clock
from app.kit.ids import new_token
from app.kit.jwt import InvalidToken, sign_jwt, verify_jwt
from app.kit.keyring import Keyring
from app.kit.structs import Model
from auth.pairwise import Names
from auth.provider.clients.models import Client
from auth.sessions.models import Session
from auth.sessions.tokens import PURPOSE, TOKEN_TYPE, RevokedSessions

USERINFO_PATH: Final = "/oauth/userinfo"


class IssuedToken(Model):
    """A verified access token of a client. `sid` is absent where the client acts for itself."""

    iss: str
    sub: str
    aud: str | list[str]
    client_id: str
    exp: int
    iat: int
    jti: str
    cnf: dict[str, str]
    scope: str = ""
    sid: UUID | None = None
    acr: str | None = None
    auth_time: int | None = None
    unionid: str | None = None

    @property
    def audiences(self) -> frozenset[str]:
        """For whom it is."""
        return frozenset([self.aud] if isinstance(self.aud, str) else self.aud)

    @property
    def jkt(self) -> str:
        """The thumbprint of the key whose holder may use it."""
        return self.cnf.get("jkt", "")


class ClientTokens:
    """Makes and verifies them."""

    def __init__(
        self,
        *,
        keyring: Keyring,
        revoked: RevokedSessions,
        names: Names,
        clock: Clock,
        issuer: str,
        lifetime_seconds: int,
    ) -> None:
        self._keyring = keyring
        self._revoked = revoked
        self._names = names
        self._clock = clock
        self._issuer = issuer
        self.lifetime_seconds = lifetime_seconds

    def issue_for_citizen(self, client: Client, session: Session, *, scopes: frozenset[str], jkt: str) -> str:
        """A token in a citizen's name, for userinfo and for the client's own service; never outlives the session."""
        return self._issue(
            {
                "sub": self._names.sub(client.client_id, session.subject_id),
                "unionid": self._names.unionid(client.organization_id, session.subject_id),
                "aud": [self._issuer + USERINFO_PATH, client.client_id],
                "client_id": client.client_id,
                "scope": " ".join(sorted(scopes)),
                "sid": str(session.id),
                "acr": session.acr_at(self._clock.now()),
                "auth_time": int(session.authenticated_at.timestamp()),
            },
            jkt=jkt,
            until=session.expires_at,
        )

    def issue_for_client(self, client: Client, *, jkt: str) -> str:
        """A token in the client's own name (RFC 6749, section 4.4; `sub` as RFC 9068, section 2.2)."""
        own = {"sub": client.client_id, "aud": self._issuer, "client_id": client.client_id}
        return self._issue(own, jkt=jkt, until=None)

    def verify(self, token: str, *, audience: str) -> IssuedToken | None:
        """What the token says while it is good for `audience`, else None. Proof of its key is the caller's to check."""
        try:
            claims = verify_jwt(
                token,
                find_key=self._find_key,
                typ=TOKEN_TYPE,
                issuer=self._issuer,
                audience=audience,
                now=self._clock.now(),
            )
            issued = msgspec.convert(claims, IssuedToken)
        except (InvalidToken, msgspec.ValidationError):
            return None
        if issued.sid is None:  # a client in its own name; a mini-app's token names its session to the gateway alone
            return issued if issued.sub == issued.client_id else None
        return None if issued.sid in self._revoked else issued

    def verify_own(self, token: str, client: Client) -> IssuedToken | None:
        """As `verify`, for the client that holds the token or is meant by it (RFC 7662, section 4)."""
        meant = self.verify(token, audience=client.client_id)
        if meant is not None:
            return meant
        held = self.verify(token, audience=self._issuer)
        return held if held is not None and held.client_id == client.client_id else None

    def _issue(self, claims: dict[str, Any], *, jkt: str, until: datetime | None) -> str:
        now = self._clock.now()
        expires_at = now + timedelta(seconds=self.lifetime_seconds)
        claims |= {
            "iss": self._issuer,
            "iat": int(now.timestamp()),
            "exp": int((expires_at if until is None else min(expires_at, until)).timestamp()),
            "jti": new_token(16),
            "cnf": {"jkt": jkt},
        }
        return sign_jwt(self._keyring.active(PURPOSE), typ=TOKEN_TYPE, claims=claims)

    def _find_key(self, kid: str) -> Any:
        key = self._keyring.find(PURPOSE, kid)
        return key.public_key if key is not None else None
