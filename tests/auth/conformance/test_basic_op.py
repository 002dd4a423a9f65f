"""Behaviours of the OpenID Foundation's Basic OP test plan (`oidcc-basic-certification-test-plan`).

Where the suite sends parameters to the authorization endpoint, they are pushed here (RFC 9126): the city's provider
takes no others. Each test is named after its module.
"""

from typing import Any

import jwt
import pytest

from app.kit.clock import ManualClock
from app.kit.keyring import Keyring
from tests.auth.conformance.modules import module
from tests.auth.phones import ISSUER
from tests.auth.provider.city import Browser, Department, read_claims


async def tokens_of(library: Department, browser: Browser, **form: Any) -> dict[str, Any]:
    code = (await browser.arrive(await library.begin(**form)))["code"]
    answer = await library.redeem(code)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def silent(library: Department, browser: Browser, **form: Any) -> dict[str, str]:
    await browser.open(await library.begin(prompt="none", **form))
    return browser.told()


@module("oidcc-server", "oidcc-ensure-request-with-valid-pkce-succeeds")
async def test_oidcc_server(library: Department, browser: Browser) -> None:
    tokens = await tokens_of(library, browser)
    assert {"access_token", "id_token", "token_type", "expires_in"} <= set(tokens)


@module("oidcc-response-type-missing")
async def test_oidcc_response_type_missing(library: Department) -> None:
    answer = await library.push(response_type=None)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_id_tokens_verify_with_the_published_keys(library: Department, browser: Browser) -> None:
    id_token = (await tokens_of(library, browser))["id_token"]
    keys = jwt.PyJWKSet.from_dict((await library.http.get("/oauth/jwks")).json())
    header = jwt.get_unverified_header(id_token)
    options = {"verify_exp": False, "verify_iat": False}
    for key in keys.keys:
        if key.key_id == header["kid"]:
            claims = jwt.decode(
                id_token,
                key,
                algorithms=["ES256"],
                audience="library",
                issuer=ISSUER,
                options=options,  # type: ignore[arg-type] # the clock of the test stands still
            )
            assert claims == read_claims(id_token)
        else:
            with pytest.raises(jwt.InvalidSignatureError):
                jwt.decode(id_token, key, algorithms=["ES256"], audience="library", issuer=ISSUER)
    assert header["kid"] in {key.key_id for key in keys.keys}


@module("oidcc-userinfo-get", "oidcc-userinfo-post-header")
async def test_oidcc_userinfo(library: Department, browser: Browser) -> None:
    tokens = await tokens_of(library, browser)
    for method in ("GET", "POST"):
        answer = await library.userinfo(tokens["access_token"], method=method)
        assert answer.json()["sub"] == read_claims(tokens["id_token"])["sub"]


@module("oidcc-ensure-request-without-nonce-succeeds-for-code-flow")
async def test_oidcc_ensure_request_without_nonce_succeeds(library: Department, browser: Browser) -> None:
    assert "nonce" not in read_claims((await tokens_of(library, browser, nonce=None))["id_token"])


@module("oidcc-ensure-request-with-unknown-parameter-succeeds")
async def test_oidcc_ensure_request_with_unknown_parameter_succeeds(library: Department, browser: Browser) -> None:
    assert await tokens_of(library, browser, extra="foobar")


@module("oidcc-ensure-request-with-acr-values-succeeds")
async def test_oidcc_ensure_request_with_acr_values_succeeds(library: Department, browser: Browser) -> None:
    """`acr_values` is a wish (Core, 3.1.2.1); the ID token says what was reached."""
    tokens = await tokens_of(library, browser, acr_values="ial2.aal2 ial1.aal1")
    assert read_claims(tokens["id_token"])["acr"] == "ial1.aal1"


@module("oidcc-display-page", "oidcc-display-popup")
async def test_oidcc_display(library: Department, browser: Browser) -> None:
    for display in ("page", "popup"):
        assert await tokens_of(library, browser, display=display)


@module("oidcc-ui-locales", "oidcc-claims-locales")
async def test_oidcc_locales(library: Department, browser: Browser) -> None:
    assert await tokens_of(library, browser, ui_locales="se en", claims_locales="se")


@module("oidcc-login-hint")
async def test_oidcc_login_hint(library: Department, browser: Browser) -> None:
    """Not shown and not stored: a phone number in a hint would be a citizen's datum in a client's hands."""
    page = await browser.open(await library.begin(login_hint="19900000077"))
    assert "19900000077" not in page.text


@module("oidcc-prompt-none-not-logged-in")
async def test_oidcc_prompt_none_not_logged_in(library: Department, browser: Browser) -> None:
    assert (await silent(library, browser))["error"] == "login_required"


@module("oidcc-prompt-none-logged-in")
async def test_oidcc_prompt_none_logged_in(library: Department, browser: Browser) -> None:
    first = await tokens_of(library, browser)
    second = (await library.redeem((await silent(library, browser))["code"])).json()
    before, after = read_claims(first["id_token"]), read_claims(second["id_token"])
    assert (before["sub"], before["auth_time"]) == (after["sub"], after["auth_time"])


@module("oidcc-prompt-login")
async def test_oidcc_prompt_login(library: Department, browser: Browser, clock: ManualClock) -> None:
    before = read_claims((await tokens_of(library, browser))["id_token"])
    clock.advance(70)
    after = read_claims((await tokens_of(library, browser, prompt="login"))["id_token"])
    assert after["auth_time"] > before["auth_time"]


