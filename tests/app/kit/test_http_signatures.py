"""HTTP message signatures against RFC 9421's own examples, an independent library, and everything a forger may try."""

import base64
import datetime as dt
import hashlib
import hmac
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms
from hypothesis import given
from hypothesis import strategies as st

from app.kit import http_signatures
from app.kit.http_signatures import RequestParts, SignatureInvalid, SignatureParams

NOW = 1_770_000_000
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
COVERED = ("@method", "@authority", "@path", "@query", "content-type", "content-digest")
REQUIRED = frozenset({"@method", "@authority", "@path", "@query"})
RFC_HEADERS = {
    "host": "example.com",
    "date": "Tue, 20 Apr 2021 02:07:55 GMT",
    "content-type": "application/json",
    "content-length": "18",
}
RFC_REQUEST = RequestParts(
    method="POST", authority="example.com", path="/foo", query="?param=Value&Pet=dog", headers=RFC_HEADERS
)
RFC_HMAC_SECRET = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
RFC_ED25519_KEY = "JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="
RFC_P256_KEY = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----
"""
RFC_P256_BASE = b"""\
"@status": 200
"content-type": application/json
"content-digest": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:
"content-length": 23
"@signature-params": ("@status" "content-type" "content-digest" "content-length");created=1618884473\
;keyid="test-key-ecc-p256"\
"""
RFC_P256_SIGNATURE = "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw=="


def a_request(**changes: Any) -> RequestParts:
    body = b'{"a":1}'
    headers = {
        "host": "apps.localhost:8000",
        "content-type": "application/json",
        "content-digest": http_signatures.content_digest(body),
    }
    facts: dict[str, Any] = {
        "method": "POST",
        "authority": "apps.localhost:8000",
        "path": "/v1/%E4%B8%AD",
        "query": "?b=2&a=1",
        "headers": headers,
    }
    return RequestParts(**(facts | changes))


def some_params(**changes: Any) -> SignatureParams:
    facts: dict[str, Any] = {"keyid": "scanner-1", "created": NOW, "expires": NOW + 60, "nonce": "n1", "tag": "ssb"}
    return SignatureParams(**(facts | changes))


def signed(parts: RequestParts | None = None, params: SignatureParams | None = None, **changes: Any) -> RequestParts:
    parts = parts or a_request()
    facts: dict[str, Any] = {
        "label": "sig1",
        "covered": COVERED,
        "params": params or some_params(),
        "sign_bytes": http_signatures.ecdsa_p256_signer(KEY),
    }
    added = http_signatures.sign(parts, **(facts | changes))
    return RequestParts(
        method=parts.method,
        authority=parts.authority,
        path=parts.path,
        query=parts.query,
        headers={**parts.headers, **added},
    )


def with_headers(parts: RequestParts, **headers: str) -> RequestParts:
    renamed = {name.replace("_", "-"): value for name, value in headers.items()}
    return RequestParts(
        method=parts.method,
        authority=parts.authority,
        path=parts.path,
        query=parts.query,
        headers={**parts.headers, **renamed},
    )


def verify(parts: RequestParts, **changes: Any) -> http_signatures.ParsedSignature:
    verifier = http_signatures.ecdsa_p256_verifier(KEY.public_key())
    facts: dict[str, Any] = {
        "find_key": lambda keyid: verifier if keyid == "scanner-1" else None,
        "required": REQUIRED,
        "tag": "ssb",
        "now": NOW,
    }
    return http_signatures.verify(parts, **(facts | changes))


class Resolver(HTTPSignatureKeyResolver):
    def resolve_public_key(self, _key_id: str) -> Any:
        return KEY.public_key()

    def resolve_private_key(self, _key_id: str) -> Any:
        return KEY


class Message:
    def __init__(self, parts: RequestParts) -> None:
        self.method = parts.method
        self.url = f"https://{parts.authority}{parts.path}{parts.query}"
        self.headers = dict(parts.headers)


def test_base_is_the_one_of_rfc_9421_b_2_5_hmac() -> None:
    added = http_signatures.sign(
        RFC_REQUEST,
        label="sig-b25",
        covered=("date", "@authority", "content-type"),
        params=SignatureParams(created=1618884473, keyid="test-shared-secret"),
        sign_bytes=lambda message: hmac.digest(base64.b64decode(RFC_HMAC_SECRET), message, hashlib.sha256),
    )
    assert added == {
        "signature-input": 'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
        "signature": "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:",
    }


def test_verify_accepts_rfc_9421_b_2_6_ed25519() -> None:
    parts = with_headers(
        RFC_REQUEST,
        signature_input='sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
        ';created=1618884473;keyid="test-key-ed25519"',
        signature="sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
    )
    parsed = http_signatures.parse(parts.headers)
    base = http_signatures.signature_base(parts, parsed.covered, parsed.params_text)
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(RFC_ED25519_KEY))
    key.verify(parsed.signature, base)
    with pytest.raises(InvalidSignature):
        key.verify(parsed.signature, base + b" ")


def test_verifier_accepts_rfc_9421_b_2_4_ecdsa_p256() -> None:
    public_key = load_pem_public_key(RFC_P256_KEY)
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    verify_bytes = http_signatures.ecdsa_p256_verifier(public_key)
    assert verify_bytes(RFC_P256_BASE, base64.b64decode(RFC_P256_SIGNATURE))
    assert not verify_bytes(RFC_P256_BASE + b" ", base64.b64decode(RFC_P256_SIGNATURE))


def test_content_digest_is_the_one_of_rfc_9530() -> None:
    expected = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
    assert http_signatures.content_digest(b'{"hello": "world"}') == expected
    assert http_signatures.digest_matches(expected, b'{"hello": "world"}')
    assert not http_signatures.digest_matches(expected, b'{"hello": "World"}')


def test_verify_returns_what_was_signed() -> None:
    parsed = verify(signed())
    assert (parsed.label, parsed.covered, parsed.params) == ("sig1", COVERED, some_params())


def test_library_accepts_our_signature() -> None:
    now = int(dt.datetime.now(dt.UTC).timestamp())
    parts = signed(params=some_params(created=now, expires=now + 60))
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=Resolver())
    results = verifier.verify(Message(parts), expect_tag="ssb")
    assert [component.strip('"') for component in results[0].covered_components] == [*COVERED, "@signature-params"]


def test_verify_accepts_the_librarys_signature() -> None:
    message = Message(a_request())
    HTTPMessageSigner(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=Resolver()).sign(
        message,
        key_id="scanner-1",
        created=dt.datetime.fromtimestamp(NOW, dt.UTC),
        nonce='with "quotes" and \\',
        label="library",
        tag="ssb",
        covered_component_ids=COVERED,
        use_existing_digest=True,
    )
    headers = {name.lower(): value for name, value in message.headers.items()}
    parsed = verify(a_request(headers=headers))
    assert parsed.params.nonce == 'with "quotes" and \\'
    assert parsed.params.alg == http_signatures.ALGORITHM


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"authority": "apps.localhost:8001"},
        {"path": "/v1/%e4%b8%ad"},
        {"path": "/v1/中".encode().decode("latin-1")},
        {"query": "?a=1&b=2"},
        {"query": ""},
        {"query": "?b=2&a=1&c"},
    ],
)
def test_verify_refuses_another_request(change: dict[str, str]) -> None:
    parts = signed()
    facts = {"method": parts.method, "authority": parts.authority, "path": parts.path, "query": parts.query}
    with pytest.raises(SignatureInvalid):
        verify(RequestParts(**(facts | change), headers=parts.headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "application/xml"},
        {"content_digest": http_signatures.content_digest(b"other")},
        {"signature": "sig2=:AAAA:"},
        {"signature": "sig1=:AAAA:"},
        {"signature": "sig1=:" + "A" * 86 + "==:"},
        {"signature": "sig1=:A:"},
        {"signature": "sig1=AAAA"},
        {"signature": ""},
        {"signature_input": ""},
        {"signature_input": "sig1=()"},
        {"signature_input": 'sig1=("@method" "@method");created=1;keyid="scanner-1"'},
        {"signature_input": 'sig1=("@method";req);created=1;keyid="scanner-1"'},
        {"signature_input": 'sig1=("Host");created=1;keyid="scanner-1"'},
        {"signature_input": 'sig1=("@path"), sig2=("@path")'},
        {"signature_input": f'sig1=("@method" "@authority" "@path" "@query");created={NOW};created={NOW};keyid="k"'},
        {"signature_input": f'sig1=("@method" "@authority" "@path" "@query");created="{NOW}";keyid="scanner-1"'},
        {"signature_input": f'sig1=("@method" "@authority" "@path" "@query");created={NOW};keyid=1'},
        {"signature_input": f'sig1=("@method" "@authority" "@path" "@query");created={NOW};keyid="scanner-1";x="1"'},
        {"signature_input": f'sig1=("@method" "@authority" "@path" "@query");created={NOW};tag="ssb"'},
        {"signature_input": 'sig1=("@method" "@authority" "@path" "@query");keyid="scanner-1";tag="ssb"'},
        {"signature_input": "sig1=(" + '"a" ' * 3000 + '"a");created=1;keyid="k"'},
    ],
)
def test_verify_refuses_changed_headers(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureInvalid):
        verify(with_headers(signed(), **headers))


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"created": NOW - 61, "expires": None}, "too old"),
        ({"created": NOW + 6}, "future"),
        ({"created": NOW - 30, "expires": NOW}, "expired"),
        ({"created": NOW, "expires": NOW - 1}, "expired"),
        ({"tag": "another"}, "another use"),
        ({"tag": None}, "another use"),
        ({"keyid": "scanner-2"}, "unknown key"),
        ({"alg": "hmac-sha256"}, "algorithm"),
        ({"alg": "none"}, "algorithm"),
    ],
)
def test_verify_refuses_wrong_metadata(params: dict[str, Any], reason: str) -> None:
    with pytest.raises(SignatureInvalid, match=reason):
        verify(signed(params=some_params(**params)))


@pytest.mark.parametrize("left_out", sorted(REQUIRED))
def test_verify_refuses_when_a_required_component_is_not_covered(left_out: str) -> None:
    parts = signed(covered=tuple(name for name in COVERED if name != left_out))
    with pytest.raises(SignatureInvalid, match="not covered"):
        verify(parts)


def test_verify_refuses_another_key() -> None:
    with pytest.raises(SignatureInvalid, match="does not match"):
        verify(signed(sign_bytes=http_signatures.ecdsa_p256_signer(OTHER_KEY)))


@pytest.mark.parametrize("covered", [("x-not-there",), ("@status",), ("@target-uri",), ("@method", "@method")])
def test_sign_refuses_a_component_that_the_request_does_not_have(covered: tuple[str, ...]) -> None:
    with pytest.raises(SignatureInvalid):
        signed(covered=covered)


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\x00b", "中"])
def test_sign_refuses_values_that_could_forge_a_line(value: str) -> None:
    with pytest.raises(SignatureInvalid):
        signed(a_request(headers={"content-type": value}), covered=("content-type",))


@pytest.mark.parametrize("nonce", ["a\nb", "中"])
def test_sign_refuses_parameters_that_are_not_ascii(nonce: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        signed(params=some_params(nonce=nonce))


@pytest.mark.parametrize("length", [0, 1, 63, 65, 72])
def test_verifier_refuses_signatures_of_another_length(length: int) -> None:
    assert not http_signatures.ecdsa_p256_verifier(KEY.public_key())(b"message", b"\x00" * length)


@given(st.integers(min_value=0, max_value=63), st.integers(min_value=0, max_value=7))
def test_verifier_refuses_any_flipped_bit(byte: int, bit: int) -> None:
    signature = bytearray(http_signatures.ecdsa_p256_signer(KEY)(b"message"))
    signature[byte] ^= 1 << bit
    assert not http_signatures.ecdsa_p256_verifier(KEY.public_key())(b"message", bytes(signature))


@given(st.text(max_size=200), st.text(max_size=200))
def test_parse_never_fails_otherwise_than_by_refusing(signature_input: str, signature: str) -> None:
    with pytest.raises(SignatureInvalid):
        http_signatures.parse({"signature-input": signature_input, "signature": signature})


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20),
)
def test_what_is_signed_verifies(path: str, nonce: str) -> None:
    request = a_request(path="/" + path, query="")
    assert verify(signed(request, some_params(nonce=nonce))).params.nonce == nonce
