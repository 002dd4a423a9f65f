"""Authlib's async client against a running server: PAR, code with PKCE, DPoP, refresh, introspection, revocation.

Authlib knows no DPoP and asks for assertions of an hour at the token endpoint's address; both are told in a few lines.
"""

import secrets
import time
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt as jose
from joserfc.jwk import ECKey, KeySet

from app.demo.caller import Caller
from app.kit.structs import Model
from tests.interop.city import APP_ID, Browser, City, query_of


class ShortAssertion(PrivateKeyJWT):  # type: ignore[misc] # Authlib has no types
    """`private_key_jwt` as FAPI 2.0 wants it: for the issuer, for a minute."""

    def sign(self, auth: Any, token_endpoint: str) -> str:
        signed: str = private_key_jwt_sign(
            auth.client_secret,
            client_id=auth.client_id,
            token_endpoint=token_endpoint,
            alg="ES256",
            expires_in=50,
            header={"kid": "k1"},
        )
        return signed


class Bound(httpx.Auth):
    """Adds a DPoP proof to each request, made with one key (RFC 9449)."""

    def __init__(self) -> None:
        self._caller = Caller(httpx.AsyncClient())
        self._caller.proof_key = ec.generate_private_key(ec.SECP256R1())

    def proof(self, method: str, url: str, token: str | None = None) -> dict[str, str]:
        return {"DPoP": self._caller.proof(method, url, token)}


@pytest.fixture
async def authlib_client(city: City) -> Any:
    key = ECKey.import_key(dict(city.private_jwk))
    bound = Bound()

    async def prove(request: httpx.Request) -> None:
        request.headers.update(bound.proof(request.method, str(request.url), request.extensions.get("token")))

    async with AsyncOAuth2Client(
        APP_ID,
        key,
        token_endpoint_auth_method="private_key_jwt",
        redirect_uri=city.redirect_uri,
        scope="openid library.level",
        event_hooks={"request": [prove]},
    ) as client:
        client.register_client_auth_method(ShortAssertion(city.issuer))
        yield client


async def push(client: AsyncOAuth2Client, metadata: dict[str, Any], verifier: str, **extra: str) -> str:
    """Authlib has no PAR; it builds the parameters, and this posts them with its own client authentication."""
    url, _ = client.create_authorization_url(
        metadata["authorization_endpoint"],
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
        **extra,
    )
    answer = await client.request(
        "POST",
        metadata["pushed_authorization_request_endpoint"],
        data=query_of(url),
        auth=client.client_auth("private_key_jwt"),
        withhold_token=True,
    )
    assert answer.status_code == 201, answer.text
    query = urlencode({"client_id": APP_ID, "request_uri": answer.json()["request_uri"]})
    return f"{metadata['authorization_endpoint']}?{query}"


class SignedIn(Model):
    """What a sign-in gave, and what it was asked with."""

    metadata: dict[str, Any]
    token: dict[str, Any]
    nonce: str


async def sign_in(city: City, browser: Browser, client: AsyncOAuth2Client) -> SignedIn:
    discovery = f"{city.issuer}/.well-known/openid-configuration"
    metadata = (await client.request("GET", discovery, withhold_token=True)).json()
    verifier, nonce, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    back = browser.visit(await push(client, metadata, verifier, nonce=nonce, state=state))
    assert query_of(back)["iss"] == metadata["issuer"]
    token = await client.fetch_token(
        metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
    )
    return SignedIn(metadata=metadata, token=dict(token), nonce=nonce)


async def ask_userinfo(client: AsyncOAuth2Client, signed_in: SignedIn) -> dict[str, Any]:
    token = signed_in.token["access_token"]
    answer = await client.request(
        "GET",
        signed_in.metadata["userinfo_endpoint"],
        headers={"Authorization": f"DPoP {token}"},
        extensions={"token": token},
        withhold_token=True,
    )
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.timeout(120)
async def test_authlib(city: City, browser: Browser, authlib_client: AsyncOAuth2Client) -> None:
    client = authlib_client
    signed_in = await sign_in(city, browser, client)
    metadata, token = signed_in.metadata, signed_in.token
    assert token["token_type"] == "DPoP"
    claims = await check_id_token(client, metadata, token["id_token"], signed_in.nonce)
    assert (await ask_userinfo(client, signed_in))["sub"] == claims["sub"]
    refreshed = await client.refresh_token(metadata["token_endpoint"], token["refresh_token"])
    assert refreshed["access_token"] != token["access_token"]
    endpoint, auth = metadata["introspection_endpoint"], client.client_auth("private_key_jwt")
    assert (await client.introspect_token(endpoint, refreshed["access_token"], auth=auth)).json()["active"]
    revoked = await client.revoke_token(metadata["revocation_endpoint"], token["refresh_token"], auth=auth)
    assert revoked.status_code == 200
    assert (await client.introspect_token(endpoint, refreshed["access_token"], auth=auth)).json() == {"active": False}


async def check_id_token(
    client: AsyncOAuth2Client, metadata: dict[str, Any], id_token: str, nonce: str
) -> dict[str, Any]:
    keys = (await client.request("GET", metadata["jwks_uri"], withhold_token=True)).json()
    decoded = jose.decode(id_token, KeySet.import_key_set(keys), algorithms=["ES256"])
    options = {"iss": {"essential": True, "value": metadata["issuer"]}, "aud": {"essential": True, "value": APP_ID}}
    claims = CodeIDToken(decoded.claims, decoded.header, options, {"nonce": nonce, "client_id": APP_ID})
    claims.validate(now=int(time.time()))
    return dict(claims)
