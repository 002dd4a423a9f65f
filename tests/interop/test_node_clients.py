"""openid-client and oauth4webapi, as their authors publish them, against a running server."""

import json

import jwt
import pytest

from tests.interop import node_program
from tests.interop.city import APP_ID, Browser, City


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    node_program.install()


@pytest.fixture
def environment(city: City) -> dict[str, str]:
    return {
        "ISSUER": city.issuer,
        "CLIENT_ID": APP_ID,
        "REDIRECT_URI": city.redirect_uri,
        "BYE_URI": city.bye_uri,
        "PRIVATE_JWK": json.dumps(city.private_jwk),
    }


@pytest.mark.timeout(300)
def test_openid_client(city: City, environment: dict[str, str], browser: Browser) -> None:
    heard = len(city.ear.heard)
    seen = node_program.run("openid_client.mjs", environment, browser.visit)
    sub = seen["code"]["sub"]
    assert seen["code"]["token_type"] == "dpop"
    assert seen["userinfo"] | {"unionid": ""} == {"sub": sub, "identity_level": "1", "unionid": ""}
    assert seen["refresh"] == {"sub": sub, "rotated": False}
    assert seen["introspection"]["active"]
    assert seen["introspection"]["jkt"] == seen["introspection"]["expected"]
    assert seen["client_credentials"]["token_type"] == "dpop"
    assert seen["prompt=none"]["sub"] == sub
    assert seen["revocation"] == {"active": False}
    assert seen["logout"] == {"at": city.bye_uri, "state": "bye-state"}
    assert seen["after logout"]["error"] == "login_required"
    for token in city.ear.wait(heard + 2)[heard:]:  # the revoked session, and the one that logged out
        check_logout_token(city, token, sub)


def check_logout_token(city: City, token: str, sub: str) -> None:
    keys = jwt.PyJWKClient(f"{city.issuer}/oauth/jwks")
    claims = jwt.decode(
        token, keys.get_signing_key_from_jwt(token), algorithms=["ES256"], audience=APP_ID, issuer=city.issuer
    )
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    assert claims["sub"] == sub
    assert claims["sid"]
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert "nonce" not in claims


@pytest.mark.timeout(300)
def test_oauth4webapi(city: City, environment: dict[str, str], browser: Browser) -> None:
    seen = node_program.run("oauth4webapi.mjs", environment, browser.visit)
    sub = seen["code"]["sub"]
    assert seen["discovery"]["issuer"] == city.issuer
    assert seen["par"]["expires_in"] <= 600
    assert seen["userinfo"]["sub"] == sub
    assert seen["rfc9068"]["sub"] == sub
    assert APP_ID in seen["rfc9068"]["aud"]
    assert seen["refresh"]["token_type"] == "dpop"
    assert seen["introspection"] == {"active": True}
    assert seen["client_credentials"]["token_type"] == "dpop"
    assert seen["revocation"] == {"active": False}
