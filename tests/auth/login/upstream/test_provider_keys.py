"""By which keys an ID token is believed: the three signatures of FAPI 2.0, each by its own kind of key alone."""

import contextlib
import json
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from app.demo.caller import public_jwk_of
from auth.keys import ProofInvalid, read_unverified
from auth.login.upstream.keys import read_provider_keys, verify_token
from auth.provider.clients.published_keys.models import KeysUnreadable

PRIVATE: dict[str, Any] = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "PS256": rsa.generate_private_key(public_exponent=65_537, key_size=2048),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def rsa_jwk(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    return dict(json.loads(jwt.algorithms.RSAPSSAlgorithm.to_jwk(key.public_key())))


JWKS: dict[str, dict[str, Any]] = {
    "ES256": public_jwk_of(PRIVATE["ES256"]),
    "PS256": rsa_jwk(PRIVATE["PS256"]),
    "EdDSA": dict(json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(PRIVATE["EdDSA"].public_key()))),
}
NAMED = {algorithm: {"use": "sig", "kid": algorithm} | key for algorithm, key in JWKS.items()}


def document_of(*keys: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"keys": keys})


def believe(token: str, kid: str) -> dict[str, Any]:
    return verify_token(read_unverified(token), read_provider_keys(document_of(*NAMED.values()))[kid], typ="jwt")


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA"])
def test_each_of_the_three_is_believed(algorithm: str) -> None:
    assert believe(jwt.encode({"sub": "x"}, PRIVATE[algorithm], algorithm=algorithm), algorithm) == {"sub": "x"}


@pytest.mark.parametrize(
    ("algorithm", "kid"),
    [
        ("RS256", "PS256"),
        ("PS384", "PS256"),
        ("PS256", "ES256"),
        ("PS256", "EdDSA"),
        ("ES256", "PS256"),
        ("EdDSA", "ES256"),
    ],
)
def test_no_key_is_believed_by_another_algorithm(algorithm: str, kid: str) -> None:
    signer = PRIVATE["PS256" if algorithm.startswith(("RS", "PS")) else algorithm]
    with pytest.raises(ProofInvalid):
        believe(jwt.encode({}, signer, algorithm=algorithm), kid)


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA"])
def test_a_byte_of_the_signature_is_not_believed(algorithm: str) -> None:
    head, claims, signature = jwt.encode({}, PRIVATE[algorithm], algorithm=algorithm).split(".")
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]
    with pytest.raises(ProofInvalid):
        believe(f"{head}.{claims}.{changed}", algorithm)


def test_what_is_for_others_or_weak_is_passed_over() -> None:
    short = rsa.generate_private_key(public_exponent=65_537, key_size=1024)
    odd = rsa.generate_private_key(public_exponent=3, key_size=2048)
    others = [
        rsa_jwk(short) | {"kid": "short"},
        rsa_jwk(odd) | {"kid": "odd"},
        JWKS["PS256"],
        JWKS["PS256"] | {"kid": ""},
        JWKS["PS256"] | {"kid": "rs", "alg": "RS256"},
        JWKS["PS256"] | {"kid": "enc", "use": "enc"},
        {"kty": "OKP", "crv": "X25519", "kid": "x", "x": JWKS["EdDSA"]["x"]},
        {"kty": ["RSA"], "crv": {}, "kid": "list"},
    ]
    assert set(read_provider_keys(document_of(*others, *NAMED.values()))) == set(NAMED)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b'{"keys":{}}',
        document_of(*[NAMED["ES256"]] * 17),
        document_of(NAMED["ES256"], NAMED["PS256"] | {"kid": "ES256"}),
        document_of(NAMED["ES256"], {"kty": "oct", "k": "AA"}),
        document_of(NAMED["EdDSA"] | {"d": "AA"}),
        document_of(NAMED["EdDSA"] | {"x": "AA"}),
        document_of(NAMED["PS256"] | {"n": "!"}),
        document_of(NAMED["PS256"] | {"e": None}),
        document_of(NAMED["ES256"] | {"x": "A" * 43}),
    ],
)
def test_what_is_no_set_of_keys_is_refused_whole(document: bytes) -> None:
    with pytest.raises(KeysUnreadable):
        read_provider_keys(document)


@settings(max_examples=100)
@given(
    st.sampled_from(sorted(NAMED)),
    st.dictionaries(st.sampled_from(["n", "e", "x", "y", "crv", "kid"]), st.none() | st.integers() | st.text()),
)
def test_whatever_stands_there_is_keys_or_refused_by_name(kind: str, changes: dict[str, Any]) -> None:
    with contextlib.suppress(KeysUnreadable):
        assert isinstance(read_provider_keys(document_of(NAMED[kind] | changes)), dict)
