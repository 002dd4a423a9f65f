"""A WebAuthn authenticator as a program, with the browser around it: makes passkeys, verifies its user, signs, counts.

Speaks JSON as `PublicKeyCredential.toJSON()` writes it. Its keys live as long as the program.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from auth.keys import point_of
from auth.login.passkeys.ceremonies import encode

PRESENT: Final = 0x01
VERIFIED: Final = 0x04
ATTESTED: Final = 0x40
AAGUID: Final = bytes(16)


@dataclass
class Credential:
    """One passkey inside."""

    id: bytes
    key: ec.EllipticCurvePrivateKey
    user_handle: str
    count: int = 0


class Authenticator:
    """Holds the passkeys of one origin; the newest answers."""

    def __init__(self, origin: str, *, counts: bool = True) -> None:
        self.origin = origin
        self.credentials: list[Credential] = []
        self._counts = counts

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """`navigator.credentials.create()`, with its user verified."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = Credential(id=os.urandom(32), key=key, user_handle=options["user"]["id"])
        self.credentials.append(made)
        attested = AAGUID + len(made.id).to_bytes(2, "big") + made.id + cose_key(key)
        data = self.authenticator_data(made, ATTESTED) + attested
        response = {
            "clientDataJSON": encode(self.client_data("webauthn.create", options["challenge"])),
            "attestationObject": encode(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["internal", "hybrid"],
        }
        return _credential(made, response)

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """`navigator.credentials.get()`, with its user verified."""
        used = self.credentials[-1]
        used.count += self._counts
        client_data = self.client_data("webauthn.get", options["challenge"])
        data = self.authenticator_data(used, 0)
        signature = self.sign(used, data + hashlib.sha256(client_data).digest())
        response = {
            "clientDataJSON": encode(client_data),
            "authenticatorData": encode(data),
            "signature": encode(signature),
            "userHandle": self.user_handle(used),
        }
        return _credential(used, response)

    def client_data(self, kind: str, challenge: str) -> bytes:
        """What the browser says of the page (WebAuthn Level 3, section 5.8.1)."""
        data = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(data).encode()

    def authenticator_data(self, credential: Credential, flags: int) -> bytes:
        """What the authenticator says of itself (section 6.1), up to the counter."""
        rp_id_hash = hashlib.sha256((urlsplit(self.origin).hostname or "").encode()).digest()
        return rp_id_hash + bytes([flags | PRESENT | VERIFIED]) + credential.count.to_bytes(4, "big")

    def sign(self, credential: Credential, data: bytes) -> bytes:
        """By the credential's key."""
        return credential.key.sign(data, ec.ECDSA(hashes.SHA256()))

    def user_handle(self, credential: Credential) -> str:
        """Whose the credential is."""
        return credential.user_handle


def cose_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public half as COSE writes a P-256 key for ES256 (RFC 9053)."""
    point = point_of(key.public_key())
    return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})


def _credential(credential: Credential, response: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": encode(credential.id),
        "rawId": encode(credential.id),
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "clientExtensionResults": {},
        "response": response,
    }
