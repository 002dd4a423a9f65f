"""A department's own signature under what it promised: a receipt that the citizen keeps and anybody can check.

The key is made at the first start and never leaves the department's folder.
"""

import base64
import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

TYP = "ssb-receipt+jwt"


class Receipts:
    """Signs receipts with the department's P-256 key."""

    def __init__(self, private_key: ec.EllipticCurvePrivateKey, app_id: str) -> None:
        self._private_key = private_key
        self._app_id = app_id

    @classmethod
    def open(cls, path: Path, app_id: str) -> "Receipts":
        """The key in `path`, made and kept there (readable by its owner only) when there is none."""
        if not path.exists():
            pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return cls(key, app_id)

    def public_key(self) -> dict[str, str]:
        """The public half as the manifest names it (`backend.keys`)."""
        numbers = self._private_key.public_key().public_numbers()
        x, y = (numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big"))
        return {"kid": hashlib.sha256(x + y).hexdigest()[:8], "x": _base64url(x), "y": _base64url(y)}

    def sign(self, openid: str, what: dict[str, Any], at: datetime) -> str:
        """A compact JWS: this department says `what` to this citizen. `act` names what the citizen may rate, once."""
        claims = {"iss": self._app_id, "sub": openid, "iat": int(at.timestamp()), **what}
        headers = {"kid": self.public_key()["kid"], "typ": TYP}
        return jwt.encode(claims, self._private_key, algorithm="ES256", headers=headers)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
