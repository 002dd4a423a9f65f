"""A department believes exactly one kind of request: the gateway's, to it, now, unchanged, once."""

import base64
import json
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given

from miniapps.sdk import Jwks, MemoryReplay, Refused, Verifier
from miniapps.sdk.keys import ASSERTION, GATEWAY
from miniapps.sdk.testing import TestCity

APP = "cn.example.app"
TARGET = "/suishen/loans?status=open&q=%E4%B9%A6"
CITY = TestCity(app_id=APP)


def verifier(city: TestCity = CITY, **changes: Any) -> Verifier:
    settings: dict[str, Any] = {
        "app_id": APP,
        "issuer": CITY.issuer,
        "keys": Jwks(city.jwks()),
        "now": lambda: city.now,
    }
    return Verifier(**settings | changes)


def reason(call: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        call()
    return refused.value.reason


def test_verify_tells_the_citizen_and_what_was_granted() -> None:
    token = CITY.assertion(
        sub="o-1",
        sub_type="organization",
        act={"sub": "o-2"},
        acr="urn:ial:2",
        scope="library.loans library.card",
        basis="consent",
        consent_id="c-1",
        purpose="loans",
        fields={"display_name": "测*甲"},
    )
    headers = CITY.sign("GET", TARGET, assertion=token, headers={"ssb-zone": "190000", "ssb-channel": "app"})

    citizen = verifier().verify_request("GET", TARGET, headers)

    assert citizen.openid == "o-1"
    assert (citizen.subject_type, citizen.agent, citizen.zone) == ("organization", "o-2", "190000")
    assert citizen.scopes == {"library.loans", "library.card"}
    assert citizen.fields == {"display_name": "测*甲"}
    assert citizen.request_id == headers["x-request-id"]
    assert "测" not in repr(citizen)


def test_verify_believes_a_signed_body() -> None:
    headers = CITY.sign("POST", "/loans", body=b'{"book":1}', headers={"content-type": "application/json"})

    assert verifier().verify_request("POST", "/loans", headers, b'{"book":1}').openid == "openid-1"


async def test_verify_is_the_same_with_an_event_loop() -> None:
    headers = CITY.sign("GET", "/")

    assert (await verifier().verify("GET", "/", list(headers.items()))).openid == "openid-1"


@pytest.mark.parametrize("target", ["/a|b?filter[x]={1}", "/%7Eme?", "/?a=%ff", '/a"b'])
def test_verify_reads_the_raw_target_whatever_is_in_it(target: str) -> None:
    assert verifier().verify_request("GET", target, CITY.sign("GET", target)).openid == "openid-1"


def test_a_request_is_believed_once() -> None:
    believer = verifier()
    headers = CITY.sign("GET", TARGET)

    believer.verify_request("GET", TARGET, headers)

    assert reason(lambda: believer.verify_request("GET", TARGET, headers)) == "replayed"


def test_an_assertion_serves_for_several_requests_but_not_alone() -> None:
    # The gateway keeps one assertion for up to 20 seconds; each request has its own signature.
    believer, token = verifier(), CITY.assertion()
    for _ in range(2):
        believer.verify_request("GET", TARGET, CITY.sign("GET", TARGET, assertion=token))

    stolen = {"host": CITY.authority, "x-request-id": "1", "ssb-app": APP, "ssb-assertion": token}
    assert reason(lambda: believer.verify_request("GET", TARGET, stolen)) == "signature-missing"


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("DELETE", TARGET, b""),
        ("GET", "/suishen/cards?status=open&q=%E4%B9%A6", b""),
        ("GET", "/suishen/loans?status=all&q=%E4%B9%A6", b""),
        ("GET", "/suishen/loans", b""),
        ("GET", "/suishen/loans?status=open&q=书", b""),
        ("GET", "/suishen/%6Coans?status=open&q=%E4%B9%A6", b""),
        ("GET", "/suishen/x/../loans?status=open&q=%E4%B9%A6", b""),
    ],
)
def test_another_method_or_target_is_refused(method: str, target: str, body: bytes) -> None:
    headers = CITY.sign("GET", TARGET)

    assert reason(lambda: verifier().verify_request(method, target, headers, body)) == "signature-forged"


