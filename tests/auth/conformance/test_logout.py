"""Behaviours of the RP-initiated logout and back-channel logout test plans. Each test is named after its module."""

from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from app.kit.floor import Floor
from auth.wiring import AuthServices
from tests.auth.conformance.modules import module
from tests.auth.conformance.test_basic_op import silent, tokens_of
from tests.auth.provider.city import Browser, Department, read_claims
from tests.auth.provider.test_logout import BYE, EVENT, Network


@pytest.fixture
def network(auth: AuthServices) -> Network:
    network = Network()
    auth.provider.backchannel.send_through(network)
    return network


async def log_out(browser: Browser, **parameters: str) -> Any:
    return await browser.open(f"/oauth/logout?{urlencode(parameters)}")


@module("oidcc-rp-initiated-logout")
async def test_oidcc_rp_initiated_logout(library: Department, browser: Browser) -> None:
    tokens = await tokens_of(library, browser)
    await log_out(browser, id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE, state="s")
    assert (browser.left_for, browser.told()) == (BYE, {"state": "s"})
    assert (await silent(library, browser))["error"] == "login_required"


@module("oidcc-rp-initiated-logout-no-state")
async def test_oidcc_rp_initiated_logout_no_state(library: Department, browser: Browser) -> None:
    tokens = await tokens_of(library, browser)
    await log_out(browser, id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE)
    assert browser.page.headers["location"] == BYE


@module("oidcc-rp-initiated-logout-no-params")
async def test_oidcc_rp_initiated_logout_no_params(library: Department, browser: Browser) -> None:
    await tokens_of(library, browser)
    page = await log_out(browser)
    assert (page.status_code, "退出登录" in page.text) == (200, True)
    assert "已退出登录" in (await browser.submit("/oauth/logout", confirmed="yes")).text


@module("oidcc-rp-initiated-logout-no-id-token-hint")
async def test_oidcc_rp_initiated_logout_no_id_token_hint(library: Department, browser: Browser) -> None:
    """An address of nobody in particular: an error here, and nobody is redirected."""
    await tokens_of(library, browser)
    page = await log_out(browser, post_logout_redirect_uri=BYE, state="s")
    assert (page.status_code, page.headers.get("location")) == (400, None)
    assert "code" in await silent(library, browser)


async def test_a_client_id_in_place_of_the_hint_asks_the_citizen(library: Department, browser: Browser) -> None:
    await tokens_of(library, browser)
    page = await log_out(browser, client_id="library", post_logout_redirect_uri=BYE)
    assert page.status_code == 200
    await browser.submit("/oauth/logout", confirmed="yes", **browser.inputs())
    assert browser.left_for == BYE


@module("oidcc-rp-initiated-logout-no-post-logout-redirect-uri", "oidcc-rp-initiated-logout-only-state")
async def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(library: Department, browser: Browser) -> None:
    tokens = await tokens_of(library, browser)
    page = await log_out(browser, id_token_hint=tokens["id_token"], state="s")
    assert (page.status_code, "已退出登录" in page.text) == (200, True)


@module(
    "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri",
    "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri",
)
async def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(library: Department, browser: Browser) -> None:
    tokens = await tokens_of(library, browser)
    for uri in (BYE + "x", BYE + "?foo=bar"):
        page = await log_out(browser, id_token_hint=tokens["id_token"], post_logout_redirect_uri=uri)
        assert (page.status_code, page.headers.get("location")) == (400, None)


@module("oidcc-rp-initiated-logout-bad-id-token-hint", "oidcc-rp-initiated-logout-modified-id-token-hint")
async def test_oidcc_rp_initiated_logout_bad_id_token_hint(library: Department, browser: Browser) -> None:
    tokens = await tokens_of(library, browser)
    header, claims, signature = tokens["id_token"].split(".")
    unsigned = jwt.encode(read_claims(tokens["id_token"]), "", algorithm="none")
    for hint in (unsigned, f"{header}.{claims}x.{signature}", f"{header}.{claims}.{signature[::-1]}"):
        page = await log_out(browser, id_token_hint=hint, post_logout_redirect_uri=BYE)
        assert (page.status_code, page.headers.get("location")) == (400, None)
    assert "code" in await silent(library, browser)


@module("oidcc-backchannel-rp-initiated-logout")
async def test_oidcc_backchannel_rp_initiated_logout(
    library: Department, browser: Browser, floor: Floor, network: Network
) -> None:
    tokens = await tokens_of(library, browser)
    await log_out(browser, id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE)
    await floor.outbox.deliver_due()
    logout_token = network.posts[0][1]["logout_token"]
    claims, id_token = read_claims(logout_token), read_claims(tokens["id_token"])
    for name in ("iss", "aud", "sub", "sid"):
        assert claims[name] == id_token[name]
    assert claims["events"] == {EVENT: {}}
    assert {"iat", "jti", "exp"} <= set(claims)
    assert "nonce" not in claims
    header = jwt.get_unverified_header(logout_token)
    assert (header["typ"], header["alg"]) == ("logout+jwt", "ES256")


async def test_refresh_tokens_end_with_the_session(
    library: Department, browser: Browser, floor: Floor, network: Network
) -> None:
    """Section 2.7: refresh tokens without `offline_access`, which is not offered here, end with the session."""
    tokens = await tokens_of(library, browser)
    await log_out(browser, id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE)
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


@module(
    "oidcc-backchannel-discovery-endpoint-verification", "oidcc-rp-initiated-logout-discovery-endpoint-verification"
)
async def test_oidcc_logout_discovery_endpoint_verification(library: Department) -> None:
    metadata = (await library.http.get("/.well-known/openid-configuration")).json()
    assert metadata["end_session_endpoint"]
    assert metadata["backchannel_logout_supported"]
    assert metadata["backchannel_logout_session_supported"]
