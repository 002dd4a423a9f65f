"""Client authentication: one good assertion, and every way in which another one is not good."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from msgspec.structs import replace

from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.keys import PublicJwk
from auth.provider.wiring import forget
from tests.auth.phones import ISSUER, Key
from tests.auth.provider.city import ASSERTION_TYPE, Department, Register


async def refused(library: Department, **form: Any) -> bool:
    """Whether the client is not let in, said in the same words every time."""
    answer = await library.push(**form)
    if answer.status_code == 201:
        return False
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.json()["error_description"] == ("The client is unknown, or its assertion is not valid (RFC 7523).")
    return True


def encode(data: Any) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def good_claims(library: Department) -> dict[str, Any]:
    now = int(library.now.timestamp())
    return {"iss": "library", "sub": "library", "aud": ISSUER, "iat": now, "exp": now + 50, "jti": "forged"}


async def test_a_good_assertion_lets_in(library: Department) -> None:
    assert not await refused(library)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": f"{ISSUER}/oauth/token"},
        {"aud": f"{ISSUER}/oauth/par"},
        {"aud": [ISSUER]},
        {"aud": [ISSUER, "https://other.example"]},
        {"aud": ISSUER + "/"},
        {"aud": ISSUER.upper()},
        {"aud": None},
        {"iss": "sports"},
        {"iss": None},
        {"sub": "sports"},
        {"sub": None},
        {"sub": ["library"]},
        {"sub": "library\x00"},
        {"sub": "图书馆"},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 257},
        {"jti": "\ud800"},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 0},
        {"exp": 2**70},
        {"iat": "now"},
        {"nbf": 2**40},
    ],
)
async def test_wrong_claims_are_refused(library: Department, sports: Department, claims: dict[str, Any]) -> None:
    assert await refused(library, client_assertion=library.assertion(**claims))


@pytest.mark.parametrize(("seconds", "good"), [(-10, False), (-9, True), (60, True), (70, True), (71, False)])
async def test_an_assertion_lives_a_minute_at_most(library: Department, seconds: int, good: bool) -> None:
    assertion = library.assertion(exp=int(library.now.timestamp()) + seconds)
    assert await refused(library, client_assertion=assertion) is not good


@pytest.mark.parametrize(("name", "seconds", "good"), [("iat", 10, True), ("iat", 11, False), ("nbf", 11, False)])
async def test_an_assertion_of_the_future_is_refused(library: Department, name: str, seconds: int, good: bool) -> None:
    late: dict[str, Any] = {name: int(library.now.timestamp()) + seconds}
    assertion = library.assertion(**late)
    assert await refused(library, client_assertion=assertion) is not good


async def test_an_assertion_counts_once(library: Department) -> None:
    assertion = library.assertion()
    assert not await refused(library, client_assertion=assertion)
    assert await refused(library, client_assertion=assertion)


async def test_an_assertion_counts_once_over_all_endpoints(library: Department) -> None:
    assertion = library.assertion()
    assert not await refused(library, client_assertion=assertion)
    assert (await library.introspect("x", client_assertion=assertion)).json()["error"] == "invalid_client"


async def test_two_clients_may_use_the_same_jti(library: Department, sports: Department) -> None:
    assert not await refused(library, client_assertion=library.assertion(jti="same"))
    assert not await refused(sports, client_assertion=sports.assertion(jti="same"))


async def test_another_key_is_refused(library: Department) -> None:
    assert await refused(library, client_assertion=library.assertion(key=Key()))


async def test_another_client_cannot_be_impersonated(library: Department, sports: Department) -> None:
    assert await refused(library, client_assertion=sports.assertion(iss="library", sub="library"))
    assert await refused(library, client_assertion=sports.assertion(), client_id="library")


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "k2"},
        {"kid": "../../../../dev/null"},
        {"kid": "k1' or '1'='1"},
        {"kid": "k1\x00"},
        {"typ": "at+jwt"},
        {"typ": "dpop+jwt"},
        {"typ": "logout+jwt"},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
    ],
)
async def test_odd_headers_are_refused(library: Department, header: dict[str, Any]) -> None:
    assert await refused(library, client_assertion=library.assertion(header=header))


@pytest.mark.parametrize("typ", ["JWT", "client-authentication+jwt"])
async def test_both_types_of_assertions_are_taken(library: Department, typ: str) -> None:
    assert not await refused(library, client_assertion=library.assertion(header={"typ": typ}))


async def test_a_key_inside_the_assertion_is_ignored(library: Department) -> None:
    thief = Key()
    for header in ({"jwk": thief.jwk}, {"jku": "https://thief.example/jwks"}, {"x5u": "https://thief.example/x"}):
        assert await refused(library, client_assertion=library.assertion(key=thief, header=header))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE"])
async def test_no_signature_is_no_assertion(library: Department, alg: str) -> None:
    unsigned = f"{encode({'alg': alg, 'kid': 'k1'})}.{encode(good_claims(library))}."
    assert await refused(library, client_assertion=unsigned)


async def test_the_public_key_is_no_shared_secret(library: Department) -> None:
    public = library.key.private.public_key()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
        secret = public.public_bytes(encoding, spki)
        signed = f"{encode({'alg': 'HS256', 'kid': 'k1'})}.{encode(good_claims(library))}"
        mac = hmac.digest(secret, signed.encode(), hashlib.sha256)
        assert await refused(library, client_assertion=f"{signed}.{encode(mac)}")


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES384", "ES512", "EdDSA", "ES256K", "HS256", ""])
async def test_another_algorithm_in_the_header_is_refused(library: Department, alg: str) -> None:
    _, claims, signature = library.assertion().split(".")
    assert await refused(library, client_assertion=f"{encode({'alg': alg, 'kid': 'k1'})}.{claims}.{signature}")


@pytest.mark.parametrize(
    "form",
    [
        {"client_assertion": None},
        {"client_assertion": ""},
        {"client_assertion": "x"},
        {"client_assertion": "a.b.c"},
        {"client_assertion": "x" * 5000},
        {"client_assertion_type": None},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_secret": "guessed"},
        {"client_id": "sports"},
        {"client_id": "LIBRARY"},
    ],
)
async def test_other_ways_in_are_refused(library: Department, form: dict[str, Any]) -> None:
    assert await refused(library, **form)


async def test_client_secrets_in_the_header_are_not_heard(library: Department) -> None:
    basic = {"Authorization": "Basic bGlicmFyeTpzZWNyZXQ="}
    answer = await library.http.post("/oauth/par", data={"response_type": "code"}, headers=basic)
    assert answer.json()["error"] == "invalid_client"
    answer = await library.http.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=basic)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_a_client_that_is_gone_is_refused(library: Department, register: Register) -> None:
    del register.clients["library"]
    assert await refused(library)


async def test_a_client_may_have_two_keys_and_then_must_say_which(library: Department, register: Register) -> None:
    second = Key()
    client = register.clients["library"]
    register.clients["library"] = replace(client, keys=client.keys | {"k2": PublicJwk(**second.jwk)})
    assert not await refused(library, client_assertion=library.assertion(key=second, header={"kid": "k2"}))
    assert await refused(library, client_assertion=library.assertion(key=second))
    nameless = jwt.encode(good_claims(library), library.key.private, algorithm="ES256")
    assert await refused(library, client_assertion=nameless)


async def test_the_only_key_needs_no_name(library: Department) -> None:
    nameless = jwt.encode(good_claims(library), library.key.private, algorithm="ES256")
    assert not await refused(library, client_assertion=nameless)


async def test_an_assertion_is_remembered_while_it_could_be_shown_again(
    library: Department, clock: ManualClock, connection: Connection
) -> None:
    """Clocks may differ, so that it counts a little longer than it says: so long it is not forgotten either."""
    assertion, other = (library.assertion(exp=int(library.now.timestamp()) + 60) for _ in range(2))
    assert not await refused(library, client_assertion=assertion)
    clock.advance(69)
    await forget(connection, clock.now())
    assert await refused(library, client_assertion=assertion)
    assert not await refused(library, client_assertion=other)
    clock.advance(1)
    await forget(connection, clock.now())
    assert await refused(library, client_assertion=assertion)


@pytest.mark.parametrize("path", ["/oauth/par", "/oauth/token", "/oauth/introspect", "/oauth/revoke"])
@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b'{"grant_type":"client_credentials"}', "application/json"),
        (b"grant_type=client_credentials&grant_type=client_credentials", "application/x-www-form-urlencoded"),
        (b"a=" + b"x" * 20_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"p%d=1" % number for number in range(100)), "application/x-www-form-urlencoded"),
        (b"grant_type=a%00b", "application/x-www-form-urlencoded"),
        (b"grant_type=%ff%fe", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
    ],
)
async def test_what_is_no_form_is_refused(library: Department, path: str, content: bytes, media_type: str) -> None:
    answer = await library.http.post(path, content=content, headers={"Content-Type": media_type})
    assert answer.status_code in {400, 401}
    assert set(answer.json()) == {"error", "error_description"}
    assert ASSERTION_TYPE not in answer.text