@pytest.mark.parametrize("body", [b'{"book":2}', b"", b'{"book":1} '])
def test_another_body_is_refused(body: bytes) -> None:
    headers = CITY.sign("POST", "/loans", body=b'{"book":1}')

    assert reason(lambda: verifier().verify_request("POST", "/loans", headers, body)) == "digest-mismatch"


def test_a_body_without_digest_is_refused() -> None:
    headers = CITY.sign("POST", "/loans")

    assert reason(lambda: verifier().verify_request("POST", "/loans", headers, b"{}")) == "digest-missing"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ssb-app", "cn.example.other", "signature-forged"),
        ("x-request-id", "other", "signature-forged"),
        ("host", "other.test", "signature-forged"),
        ("ssb-zone", "190001", "signature-coverage"),
        ("ssb-channel", "hall", "signature-coverage"),
        ("idempotency-key", "k", "signature-coverage"),
        ("content-type", "text/html", "signature-coverage"),
        ("content-digest", "sha-256=:AA==:", "signature-coverage"),
        ("signature", "ssb=:AAAA:", "signature-forged"),
        ("signature", "x=:AAAA:", "signature-malformed"),
        ("signature", "ssb", "signature-malformed"),
        ("signature", "", "signature-missing"),
        ("signature-input", 'ssb=();tag="ssb"', "signature-malformed"),
        ("signature-input", "(" * 5000, "signature-malformed"),
        ("signature-input", "", "signature-missing"),
        ("ssb-assertion", "", "assertion-malformed"),
        ("ssb-assertion", "a.b.c", "assertion-malformed"),
        ("ssb-assertion", "a" * 9000, "assertion-malformed"),
    ],
)
def test_a_changed_or_added_header_is_refused(name: str, value: str, expected: str) -> None:
    headers = CITY.sign("GET", TARGET) | {name: value}

    assert reason(lambda: verifier().verify_request("GET", TARGET, headers)) == expected


@pytest.mark.parametrize("name", ["ssb-app", "ssb-assertion", "host", "Content-Type", "Signature-Input"])
def test_a_header_that_stands_twice_is_refused(name: str) -> None:
    lines = [*CITY.sign("GET", TARGET, headers={"content-type": "a/b"}).items(), (name, "x")]

    assert reason(lambda: verifier().verify_request("GET", TARGET, lines)) == "header-repeated"


@pytest.mark.parametrize(
    "component", ["@method", "@authority", "@path", "@query", "x-request-id", "ssb-app", "ssb-assertion"]
)
def test_a_signature_that_leaves_something_out_is_refused(component: str) -> None:
    headers = CITY.sign("GET", TARGET, uncovered=frozenset({component}))

    assert reason(lambda: verifier().verify_request("GET", TARGET, headers)) == "signature-coverage"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tag": "ssb-stream"}, "signature-malformed"),
        ({"life_seconds": 61}, "signature-too-long"),
        ({"life_seconds": 0}, "signature-too-long"),
        ({"life_seconds": -5}, "signature-too-long"),
    ],
)
def test_a_signature_for_another_use_or_time_is_refused(changes: dict[str, Any], expected: str) -> None:
    headers = CITY.sign("GET", TARGET, **changes)

    assert reason(lambda: verifier().verify_request("GET", TARGET, headers)) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(66, "expired"), (-6, "expired")])
