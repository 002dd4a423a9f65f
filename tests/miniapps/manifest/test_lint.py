"""What the fields must agree on together: each rule refuses the one thing it is for."""

from typing import Any

import pytest

from miniapps.manifest import Finding, lint_manifest, parse_manifest, refusals
from tests.miniapps.documents import encode, sound_document, spoil


def findings(document: dict[str, Any]) -> list[Finding]:
    return lint_manifest(parse_manifest(encode(document)))


def codes(document: dict[str, Any]) -> set[str]:
    return {finding.code for finding in refusals(findings(document))}


def directory(**changes: Any) -> dict[str, Any]:
    document = sound_document(kind="directory", link="https://old.example.cn/library", **changes)
    for group in ("backend", "widgets", "data"):
        document.pop(group)
    return document


def test_lint_of_a_sound_manifest_is_silent() -> None:
    assert findings(sound_document()) == []


def test_lint_of_a_manifest_that_signs_citizens_in_is_silent() -> None:
    assert findings(sound_document(login=LOGIN)) == []


def test_lint_of_a_sound_directory_entry_is_silent() -> None:
    assert findings(directory()) == []


def test_errors_stand_before_warnings() -> None:
    document = spoil("contacts", [{"role": "tech", "name": "值班"}])

    assert [finding.severity for finding in findings(document)] == ["error", "warning"]


LOGIN: dict[str, Any] = {
    "redirect_uris": ["https://library.example.cn/cb"],
    "keys": [
        {
            "kid": "k1",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }
    ],
}
ROUTE = {"method": "GET", "path": "/loans"}


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("owner/org_code", "190000000000000000", "owner-code-invalid"),
        ("contacts/0", {"role": "tech", "name": "无联系方式"}, "contact-unreachable"),
        ("link", "https://example.cn", "link-unexpected"),
        ("kind", "directory", "link-missing"),
        ("kind", "directory", "backend-unexpected"),
        ("kind", "directory", "widgets-unexpected"),
        ("backend/routes/0/scopes", ["library.fines"], "scope-unknown"),
        ("backend/routes/0/scopes", ["library.loans", "library.loans"], "scope-repeated"),
        ("backend/routes/0/min_ial", 0, "scope-for-nobody"),
        ("backend/routes/1", ROUTE, "route-repeated"),
        ("backend/routes/0/path", "/loans/{id}/{id}", "parameter-repeated"),
        ("backend/routes/0/body_limit", 2 * 1024 * 1024, "body-limit-too-large"),
        ("backend/routes/0/body", "streamed", "masking-on-stream"),
        ("backend/routes/0/path", "/cards", "masking-without-route"),
        ("backend/routes/0/cache", {"ttl_s": 5, "shared": True}, "cache-shares-personal-data"),
        ("backend/routes/1/cache", {"ttl_s": 5}, "cache-of-a-write"),
        ("widgets", [{"id": "a", "kind": "list"}, {"id": "a", "kind": "text"}], "widget-repeated"),
        ("widgets/0/min_ial", 0, "card-for-nobody"),
        ("items/0/promised_days", 6, "promise-beyond-law"),
        ("data/scopes/0/basis", "statute", "legal-basis-missing"),
        ("data/scopes/0/fields", ["display_name", "display_name"], "field-repeated"),
        ("data/scopes/0/fields", ["display_name", "phone"], "field-unknown"),
        ("data/scopes/0/name", "openid", "scope-reserved"),
        ("data/scopes/0/name", "openid:cn.example.other", "scope-reserved"),
        ("conduct", {"check_in": True}, "conduct-refused"),
        ("conduct", {"ranking": True}, "conduct-refused"),
        ("sunset", {"at": "2030-01-01T00:00:00Z", "successor": "cn.example.library"}, "successor-is-itself"),
        ("zones", ["190000", "190000"], "zones-repeated"),
        ("support/complaint_url", "http://example.cn", "address-not-https"),
        ("icons", [{"url": "javascript:alert(1)", "size": 64}], "address-refused"),
        ("backend/base_url/live", "http://library.example.cn", "address-not-https"),
        ("backend/base_url/live", "https://library.example.cn/", "address-refused"),
        ("backend/base_url/sandbox", "file:///etc/passwd", "address-refused"),
        ("login", LOGIN | {"redirect_uris": ["https://a.example.cn/cb#x"]}, "address-refused"),
        ("login", LOGIN | {"redirect_uris": ["https://a.example.cn/cb?next=/"]}, "address-refused"),
        ("login", LOGIN | {"redirect_uris": ["https://*.example.cn/cb"]}, "address-refused"),
        ("login", LOGIN | {"redirect_uris": ["https://u@a.example.cn/cb"]}, "address-refused"),
        ("login", LOGIN | {"redirect_uris": ["http://a.example.cn/cb"]}, "address-not-https"),
        ("login", LOGIN | {"redirect_uris": ["https://a.example.cn/cb"] * 2}, "redirect-repeated"),
        ("login", LOGIN | {"post_logout_redirect_uris": ["javascript:alert(1)"]}, "address-refused"),
        ("login", LOGIN | {"backchannel_logout_uri": "http://a.example.cn/out"}, "address-not-https"),
        ("login", LOGIN | {"keys": LOGIN["keys"] * 2}, "key-repeated"),
        ("login", LOGIN | {"keys": []}, "keys-in-one-place"),
        ("login", LOGIN | {"jwks_uri": "https://library.example.org/jwks"}, "keys-in-one-place"),
        ("login", LOGIN | {"keys": [], "jwks_uri": "http://library.example.org/jwks"}, "address-not-https"),
        ("login", LOGIN | {"keys": [{"kid": "k1", "x": "A" * 43, "y": "B" * 43}]}, "key-invalid"),
    ],
)
def test_lint_refuses(path: str, value: Any, code: str) -> None:
    assert code in codes(spoil(path, value))


def test_lint_refuses_an_integrated_service_without_backend() -> None:
    document = sound_document()
    document.pop("backend")

    assert "backend-missing" in codes(document)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("contacts", [{"role": "tech", "name": "值班", "phone": "12345"}], "contact-missing"),
        ("data/scopes/0", {**sound_document()["data"]["scopes"][0], "name": "library.cards"}, "scope-unused"),
        ("data/scopes/0/required", True, "consent-not-free"),
        ("backend/base_url/live", "http://127.0.0.1:9001", "address-needs-policy"),
        ("backend/base_url/live", "https://10.0.0.8", "address-needs-policy"),
    ],
)
def test_lint_warns(path: str, value: Any, code: str) -> None:
    document = spoil(path, value)
    if code == "consent-not-free":
        document["data"]["scopes"][0]["basis"] = "consent"

    assert code in {finding.code for finding in findings(document) if finding.severity == "warning"}


def test_every_finding_says_it_in_both_languages_and_where() -> None:
    for finding in findings(spoil("owner/org_code", "190000000000000000")):
        assert finding.message.zh
        assert finding.message.en
        assert finding.at.startswith("/")
