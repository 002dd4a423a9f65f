"""What the token endpoint takes and gives."""

import base64
import hashlib
import hmac
import re
from typing import Final, Literal

from app.kit.structs import Model

AUTHORIZATION_CODE: Final = "authorization_code"
CLIENT_CREDENTIALS: Final = "client_credentials"
REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105 - the name of a grant
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - the name of a grant
GRANTS: Final = (AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS, TOKEN_EXCHANGE)
ACCESS_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


class ClientTokenAnswer(Model, omit_defaults=True):
    """Tokens for a client (RFC 6749, section 5.1; RFC 8693, section 2.2.1). Always bound to a key."""

    access_token: str
    token_type: Literal["DPoP"]
    expires_in: int
    scope: str | None = None
    id_token: str | None = None
    refresh_token: str | None = None
    issued_token_type: str | None = None


def verifier_fits(verifier: str, challenge: str) -> bool:
    """Whether `challenge` was made of `verifier` by S256 (RFC 7636, section 4.6)."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(digest, challenge)