def test_a_signature_at_another_time_is_refused(seconds: int, expected: str) -> None:
    headers = CITY.sign("GET", TARGET, assertion=None)

    late = verifier(now=lambda: CITY.now + seconds)
    assert reason(lambda: late.verify_request("GET", TARGET, headers)) == f"signature-{expected}"


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"iss": "https://other.test"}, "assertion-issuer"),
        ({"iss": None}, "assertion-issuer"),
        ({"aud": "cn.example.other"}, "assertion-audience"),
        ({"aud": [APP, "cn.example.other"]}, "assertion-audience"),
        ({"aud": None}, "assertion-audience"),
        ({"sub": None}, "assertion-malformed"),
        ({"sub": ""}, "assertion-malformed"),
        ({"sub": 7}, "assertion-malformed"),
        ({"jti": None}, "assertion-malformed"),
        ({"exp": None}, "assertion-malformed"),
        ({"iat": None}, "assertion-malformed"),
        ({"iat": True}, "assertion-malformed"),
        ({"exp": "soon"}, "assertion-malformed"),
        ({"exp": int(CITY.now) + 61}, "assertion-too-long"),
        ({"iat": int(CITY.now) - 70, "exp": int(CITY.now) - 10}, "assertion-expired"),
        ({"iat": int(CITY.now) + 10, "exp": int(CITY.now) + 70}, "assertion-not-yet"),
        ({"typ": "at+jwt"}, "assertion-malformed"),
        ({"typ": "JWT"}, "assertion-malformed"),
    ],
)
def test_an_assertion_that_is_not_for_us_now_is_refused(claims: dict[str, Any], expected: str) -> None:
    headers = CITY.sign("GET", TARGET, assertion=CITY.assertion(**claims))

    assert reason(lambda: verifier().verify_request("GET", TARGET, headers)) == expected


