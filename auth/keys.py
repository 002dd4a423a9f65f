"""Public keys that phones bring, and short signed proofs that they hold the private half.

Only P-256 and ES256. A key that came with a proof proves possession of itself and nothing else.
"""

import base64
import functools
import hashlib
import json
import re
from typing import Any, Final, TypeGuard

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.kit.jwt import ALGORITHM, COMPACT
from app.kit.structs import Model, Request

_COORDINATE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_LONGEST_PROOF: Final = 4096
_MOST_KEYS_REMEMBERED: Final = 4096
_ES256: Final = jwt.get_algorithm_by_name(ALGORITHM)


def is_numeric_date(value: object) -> TypeGuard[float]:
    """Whether a claim is a time that can be reckoned with (RFC 7519, section 2): JSON allows numbers of any length."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float(2**53)


class ProofInvalid(Exception):
    """The key or the proof is not what it has to be. The text names the part, never its content."""


class PublicJwk(Request):
    """A public P-256 key as a JSON Web Key (RFC 7517). A private part in it is refused as an unknown field."""

    kty: str
    crv: str
    x: str
    y: str
    kid: str | None = None
    alg: str | None = None
    use: str | None = None


class UnverifiedProof(Model):
    """A compact JWS taken apart once, not yet believed: good for finding the key, no more."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


@functools.lru_cache(maxsize=_MOST_KEYS_REMEMBERED)  # the same key comes again and again, and is the same point
def public_key_of(jwk: PublicJwk) -> ec.EllipticCurvePublicKey:
    """The key; raises `ProofInvalid` unless it is a point on P-256, each coordinate 32 bytes of unpadded base64url."""
    if jwk.kty != "EC" or jwk.crv != "P-256" or not (_COORDINATE.fullmatch(jwk.x) and _COORDINATE.fullmatch(jwk.y)):
        raise ProofInvalid("jwk")
    point = b"\x04" + base64.urlsafe_b64decode(jwk.x + "=") + base64.urlsafe_b64decode(jwk.y + "=")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise ProofInvalid("point") from None


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """The uncompressed point: 65 bytes (SEC 1, section 2.3.3)."""
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def key_of_point(point: bytes) -> ec.EllipticCurvePublicKey:
    """The key of a stored point; raises `ValueError` when it is none."""
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def thumbprint(key: ec.EllipticCurvePublicKey) -> str:
    """The JWK SHA-256 thumbprint (RFC 7638): 43 characters, the same however the key was written."""
    point = point_of(key)
    x, y = _base64url(point[1:33]), _base64url(point[33:])
    canonical = f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def read_unverified(token: str) -> UnverifiedProof:
    """A compact JWS with nothing in it believed; raises `ProofInvalid` for what is not of its strict form.

    Takes apart once what PyJWT would for each question anew. As there: base64url has one spelling, `kid` is a text, and
    what a header calls critical, or leaves unencoded (RFC 7797), is refused.
    """
    if len(token) > _LONGEST_PROOF or not COMPACT.fullmatch(token):
        raise ProofInvalid("form")
    header_part, claims_part, signature_part = token.split(".")
    header, claims = _object_in(header_part, "header"), _object_in(claims_part, "claims")
    if "crit" in header or header.get("b64", True) is False or not isinstance(header.get("kid", ""), str):
        raise ProofInvalid("header")
    signature = _decoded(signature_part, "signature")
    return UnverifiedProof(
        header=header, claims=claims, signed=f"{header_part}.{claims_part}".encode(), signature=signature
    )


def unverified_claims(token: str) -> dict[str, Any]:
    """The claims of a compact JWS, not yet believed: good for finding the key, no more; raises `ProofInvalid`."""
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise ProofInvalid("claims") from None
    return claims


def jwk_in_header(header: dict[str, Any]) -> PublicJwk:
    """The `jwk` member of a header; raises `ProofInvalid`, also when it holds a private key."""
    try:
        return msgspec.convert(header.get("jwk"), PublicJwk)
    except msgspec.ValidationError:
        raise ProofInvalid("jwk") from None


def verify_proof(token: str, key: ec.EllipticCurvePublicKey, *, typ: str) -> dict[str, Any]:
    """The claims of a proof signed by `key`; raises `ProofInvalid`. Time and audience are the caller's to check."""
    return verify_read(read_unverified(token), key, typ=typ)


def verify_read(unverified: UnverifiedProof, key: ec.EllipticCurvePublicKey, *, typ: str) -> dict[str, Any]:
    """As `verify_proof`, for what was taken apart before to find its key."""
    header = unverified.header
    if str(header.get("typ", "")).lower() != typ or header.get("alg") != ALGORITHM:
        raise ProofInvalid("header")
    if not _ES256.verify(unverified.signed, key, unverified.signature):
        raise ProofInvalid("signature")
    return unverified.claims


def _object_in(part: str, name: str) -> dict[str, Any]:
    try:
        found = json.loads(_decoded(part, name))
    except (ValueError, RecursionError):
        raise ProofInvalid(name) from None
    if not isinstance(found, dict):
        raise ProofInvalid(name)
    return found


def _decoded(part: str, name: str) -> bytes:
    """The bytes of a part whose alphabet was checked; raises `ProofInvalid` for any spelling but the canonical one."""
    try:
        data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise ProofInvalid(name) from None
    if _base64url(data) != part:
        raise ProofInvalid(name)
    return data


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
