"""The demo's authenticator, lying where a test says so."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from app.demo.authenticator import PRESENT, VERIFIED, Authenticator, Credential
from auth.login.passkeys.ceremonies import decode, encode
from tests.auth.phones import ISSUER


@dataclass
class Lies:
    """What differs from the truth in one ceremony; what is None is as it should be."""

    origin: str = ISSUER
    rp_id: str | None = None
    flags: int = PRESENT | VERIFIED
    challenge: str | None = None
    type: str | None = None
    cross_origin: bool = False
    count: int | None = None
    user_handle: str | None = None
    key: ec.EllipticCurvePrivateKey | None = None


class Liar(Authenticator):
    """Tells the truth unless given lies."""

    def __init__(self, *, counts: bool = True) -> None:
        super().__init__(ISSUER, counts=counts)
        self._lies = Lies()

    def tell(self, lies: Lies | None) -> "Liar":
        """From now on it says this; None is the truth."""
        self._lies = lies or Lies()
        return self

    def client_data(self, kind: str, challenge: str) -> bytes:
        lies = self._lies
        data: dict[str, Any] = {
            "type": lies.type or kind,
            "challenge": lies.challenge or challenge,
            "origin": lies.origin,
            "crossOrigin": lies.cross_origin,
        }
        return json.dumps(data).encode()

    def authenticator_data(self, credential: Credential, flags: int) -> bytes:
        lies, honest = self._lies, super().authenticator_data(credential, flags)
        rp_id_hash = honest[:32] if lies.rp_id is None else hashlib.sha256(lies.rp_id.encode()).digest()
        count = credential.count if lies.count is None else lies.count
        return rp_id_hash + bytes([flags | lies.flags]) + count.to_bytes(4, "big")

    def sign(self, credential: Credential, data: bytes) -> bytes:
        if self._lies.key is None:
            return super().sign(credential, data)
        return super().sign(Credential(id=b"", key=self._lies.key, user_handle=""), data)

    def user_handle(self, credential: Credential) -> str:
        return credential.user_handle if self._lies.user_handle is None else self._lies.user_handle


def tampered(text: str) -> str:
    """The same base64url with its last byte changed."""
    data = bytearray(decode(text))
    data[-1] ^= 1
    return encode(bytes(data))
