"""A phone's token for one mini-app at the running gateway; and a client that is suspended, on every worker."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client

from app.demo.caller import Caller
from app.demo.phone import Phone
from tests.interop.city import APP_ID, Browser, City
from tests.interop.test_authlib import ask_userinfo, authlib_client, sign_in

__all__ = ["authlib_client"]

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
async def phone(city: City) -> AsyncIterator[Phone]:
    async with httpx.AsyncClient(base_url=city.issuer, timeout=20) as http:
        phone = Phone(http)
        await phone.sign_in("19900000092")
        yield phone


async def exchange(phone: Phone) -> str:
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": phone.tokens["access_token"],
        "subject_token_type": ACCESS_TOKEN,
        "audience": APP_ID,
    }
    anonymous = Caller(phone.http)
    anonymous.proof_key = phone.proof_key
    answer: dict[str, Any] = await anonymous.call("POST", "/oauth/token", proven=True, data=form)
    return str(answer["access_token"])


async def call(city: City, phone: Phone, token: str, path: str) -> httpx.Response:
    host = f"apps.localhost:{city.server.port}"
    headers = {
        "Host": host,
        "Authorization": f"DPoP {token}",
        "DPoP": phone.proof("GET", f"http://{host}{path}", token),
    }
    return await phone.http.get(path, headers=headers)


@pytest.mark.timeout(120)
async def test_an_exchanged_token_opens_its_mini_app_at_the_gateway(city: City, phone: Phone) -> None:
    token = await exchange(phone)
    answer = await call(city, phone, token, f"/apps/{APP_ID}/hello")
    assert answer.status_code == 200, answer.text
    told = jwt.decode(city.ear.assertions[-1], options={"verify_signature": False})
    claims = jwt.decode(token, options={"verify_signature": False})
    assert told["sub"] == claims["unionid"]
    me = await phone.call("GET", "/v1/me")
    assert me["subject_id"] not in str(claims)
    assert (await call(city, phone, token, "/apps/cn.example.other/hello")).status_code in {401, 404}


@pytest.mark.timeout(120)
async def test_the_citizen_reads_what_the_provider_told_a_client(
    city: City, browser: Browser, authlib_client: AsyncOAuth2Client
) -> None:
    signed_in = await sign_in(city, browser, authlib_client)
    told = await ask_userinfo(authlib_client, signed_in)
    assert told["identity_level"] == "1"
    async with httpx.AsyncClient(base_url=city.issuer, timeout=20) as http:
        citizen = Phone(http)
        await citizen.sign_in(browser.phone)
        newest = (await citizen.call("GET", "/v1/me/disclosures"))["items"][0]
    assert (newest["app_id"], newest["fields"], newest["scopes"], newest["bases"]) == (
        APP_ID,
        ["identity_level"],
        ["library.level"],
        ["statute"],
    )


def assertion(city: City) -> str:
    now = int(time.time())
    claims = {"iss": APP_ID, "sub": APP_ID, "aud": city.issuer, "iat": now, "exp": now + 50, "jti": uuid4().hex}
    return jwt.encode(claims, city.key, algorithm="ES256", headers={"kid": "k1"})


async def push(city: City) -> int:
    """Over a connection of its own, so that any worker may answer."""
    form = {
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion(city),
        "response_type": "code",
        "redirect_uri": city.redirect_uri,
        "scope": "openid",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    async with httpx.AsyncClient(base_url=city.issuer, timeout=20) as http:
        return (await http.post("/oauth/par", data=form)).status_code


async def everywhere(city: City) -> set[int]:
    return set(await asyncio.gather(*(push(city) for _ in range(12))))


@pytest.mark.timeout(120)
async def test_suspending_ends_the_client_on_every_worker_and_resuming_brings_it_back(city: City) -> None:
    assert await everywhere(city) == {201}
    reason = {"zh": "检修", "en": "Repairs"}
    async with httpx.AsyncClient(base_url=city.issuer, timeout=20) as http:
        assert city.reviewer
        city.reviewer.http = http
        await city.reviewer.call("POST", f"/v1/apps/{APP_ID}/suspend", json={"reason": reason, "fallback": reason})
        assert await everywhere(city) == {401}
        await city.reviewer.call("POST", f"/v1/apps/{APP_ID}/resume", json={"reason": reason})
        assert await everywhere(city) == {201}


async def test_an_assertion_counts_once_over_all_workers(city: City) -> None:
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion(city), "token": "x"}

    async def show() -> int:
        async with httpx.AsyncClient(base_url=city.issuer, timeout=20) as http:
            return (await http.post("/oauth/introspect", data=form)).status_code

    statuses = await asyncio.gather(*(show() for _ in range(16)))
    assert sorted(statuses) == [200] + [401] * 15
