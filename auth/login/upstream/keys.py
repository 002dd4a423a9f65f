"""Keys by which the national provider signs: P-256 for ES256, RSA for PS256, Ed25519 for EdDSA (FAPI 2.0, section 5.4).

Pure. A key has one algorithm, whatever a token says of itself; one that is for another, is too short, or is secret is
not taken.
"""

import json
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.kit.structs import Model
from auth.keys import ProofInvalid, UnverifiedProof
from auth.provider.clients.published_keys.models import LONGEST_NAME, MOST_KEYS, KeysUnreadable

ALGORITHMS: Final = {("EC", "P-256"): "ES256", ("RSA", None): "PS256", ("OKP", "Ed25519"): "EdDSA"}
"""By the kind of a key. RS256 is none of them: FAPI 2.0 does not have it."""
RSA_BITS: Final = range(2048, 8193)
LEAST_EXPONENT: Final = 65_537
"""FIPS 186-5, section 5.1."""
SECRET: Final = frozenset({"d", "k", "p", "q"})


class ProviderKey(Model):
    """A public key and the one algorithm for which it is believed."""

    algorithm: str
    key: Any


class _Document(msgspec.Struct):
    keys: list[dict[str, Any]]


def read_provider_keys(document: bytes) -> dict[str, ProviderKey]:
    """The signing keys of a JSON Web Key Set (RFC 7517), by `kid`; raises `KeysUnreadable`.

    Keys of other kinds, weak ones and those without a name are passed over; a private key is never passed over.
    """
    try:
        listed = msgspec.json.decode(document, type=_Document).keys
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise KeysUnreadable("not a key set") from None
    if len(listed) > MOST_KEYS:
        raise KeysUnreadable("too many keys")
    if any(SECRET & key.keys() for key in listed):
        raise KeysUnreadable("a secret key")
    ours = [(key["kid"], _key_of(key, algorithm)) for key in listed if (algorithm := _algorithm_of(key))]
    if len({kid for kid, _ in ours}) != len(ours):
        raise KeysUnreadable("a name that stands twice")
    return {kid: key for kid, key in ours if key is not None}


def verify_token(unverified: UnverifiedProof, key: ProviderKey, *, typ: str) -> dict[str, Any]:
    """The claims of a token that this key signed by its own algorithm; raises `ProofInvalid`."""
    header = unverified.header
    if str(header.get("typ", "")).lower() != typ or header.get("alg") != key.algorithm:
        raise ProofInvalid("header")
    if not jwt.get_algorithm_by_name(key.algorithm).verify(unverified.signed, key.key, unverified.signature):
        raise ProofInvalid("signature")
    return unverified.claims


def _algorithm_of(jwk: dict[str, Any]) -> str | None:
    """What the key is for; None when it is not for signatures that we read, or no token can name it."""
    kind, curve = jwk.get("kty"), jwk.get("crv")
    algorithm = ALGORITHMS.get((kind, curve)) if isinstance(kind, str) and isinstance(curve, str | None) else None
    kid = jwk.get("kid")
    named = isinstance(kid, str) and 1 <= len(kid) <= LONGEST_NAME
    fits = jwk.get("use", "sig") == "sig" and jwk.get("alg", algorithm) == algorithm
    return algorithm if named and fits else None


def _key_of(jwk: dict[str, Any], algorithm: str) -> ProviderKey | None:
    try:
        key = jwt.get_algorithm_by_name(algorithm).from_jwk(json.dumps(jwk))
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise KeysUnreadable("not a key") from None
    weak = isinstance(key, RSAPublicKey) and (key.key_size not in RSA_BITS or key.public_numbers().e < LEAST_EXPONENT)
    return None if weak else ProviderKey(algorithm=algorithm, key=key)