def unsigned(header: dict[str, Any]) -> str:
    parts = [header, {"iss": CITY.issuer, "aud": APP, "sub": "x"}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


@pytest.mark.parametrize(
    "token",
    [
        unsigned({"alg": "none", "typ": "ssb-assertion+jwt", "kid": CITY.assertion_kid}),
        unsigned({"alg": "HS256", "typ": "ssb-assertion+jwt", "kid": CITY.assertion_kid}),
        jwt.encode(
            {"sub": "x"}, "0" * 32, algorithm="HS256", headers={"kid": CITY.assertion_kid, "typ": "ssb-assertion+jwt"}
        ),
        jwt.encode(
            {"sub": "x"},
            CITY.assertion_key,
            algorithm="ES256",
            headers={"kid": CITY.assertion_kid, "typ": "ssb-assertion+jwt", "crit": ["b64"], "b64": True},
        ),
    ],
)
def test_an_assertion_of_another_algorithm_is_refused(token: str) -> None:
    headers = CITY.sign("GET", TARGET, assertion=token)

    assert reason(lambda: verifier().verify_request("GET", TARGET, headers)) == "assertion-malformed"


def test_an_assertion_of_another_key_is_refused() -> None:
    impostor = TestCity(app_id=APP, now=CITY.now)
    headers = CITY.sign("GET", TARGET, assertion=impostor.assertion())

    assert reason(lambda: verifier().verify_request("GET", TARGET, headers)) == "assertion-forged"


def test_a_request_of_another_key_is_refused() -> None:
    impostor = TestCity(app_id=APP, now=CITY.now)
    headers = impostor.sign("GET", TARGET, assertion=CITY.assertion())

    assert reason(lambda: verifier().verify_request("GET", TARGET, headers)) == "signature-forged"


def test_an_assertion_by_the_key_of_requests_is_refused() -> None:
    mixed = TestCity(
        app_id=APP,
        now=CITY.now,
        assertion_kid=CITY.gateway_kid,
        assertion_key=CITY.gateway_key,
        gateway_kid=CITY.gateway_kid,
        gateway_key=CITY.gateway_key,
    )
    headers = mixed.sign("GET", TARGET)

    assert reason(lambda: verifier().verify_request("GET", TARGET, headers)) == "assertion-key-unknown"


def test_a_request_by_the_key_of_assertions_is_refused() -> None:
    mixed = TestCity(
        app_id=APP,
        now=CITY.now,
        assertion_kid=CITY.assertion_kid,
        assertion_key=CITY.assertion_key,
        gateway_kid=CITY.assertion_kid,
        gateway_key=CITY.assertion_key,
    )
    headers = mixed.sign("GET", TARGET)

    assert reason(lambda: verifier().verify_request("GET", TARGET, headers)) == "signature-key-unknown"


@pytest.mark.parametrize("prefix", ["assertion", "signature"])
def test_an_unknown_key_is_refused_by_name(prefix: str) -> None:
    impostor = TestCity(app_id=APP, now=CITY.now, assertion_kid="ffffffff", gateway_kid="ffffffff")
    headers = (
        CITY.sign("GET", TARGET, assertion=impostor.assertion())
        if prefix == "assertion"
        else impostor.sign("GET", TARGET, assertion=CITY.assertion())
    )

    assert reason(lambda: verifier().verify_request("GET", TARGET, headers)) == f"{prefix}-key-unknown"


def test_a_request_for_another_app_is_refused_even_when_signed() -> None:
    other = TestCity(app_id="cn.example.other", now=CITY.now, gateway_key=CITY.gateway_key)
    headers = other.sign("GET", TARGET, assertion=CITY.assertion())

    assert reason(lambda: verifier().verify_request("GET", TARGET, headers)) == "app-mismatch"


def test_a_request_without_citizen_is_refused_where_one_is_needed() -> None:
    headers = CITY.sign("GET", TARGET, assertion=None)

    assert reason(lambda: verifier().verify_request("GET", TARGET, headers)) == "assertion-missing"


async def test_a_request_without_citizen_is_believed_where_anybody_may_ask() -> None:
    headers = CITY.sign("GET", TARGET, assertion=None)
    believer = verifier()

    assert await believer.verify_caller("GET", TARGET, headers) is None
    with pytest.raises(Refused, match="replayed"):
        await believer.verify_caller("GET", TARGET, headers)


async def test_a_request_from_anybody_else_is_refused_where_anybody_may_ask() -> None:
    with pytest.raises(Refused, match="signature-missing"):
        await verifier().verify_caller("GET", TARGET, {"host": CITY.authority})


def test_a_streamed_request_is_believed_only_as_a_stream() -> None:
    headers = CITY.sign("POST", "/upload", tag="ssb-stream")

    assert verifier().verify_request("POST", "/upload", headers, streamed=True).openid == "openid-1"
    assert reason(lambda: verifier().verify_request("POST", "/upload", headers)) == "signature-malformed"


def test_an_authority_set_by_hand_replaces_the_host() -> None:
    headers = CITY.sign("GET", TARGET) | {"host": "internal:8080"}

    assert verifier(authority=CITY.authority).verify_request("GET", TARGET, headers).openid == "openid-1"


@given(st.dictionaries(st.sampled_from(["signature", "signature-input", "ssb-assertion", "host"]), st.text()))
def test_any_headers_are_refused_and_never_crash(headers: dict[str, str]) -> None:
    with pytest.raises(Refused):
        verifier().verify_request("GET", "/", headers)


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_any_flipped_bit_of_the_proof_is_refused(place: int, bit: int) -> None:
    headers = CITY.sign("GET", TARGET)
    name = ("signature-input", "ssb-assertion")[place % 2]
    raw = bytearray(headers[name].encode())
    raw[place % len(raw)] ^= 1 << bit
    headers[name] = raw.decode("latin-1")

    with pytest.raises(Refused):
        verifier().verify_request("GET", TARGET, headers)


def test_replay_memory_forgets_what_has_ended_and_refuses_when_full() -> None:
    now = 100.0
    memory = MemoryReplay(now=lambda: now, most=2)

    assert memory.first_time("a", 110)
    assert memory.first_time("b", 120)
    assert not memory.first_time("a", 110)
    assert not memory.first_time("c", 130)
    now = 111.0
    assert memory.first_time("c", 130)
    assert not memory.first_time("b", 120)


def test_jwks_passes_over_keys_of_other_kinds() -> None:
    keys = Jwks({"keys": [*CITY.jwks()["keys"], {"kty": "RSA", "kid": "r"}, {"kty": "EC", "crv": "P-384", "kid": "p"}]})

    assert isinstance(keys.find(ASSERTION, CITY.assertion_kid), ec.EllipticCurvePublicKey)
    assert keys.find(ASSERTION, "r") is None
    assert keys.find(GATEWAY, "p") is None


@pytest.mark.parametrize("purpose", [None, "", "token", "gateway ", ["gateway"], {"gateway": 1}])
def test_jwks_passes_over_keys_that_are_for_something_else(purpose: Any) -> None:
    keys = Jwks({"keys": [key | {"ssb_purpose": purpose} for key in CITY.jwks()["keys"]]})

    assert keys.find(ASSERTION, CITY.assertion_kid) is keys.find(GATEWAY, CITY.gateway_kid) is None
