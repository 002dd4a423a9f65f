"""A WebAuthn authenticator in software: makes passkeys, verifies its user, signs, counts; and lies where it is told to.

Also what a browser does around it: client data, and JSON as `PublicKeyCredential.toJSON()` writes it.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from auth.keys import point_of
from auth.login.passkeys.ceremonies import decode, encode
from tests.auth.phones import ISSUER

PRESENT: Final = 0x01
VERIFIED: Final = 0x04
ELIGIBLE: Final = 0x08
BACKED_UP: Final = 0x10
ATTESTED: Final = 0x40
RP_ID: Final = ISSUER.removeprefix("http://")


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
    client_data: dict[str, Any] = field(default_factory=dict)


@dataclass
class Credential:
    """One passkey inside."""

    id: bytes
    key: ec.EllipticCurvePrivateKey
    rp_id: str
    user_handle: str
    count: int = 0


class Authenticator:
    """Holds passkeys; the newest answers when nobody says which."""

    def __init__(self, *, counts: bool = True) -> None:
        self.credentials: list[Credential] = []
        self._counts = counts

    def create(self, options: dict[str, Any], lies: Lies | None = None) -> dict[str, Any]:
        """`navigator.credentials.create()`."""
        lies = lies or Lies()
        made = Credential(
            id=os.urandom(32),
            key=ec.generate_private_key(ec.SECP256R1()),
            rp_id=options["rp"]["id"],
            user_handle=options["user"]["id"],
        )
        self.credentials.append(made)
        client_data = self._client_data("webauthn.create", options["challenge"], lies)
        attested = bytes(16) + len(made.id).to_bytes(2, "big") + made.id + cose_key(made.key)
        data = self._data(made, lies, extra=attested, more_flags=ATTESTED)
        return {
            "id": encode(made.id),
            "rawId": encode(made.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode(client_data),
                "attestationObject": encode(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
                "transports": ["internal", "hybrid"],
            },
        }

    def get(
        self, options: dict[str, Any], lies: Lies | None = None, *, credential: Credential | None = None
    ) -> dict[str, Any]:
        """`navigator.credentials.get()`."""
        lies, used = lies or Lies(), credential or self.credentials[-1]
        if self._counts:
            used.count += 1
        client_data = self._client_data("webauthn.get", options["challenge"], lies)
        data = self._data(used, lies)
        signed = data + hashlib.sha256(client_data).digest()
        signature = (lies.key or used.key).sign(signed, ec.ECDSA(hashes.SHA256()))
        return {
            "id": encode(used.id),
            "rawId": encode(used.id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode(client_data),
                "authenticatorData": encode(data),
                "signature": encode(signature),
                "userHandle": used.user_handle if lies.user_handle is None else lies.user_handle,
            },
        }

    def _client_data(self, kind: str, challenge: str, lies: Lies) -> bytes:
        data = {
            "type": lies.type or kind,
            "challenge": lies.challenge or challenge,
            "origin": lies.origin,
            "crossOrigin": lies.cross_origin,
        }
        return json.dumps(data | lies.client_data).encode()

    def _data(self, credential: Credential, lies: Lies, *, extra: bytes = b"", more_flags: int = 0) -> bytes:
        count = credential.count if lies.count is None else lies.count
        rp_id_hash = hashlib.sha256((lies.rp_id or credential.rp_id).encode()).digest()
        return rp_id_hash + bytes([lies.flags | more_flags]) + count.to_bytes(4, "big") + extra


def cose_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    point = point_of(key.public_key())
    return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})


def tampered(text: str) -> str:
    """The same base64url with its last byte changed."""
    data = bytearray(decode(text))
    data[-1] ^= 1
    return encode(bytes(data))
