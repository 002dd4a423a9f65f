"""Every way known to us in which a token may lie about its signature: made from a genuine header and genuine claims.

A forgery knows the public key and whatever a thief may read; the last group has a genuine signature over a header that
must not be believed.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from auth.keys import point_of
from tests.auth.phones import Key, encode

Head: TypeAlias = dict[str, Any]
Private: TypeAlias = ec.EllipticCurvePrivateKey

ES256: Final = ECAlgorithm(SHA256)
THIEF: Final = Key()
THIEFS_RSA: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KIDS: Final[list[Any]] = [
    "../../../../dev/null",
    "/dev/null",
    "file:///dev/null",
    "http://127.0.0.1:9/key",
    "' or '1'='1",
    "",
    "\x00",
    None,
    0,
    [],
    {"a": 1},
    "k" * 3000,
]


def parts_of(head: Head, claims: dict[str, Any]) -> str:
    return f"{encode(json.dumps(head).encode())}.{encode(json.dumps(claims).encode())}"


def signed(head: Head, claims: dict[str, Any], key: Private) -> str:
    """ES256, whatever the header says."""
    text = parts_of(head, claims)
    return f"{text}.{encode(ES256.sign(text.encode(), key))}"


def forgeries(head: Head, claims: dict[str, Any], key: Private) -> Iterator[tuple[str, str]]:
    """Name and token. `key` is the genuine one: for its public half, and for the last group."""
    yield from _unsigned(head, claims)
    yield from _by_the_public_key(head, claims, key)
    yield from _by_the_thiefs_key(head, claims)
    yield from _spoiled(head, claims, key)
    yield from _genuinely_signed(head, claims, key)


def _unsigned(head: Head, claims: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for alg in ("none", "None", "NONE", "nOnE", "", None):
        yield f"alg {alg!r}", parts_of(head | {"alg": alg}, claims) + "."
    yield "no alg", parts_of({name: value for name, value in head.items() if name != "alg"}, claims) + "."
    yield "no signature", parts_of(head, claims) + "."
    yield "no signature at all", parts_of(head, claims)
    for name, signature in {"zeros": bytes(64), "ones": b"\x00" * 31 + b"\x01" + b"\x00" * 31 + b"\x01"}.items():
        yield f"a signature of {name}", f"{parts_of(head, claims)}.{encode(signature)}"


def _by_the_public_key(head: Head, claims: dict[str, Any], key: Private) -> Iterator[tuple[str, str]]:
    public = key.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    secrets = {"point": point_of(public), "PEM": pem, "JWK": ECAlgorithm.to_jwk(public).encode(), "nothing": b""}
    for name, secret in secrets.items():
        text = parts_of(head | {"alg": "HS256"}, claims)
        yield f"HS256 by the {name}", f"{text}.{encode(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def _by_the_thiefs_key(head: Head, claims: dict[str, Any]) -> Iterator[tuple[str, str]]:
    thief, jwk = THIEF.private, THIEF.jwk
    yield "another key", signed(head, claims, thief)
    if "jwk" not in head:
        for name, brought in _brought_keys(jwk).items():
            yield f"another key, brought as {name}", signed(head | brought, claims, thief)
            yield f"another key, brought as {name} alone", signed(_without(head, "kid") | brought, claims, thief)
    for kid in KIDS:
        yield f"another key named {kid!r:.40}", signed(head | {"kid": kid}, claims, thief)
    text = parts_of(head | {"alg": "RS256"}, claims)
    signature = RSAAlgorithm(RSAAlgorithm.SHA256).sign(text.encode(), THIEFS_RSA)
    yield "RS256", f"{text}.{encode(signature)}"


def _brought_keys(jwk: dict[str, str]) -> dict[str, Head]:
    return {
        "jwk": {"jwk": jwk},
        "jku": {"jku": "http://127.0.0.1:9/jwks.json"},
        "x5u": {"x5u": "http://127.0.0.1:9/chain.pem"},
        "x5c": {"x5c": ["MIIB"]},
    }


def _spoiled(head: Head, claims: dict[str, Any], key: Private) -> Iterator[tuple[str, str]]:
    token = signed(head, claims, key)
    first, second, third = token.split(".")
    yield "claims of another token", f"{first}.{encode(json.dumps(claims | {'jti': 'x'}).encode())}.{third}"
    yield "four parts", f"{token}.{third}"
    yield "padding", f"{first}.{second}.{third}=="
    yield "JSON serialization", json.dumps({"protected": first, "payload": second, "signature": third})
    yield "DER", f"{first}.{second}.{encode(key.sign(f'{first}.{second}'.encode(), ec.ECDSA(SHA256())))}"
    yield "half a signature", f"{first}.{second}.{third[:43]}"


def _genuinely_signed(head: Head, claims: dict[str, Any], key: Private) -> Iterator[tuple[str, str]]:
    changes: dict[str, Callable[[], Head]] = {
        "crit": lambda: head | {"crit": ["exp"]},
        "crit of nothing": lambda: head | {"crit": []},
        "an unknown crit": lambda: head | {"crit": ["http://127.0.0.1:9/x"], "http://127.0.0.1:9/x": 1},
        "ES384": lambda: head | {"alg": "ES384"},
        "ES256K": lambda: head | {"alg": "ES256K"},
        "alg in small letters": lambda: head | {"alg": "es256"},
        "another typ": lambda: head | {"typ": "another+jwt"},
        "typ of a logout token": lambda: head | {"typ": "logout+jwt"},
    }
    for name, change in changes.items():
        yield f"genuine, with {name}", signed(change(), claims, key)


def _without(head: Head, name: str) -> Head:
    return {key: value for key, value in head.items() if key != name}
