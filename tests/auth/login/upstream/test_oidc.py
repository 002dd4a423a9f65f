"""What the city believes of a provider: exactly what it asked for, and nothing that is a little different."""

from datetime import UTC, datetime
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from app.demo.caller import public_jwk_of
from app.demo.registries import CITIZEN
from auth.login.upstream.keys import read_provider_keys
from auth.login.upstream.oidc import Asked, NotAsAsked, Told, code_in, identity_told, read_id_token, read_metadata

ISSUER = "https://national.example"
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
KEY, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
KEYS = read_provider_keys(msgspec.json.encode({"keys": [public_jwk_of(KEY) | {"kid": "k1"}]}))
ASKED = Asked(issuer=ISSUER, client_id="city", nonce="n-1")
LEVELS = {"face": "ial3.aal2", "key": "ial3.aal3"}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "somebody",
    "aud": "city",
    "nonce": "n-1",
    "iat": AT,
    "exp": AT + 300,
    "auth_time": AT,
    "acr": "face",
    "name": CITIZEN.name,
    "document_type": "id_card",
    "document_number": CITIZEN.document_number,
}
METADATA: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
    "pushed_authorization_request_endpoint": f"{ISSUER}/par",
    "code_challenge_methods_supported": ["plain", "S256"],
    "token_endpoint_auth_methods_supported": ["private_key_jwt"],
    "id_token_signing_alg_values_supported": ["RS256", "ES256"],
    "authorization_response_iss_parameter_supported": True,
}


def token(key: Any = KEY, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return jwt.PyJWS().encode(
        msgspec.json.encode(claims), key, algorithm="ES256", headers={"kid": "k1"} | (headers or {})
    )


def read(text: str) -> Told:
    return read_id_token(text, KEYS, ASKED, LEVELS, NOW)


def test_what_was_asked_for_is_believed() -> None:
    told = read(token())
    assert (told.sub, told.ial, told.aal) == ("somebody", 3, 2)
    assert told.identity is not None
    assert told.identity.document_number == CITIZEN.document_number


def test_nobody_else_s_key_is_the_third_level() -> None:
    assert read(token(acr="key")).aal == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"iss": ISSUER + "/"},
        {"aud": "another"},
        {"aud": ["city", "another"]},
        {"aud": []},
        {"azp": "another"},
        {"nonce": "n-2"},
        {"nonce": None},
        {"sub": ""},
        {"sub": "s" * 256},
        {"sub": "名"},
        {"sub": None},
        {"exp": AT - 11},
        {"exp": "tomorrow"},
        {"exp": None},
        {"exp": True},
        {"iat": AT + 60},
        {"auth_time": AT - 311},
        {"auth_time": AT + 60},
        {"auth_time": None},
        {"acr": "unheard-of"},
        {"acr": None},
        {"name": None},
        {"document_number": None},
        {"document_number": "190000199003150000"},
        {"document_type": "driving_licence"},
        {"headers": {"kid": "k2"}},
        {"headers": {"typ": "at+jwt"}},
        {"headers": {"crit": ["exp"]}},
        {"key": OTHER},
    ],
)
def test_what_is_a_little_different_is_not(changes: dict[str, Any]) -> None:
    with pytest.raises(NotAsAsked):
        read(token(**changes))


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_another_algorithm_is_not(algorithm: str) -> None:
    secret = "x" * 32 if algorithm == "HS256" else ""
    with pytest.raises(NotAsAsked):
        read(jwt.encode(CLAIMS, secret, algorithm=algorithm, headers={"kid": "k1"}))


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_no_text_is_more_than_not_believed(text: str) -> None:
    with pytest.raises(NotAsAsked):
        read(text)


@given(st.dictionaries(st.sampled_from(sorted(CLAIMS)), st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_no_claims_are_more_than_not_believed(changes: dict[str, Any]) -> None:
    try:
        told = read(token(**changes))
    except NotAsAsked:
        return
    assert told.ial == 3
    assert all(CLAIMS[name] == value for name, value in changes.items() if name in {"iss", "nonce"})


def metadata(**changes: Any) -> bytes:
    return msgspec.json.encode({name: value for name, value in (METADATA | changes).items() if value is not None})


def test_a_provider_that_can_what_is_needed_is_taken() -> None:
    assert read_metadata(metadata(), ISSUER, production=True).token_endpoint == f"{ISSUER}/token"


@pytest.mark.parametrize("name", sorted(METADATA))
def test_a_provider_that_leaves_something_out_is_none(name: str) -> None:
    with pytest.raises(NotAsAsked):
        read_metadata(metadata(**{name: None}), ISSUER, production=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": ISSUER + "/"},
        {"issuer": "https://other.example"},
        {"code_challenge_methods_supported": ["plain"]},
        {"token_endpoint_auth_methods_supported": ["client_secret_basic"]},
        {"id_token_signing_alg_values_supported": ["RS256"]},
        {"token_endpoint_auth_signing_alg_values_supported": ["PS256"]},
        {"authorization_response_iss_parameter_supported": False},
        {"served_by": "a stand-in"},
        {"token_endpoint": "http://127.0.0.1:8104/token"},
        {"jwks_uri": "http://national.example/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "https://user@national.example/authorize"},
    ],
)
def test_a_provider_that_is_open_to_a_known_attack_is_none_in_production(changes: dict[str, Any]) -> None:
    with pytest.raises(NotAsAsked):
        read_metadata(metadata(**changes), ISSUER, production=True)


@given(st.binary())
def test_no_bytes_are_metadata(document: bytes) -> None:
    with pytest.raises(NotAsAsked):
        read_metadata(document, ISSUER, production=False)


@pytest.mark.parametrize(
    ("code", "iss", "error"),
    [
        ("c", "", ""),
        ("c", "https://other.example", ""),
        ("", ISSUER, ""),
        ("c", ISSUER, "access_denied"),
        ("c d", ISSUER, ""),
    ],
)
def test_an_answer_of_another_provider_or_without_a_code_is_none(code: str, iss: str, error: str) -> None:
    with pytest.raises(NotAsAsked):
        code_in(code=code, iss=iss, error=error, issuer=ISSUER)


@given(st.text(), st.text(), st.text())
def test_no_words_are_a_document_by_accident(name: str, kind: str, number: str) -> None:
    identity = identity_told(name, kind, number)
    assert identity is None or identity.name
