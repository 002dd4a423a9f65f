"""A device's own key, and what it signs with it: the proof for its enrolment, and every request (RFC 9421).

The key is made here and never leaves; the file that keeps it belongs to the account that the program runs as.
"""

import base64
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from app.kit.http_signatures import RequestParts, SignatureParams, content_digest, ecdsa_p256_signer, sign
from app.kit.structs import Model

COVERED: Final = ("@method", "@authority", "@path", "@query", "content-digest")
TAG: Final = "suishen-scanner"
PROOF_TYPE: Final = "suishen-scanner+jwt"
DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
COORDINATE_BYTES: Final = 32
OURS_ALONE: Final = 0o600


class DeviceUnreadable(ValueError):
    """The file is not one that `save` wrote. The text never quotes it."""


class StoredDevice(Model):
    """The file."""

    origin: str
    scanner_id: UUID | None
    private_key: str


class ScannerDevice:
    """One device: its city, its key, and its id once an official has enrolled it."""

    def __init__(self, origin: str, key: ec.EllipticCurvePrivateKey, scanner_id: UUID | None = None) -> None:
        self.origin = origin.rstrip("/")
        self.key = key
        self.id = scanner_id
        parts = urlsplit(self.origin)
        self._authority = parts.netloc.lower().removesuffix(DEFAULT_PORTS.get(parts.scheme, ""))
        self._sign = ecdsa_p256_signer(key)

    @classmethod
    def make(cls, origin: str) -> "ScannerDevice":
        """A new device with a new key; `origin` is the city's public address, as `https://city.example`."""
        return cls(origin, ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def read(cls, path: Path) -> "ScannerDevice":
        """The device that was saved; raises `OSError` and `DeviceUnreadable`."""
        try:
            stored = msgspec.json.decode(path.read_bytes(), type=StoredDevice)
            key = load_pem_private_key(stored.private_key.encode(), password=None)
        except (msgspec.MsgspecError, ValueError) as error:
            raise DeviceUnreadable(type(error).__name__) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise DeviceUnreadable("not a P-256 key")
        return cls(stored.origin, key, stored.scanner_id)

    def save(self, path: Path) -> None:
        """Writes the file whole or not at all, for nobody else to read."""
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        stored = StoredDevice(origin=self.origin, scanner_id=self.id, private_key=pem)
        write_private(path, msgspec.json.encode(stored))

    def enrolment(self, organization_id: str, now: datetime) -> dict[str, Any]:
        """`public_key` and `proof` for an official's `POST /v1/scanners`; good for ten minutes."""
        claims = {"aud": self.origin, "organization_id": organization_id, "iat": int(now.timestamp())}
        proof = jwt.encode(claims, self.key, algorithm="ES256", headers={"typ": PROOF_TYPE})
        return {"public_key": self._public_jwk(), "proof": proof}

    def signed_headers(self, method: str, path: str, content: bytes, now: datetime, query: str = "") -> dict[str, str]:
        """The headers of one request; `path` and `query` are raw, as they are sent. Never the same twice."""
        if self.id is None:
            raise RuntimeError("Nobody has enrolled this device yet.")
        headers = {"content-type": "application/json", "content-digest": content_digest(content)}
        parts = RequestParts(method=method, authority=self._authority, path=path, query=query, headers=headers)
        params = SignatureParams(
            keyid=str(self.id), created=int(now.timestamp()), nonce=secrets.token_urlsafe(18), tag=TAG
        )
        return headers | sign(parts, label="sig", covered=COVERED, params=params, sign_bytes=self._sign)

    def _public_jwk(self) -> dict[str, str]:
        numbers = self.key.public_key().public_numbers()
        x, y = (base64.urlsafe_b64encode(part.to_bytes(COORDINATE_BYTES, "big")) for part in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x.rstrip(b"=").decode(), "y": y.rstrip(b"=").decode()}


def write_private(path: Path, content: bytes) -> None:
    """Writes a file that only its owner may read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OURS_ALONE), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