@module("oidcc-max-age-1")
async def test_oidcc_max_age_1(library: Department, browser: Browser, clock: ManualClock) -> None:
    before = read_claims((await tokens_of(library, browser))["id_token"])
    clock.advance(70)
    after = read_claims((await tokens_of(library, browser, max_age="1"))["id_token"])
    assert after["auth_time"] > before["auth_time"]


@module("oidcc-max-age-10000")
async def test_oidcc_max_age_10000(library: Department, browser: Browser, clock: ManualClock) -> None:
    before = read_claims((await tokens_of(library, browser))["id_token"])
    clock.advance(70)
    after = read_claims((await tokens_of(library, browser, max_age="10000"))["id_token"])
    assert after["auth_time"] == before["auth_time"]


@module("oidcc-id-token-hint")
async def test_oidcc_id_token_hint(library: Department, browser: Browser) -> None:
    id_token = (await tokens_of(library, browser))["id_token"]
    again = (await library.redeem((await silent(library, browser, id_token_hint=id_token))["code"])).json()
    assert read_claims(again["id_token"])["sub"] == read_claims(id_token)["sub"]


@module("oidcc-codereuse")
async def test_oidcc_codereuse(library: Department, browser: Browser) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    assert (await library.redeem(code)).status_code == 200
    assert (await library.redeem(code)).json()["error"] == "invalid_grant"


@module("oidcc-codereuse-30seconds")
async def test_oidcc_codereuse_30seconds(library: Department, browser: Browser, clock: ManualClock) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    access_token = (await library.redeem(code)).json()["access_token"]
    clock.advance(30)
    assert (await library.redeem(code)).json()["error"] == "invalid_grant"
    assert (await library.userinfo(access_token)).status_code == 401


@module("oidcc-ensure-registered-redirect-uri", "oidcc-redirect-uri-query-mismatch", "oidcc-redirect-uri-query-added")
async def test_oidcc_ensure_registered_redirect_uri(library: Department) -> None:
    for change in ("/", "?foo=bar", "x"):
        answer = await library.push(redirect_uri=library.redirect_uri + change)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@module("oidcc-ensure-redirect-uri-in-authorization-request")
async def test_oidcc_ensure_redirect_uri_in_authorization_request(library: Department) -> None:
    assert (await library.push(redirect_uri=None)).json()["error"] == "invalid_request"


@module("oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported")
async def test_oidcc_request_objects_are_rejected_as_unsupported(library: Department) -> None:
    unsigned = jwt.encode({"client_id": "library"}, "", algorithm="none")
    assert (await library.push(request=unsigned)).json()["error"] == "request_not_supported"
    assert (await library.push(request_uri="https://library.example/request")).json()["error"] == "invalid_request"


@module("oidcc-claims-essential")
async def test_oidcc_claims_parameter_is_not_supported_and_says_so(library: Department, browser: Browser) -> None:
    assert await tokens_of(library, browser, claims='{"userinfo":{"name":{"essential":true}}}')
    metadata = (await library.http.get("/.well-known/openid-configuration")).json()
    assert metadata["claims_parameter_supported"] is False


async def test_unknown_scopes_are_ignored(library: Department, browser: Browser) -> None:
    tokens = await tokens_of(library, browser, scope="openid profile email address phone")
    assert tokens["scope"] == "openid"


@module("oidcc-refresh-token")
async def test_oidcc_refresh_token(library: Department, browser: Browser) -> None:
    tokens = await tokens_of(library, browser)
    refreshed = (await library.refresh(tokens["refresh_token"])).json()
    before, after = read_claims(tokens["id_token"]), read_claims(refreshed["id_token"])
    assert {name: before[name] for name in ("iss", "sub", "aud", "auth_time")} == {
        name: after[name] for name in ("iss", "sub", "aud", "auth_time")
    }


@module("oidcc-server-rotate-keys")
async def test_oidcc_server_rotate_keys(
    library: Department, browser: Browser, keyring: Keyring, clock: ManualClock
) -> None:
    before = await tokens_of(library, browser)
    published = {key["kid"] for key in (await library.http.get("/oauth/jwks")).json()["keys"]}
    async with keyring._database.transaction() as connection:
        await keyring.rotate(connection, "token", force=True)
        await keyring.load(connection)
    after = await tokens_of(library, browser)
    first, second = (jwt.get_unverified_header(tokens["id_token"])["kid"] for tokens in (before, after))
    assert first != second
    assert {first, second} <= published  # the new key was announced before it signed
    assert (await library.userinfo(before["access_token"])).status_code == 200


@module("oidcc-alternate-happy-flow")
async def test_oidcc_alternate_happy_flow(library: Department, browser: Browser) -> None:
    """Neither the order of the scopes nor that of the parameters means anything."""
    query = (await library.begin(scope="library.level library.card openid")).partition("?")[2]
    told = await browser.arrive("/oauth/authorize?" + "&".join(reversed(query.split("&"))))
    assert (await library.redeem(told["code"])).json()["scope"] == "library.card library.level openid"


@module("oidcc-ensure-post-request-succeeds")
async def test_oidcc_ensure_post_request_succeeds(library: Department, browser: Browser) -> None:
    query = dict(pair.split("=", 1) for pair in (await library.begin()).partition("?")[2].split("&"))
    opened = await browser.http.post("/oauth/authorize", data=query)
    assert "code" in await browser.arrive(opened.headers["location"])


@module("oidcc-discovery-endpoint-verification")
async def test_oidcc_discovery_endpoint_verification(library: Department) -> None:
    metadata = (await library.http.get("/.well-known/openid-configuration")).json()
    assert metadata["issuer"] == ISSUER
    required = {"authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported"}
    assert required | {"subject_types_supported", "id_token_signing_alg_values_supported"} <= set(metadata)
