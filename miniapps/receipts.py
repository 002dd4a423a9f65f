"""What a department signs with a key of its manifest: read here in one way, for deletions and for rated acts.

Believes a key that the mini-app's own approved manifest names, ES256 and the strict form of a JWS; nothing else.
"""

from typing import Any

import jwt

from app.kit.jwt import ALGORITHM
from auth.keys import ProofInvalid, PublicJwk, public_key_of, read_unverified
from miniapps.errors import ReceiptInvalid
from miniapps.manifest import Manifest


def read_receipt(token: str, *, typ: str, manifest: Manifest) -> dict[str, Any]:
    """The claims of a receipt that the mini-app's department signed as this app; raises `ReceiptInvalid`.

    What the claims say beyond `iss` is for the caller to judge.
    """
    try:
        receipt = read_unverified(token)
        if str(receipt.header.get("typ", "")).lower() != typ or receipt.header.get("alg") != ALGORITHM:
            raise ReceiptInvalid
        key = public_key_of(_jwk(manifest, receipt.header.get("kid", "")))
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=manifest.app_id,
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False},
        )
    except (ProofInvalid, jwt.PyJWTError):
        raise ReceiptInvalid from None
    return claims


def _jwk(manifest: Manifest, kid: str) -> PublicJwk:
    for key in manifest.backend.keys if manifest.backend is not None else ():
        if key.kid == kid:
            return PublicJwk(kty="EC", crv="P-256", x=key.x, y=key.y)
    raise ReceiptInvalid
