"""A city to test a department against: keys of its own, and requests signed as the gateway signs them.

For tests only: a department that trusts these keys trusts whoever runs the test.
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import ContentDigest, HTTPMessageSigner, MappingKeyResolver, algorithms

from .assertion import TYP
from .keys import ASSERTION, GATEWAY, PURPOSE
from .message import Message
from .signature import ALWAYS_COVERED, COVERED_WHEN_PRESENT, TAG, RawTarget, Signed


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(kw_only=True)
class TestCity:
    """Makes assertions and signatures. Every part of a request can be bent, to see that it is then refused."""

    __test__ = False  # pytest: this is not a test case

    issuer: str = "https://city.test"
    app_id: str = "cn.example.app"
    authority: str = "department.test"
    now: float = field(default_factory=lambda: datetime.now(UTC).timestamp())
    assertion_kid: str = "a1b2c3d4"
    gateway_kid: str = "b2c3d4e5"
    assertion_key: ec.EllipticCurvePrivateKey = field(default_factory=_new_key, repr=False)
    gateway_key: ec.EllipticCurvePrivateKey = field(default_factory=_new_key, repr=False)

    def jwks(self) -> dict[str, Any]:
        """The public key set, as the city publishes it: a key for assertions, another for requests."""
        return {
            "keys": [
                _jwk(ASSERTION, self.assertion_kid, self.assertion_key),
                _jwk(GATEWAY, self.gateway_kid, self.gateway_key),
            ]
        }

    def assertion(self, *, typ: str = TYP, **claims: Any) -> str:
        """An assertion for a citizen; `claims` replace the usual ones, None leaves one out."""
        usual = {
            "iss": self.issuer,
            "aud": self.app_id,
            "iat": int(self.now),
            "exp": int(self.now) + 60,
            "jti": secrets.token_urlsafe(12),
            "sub": "openid-1",
            "sub_type": "person",
        }
        chosen = {name: value for name, value in (usual | claims).items() if value is not None}
        return jwt.encode(
            chosen, self.assertion_key, algorithm="ES256", headers={"kid": self.assertion_kid, "typ": typ}
        )

    def sign(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        assertion: str | None = "",
        tag: str = TAG,
        life_seconds: int = 60,
        nonce: str | None = None,
        uncovered: frozenset[str] = frozenset(),
    ) -> dict[str, str]:
        """All headers of a request as the gateway would send it. `assertion` "" makes one; None sends none."""
        sent = {"host": self.authority, "x-request-id": secrets.token_hex(8), "ssb-app": self.app_id, **(headers or {})}
        if assertion is not None:
            sent["ssb-assertion"] = assertion or self.assertion()
        if body:
            sent["content-digest"] = ContentDigest.create(body)
        covered = [*sorted(ALWAYS_COVERED), *(name for name in COVERED_WHEN_PRESENT if name in sent)]
        message = Signed(Message.of(method, target, sent, body), self.authority)
        signer = HTTPMessageSigner(
            signature_algorithm=algorithms.ECDSA_P256_SHA256,
            key_resolver=MappingKeyResolver(public_keys={}, private_keys={self.gateway_kid: self.gateway_key}),
            component_resolver_class=RawTarget,
        )
        signer.sign(
            message,
            key_id=self.gateway_kid,
            label="ssb",
            tag=tag,
            nonce=nonce or secrets.token_urlsafe(12),
            created=datetime.fromtimestamp(int(self.now), tz=UTC),
            expires=datetime.fromtimestamp(int(self.now) + life_seconds, tz=UTC),
            covered_component_ids=[name for name in covered if name not in uncovered],
            use_existing_digest="content-digest" in sent,
        )
        return {name.lower(): value for name, value in message.headers.items()}


def _jwk(purpose: str, kid: str, key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    point = {name: _base64url(value.to_bytes(32, "big")) for name, value in (("x", numbers.x), ("y", numbers.y))}
    return {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, PURPOSE: purpose, **point}


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
