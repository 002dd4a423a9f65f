"""What the provider says of itself: true, complete, and without a private key."""

import httpx
import jwt

from app.kit.keyring import Keyring
from tests.auth.phones import ISSUER, Phone


async def test_a_stranger_can_verify_a_token_with_the_published_keys(client: httpx.AsyncClient, phone: Phone) -> None:
    token = (await phone.sign_in())["access_token"]
    keys = jwt.PyJWKSet.from_dict((await client.get("/oauth/jwks")).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    options = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(token, key, algorithms=["ES256"], audience=ISSUER, issuer=ISSUER, options=options)  # type: ignore[arg-type] # the clock of the test stands still
    assert claims["sub"].startswith("person:")


async def test_published_keys_are_public_and_of_tokens_only(client: httpx.AsyncClient, keyring: Keyring) -> None:
    response = await client.get("/oauth/jwks")
    assert "max-age" in response.headers["cache-control"]
    keys = response.json()["keys"]
    assert {key["kid"] for key in keys} == {key.kid for key in keyring.all("token")}
    assert not any("d" in key for key in keys)
