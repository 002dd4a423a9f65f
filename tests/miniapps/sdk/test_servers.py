"""The two ready-made middlewares, and the gateway's own signer against this verifier."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer
from yarl import URL

from app.kit import http_signatures
from app.kit.clock import ManualClock
from app.kit.jwt import sign_jwt
from app.kit.keyring import Keyring, public_jwk
from gateway.signature import OutgoingRequest, RequestSigner
from miniapps.sdk import Jwks, KeysUnavailable, Verifier
from miniapps.sdk.aiohttp_web import CITIZEN, verified
from miniapps.sdk.asgi import LONGEST_BODY, VerifiedApp
from miniapps.sdk.testing import TestCity


@pytest.fixture
def city() -> TestCity:
    return TestCity()


def verifier(city: TestCity, **changes: Any) -> Verifier:
    return Verifier(app_id=city.app_id, issuer=city.issuer, keys=Jwks(city.jwks()), **changes)


async def greet(request: web.Request) -> web.Response:
    citizen = request.get(CITIZEN)
    return web.json_response({"openid": citizen.openid if citizen else None})


def department(city: TestCity) -> BaseTestServer:
    app = web.Application(
        middlewares=[verified(verifier(city, authority=city.authority), anonymous_paths=("/.ssb/cards", "/site/"))]
    )
    app.router.add_route("*", "/{path:.*}", greet)
    return TestServer(app, host="127.0.0.1")


async def call(server: BaseTestServer, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> Any:
    url = URL(f"http://127.0.0.1:{server.port}{target}", encoded=True)
    async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers, data=body) as answer:
        return answer.status, await answer.json(content_type=None)


@pytest.mark.parametrize("target", ["/loans", "/a%2Fb?x=%2e&y=1+2", "/%E4%B9%A6?"])
async def test_aiohttp_department_gets_the_citizen(city: TestCity, target: str) -> None:
    async with department(city) as server:
        headers = city.sign("POST", target, body=b"{}", headers={"content-type": "application/json"})

        assert await call(server, "POST", target, headers, b"{}") == (200, {"openid": "openid-1"})


async def test_aiohttp_department_refuses_what_is_not_verified(city: TestCity) -> None:
    async with department(city) as server:
        status, problem = await call(server, "GET", "/loans", {"ssb-assertion": city.assertion()})
        assert (status, problem["title"]) == (401, "signature-missing")

        assert (await call(server, "POST", "/.ssb/cards", {}))[0] == 401
        assert (await call(server, "GET", "/health", {}))[0] == 200
        assert (await call(server, "GET", "/health/x", {}))[0] == 401


async def test_aiohttp_department_answers_anonymous_cards_to_the_gateway(city: TestCity) -> None:
    async with department(city) as server:
        headers = city.sign("POST", "/.ssb/cards", body=b"{}", assertion=None, headers={"content-type": "a/b"})

        assert await call(server, "POST", "/.ssb/cards", headers, b"{}") == (200, {"openid": None})


async def echo(scope: Any, receive: Any, send: Any) -> None:
    event = await receive()
    citizen = scope["suishen.citizen"]
    body = {"openid": citizen.openid if citizen else None, "body": event["body"].decode()}
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def asgi_client(city: TestCity, **changes: Any) -> httpx.AsyncClient:
    app = VerifiedApp(echo, changes.pop("verifier", verifier(city)), anonymous_paths=("/.ssb/cards", "/site/"))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{city.authority}")


async def test_asgi_department_gets_the_citizen_and_the_body(city: TestCity) -> None:
    async with asgi_client(city) as client:
        headers = city.sign("POST", "/loans?x=%2e", body=b"{}")
        answer = await client.post("/loans?x=%2e", content=b"{}", headers=headers)

    assert answer.json() == {"openid": "openid-1", "body": "{}"}


NOBODYS = {"/.ssb/cards": 200, "/.ssb/cards/x": 401, "/site/": 200, "/site/hours?x=1": 200, "/site": 401, "/loans": 401}


async def test_what_is_for_everybody_needs_the_gateway_but_no_citizen(city: TestCity) -> None:
    async with department(city) as server, asgi_client(city) as client:
        for target, status in NOBODYS.items():
            headers = city.sign("GET", target, assertion=None, headers={"content-type": "a/b"})
            assert (await call(server, "GET", target, headers))[0] == status, target
            assert (await client.get(target, headers=headers)).status_code == status, target
            assert (await call(server, "GET", target, {}))[0] == 401, target
            assert (await client.get(target)).status_code == 401, target


async def test_asgi_department_refuses(city: TestCity) -> None:
    class Away:
        def find(self, _purpose: str, _kid: str) -> None:
            return None

        def is_fresh(self) -> bool:
            return False

        def refresh(self) -> bool:
            raise KeysUnavailable("away")

    async with asgi_client(city) as client:
        assert (await client.get("/loans")).status_code == 401
        assert (await client.post("/loans", content=b"x" * (LONGEST_BODY + 1))).status_code == 413
    async with asgi_client(city, verifier=Verifier(app_id="a", issuer="b", keys=Away())) as client:
        assert (await client.get("/loans")).status_code == 503


def streamed(city: TestCity, method: str, target: str, **changes: Any) -> dict[str, str]:
    return city.sign(method, target, tag="ssb-stream", **changes)


async def test_asgi_department_reads_a_streamed_body_itself(city: TestCity) -> None:
    long = b"x" * (LONGEST_BODY + 1)
    async with asgi_client(city) as client:
        answer = await client.post("/films", content=long, headers=streamed(city, "POST", "/films"))
        assert (answer.status_code, len(answer.json()["body"])) == (200, len(long))

        bent = streamed(city, "POST", "/films") | {"signature-input": city.sign("POST", "/films")["signature-input"]}
        assert (await client.post("/films", content=b"", headers=bent)).status_code == 401
        other = streamed(city, "POST", "/books")
        assert (await client.post("/films", content=b"", headers=other)).json()["title"] == "signature-forged"


@pytest.mark.parametrize("good", [True, False])
async def test_asgi_department_opens_websockets_for_the_gateway_alone(city: TestCity, good: bool) -> None:
    opened, sent = list[str](), list[Any]()

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        opened.append(scope["suishen.citizen"].openid)

    async def receive() -> Any:
        raise AssertionError

    async def send(event: Any) -> None:
        sent.append(event)

    headers = streamed(city, "GET", "/talk") if good else {"host": city.authority}
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "websocket", "path": "/talk", "raw_path": b"/talk", "query_string": b"", "headers": lines}
    await VerifiedApp(app, verifier(city))(scope, receive, send)
    assert opened == (["openid-1"] if good else [])
    assert sent == ([] if good else [{"type": "websocket.close", "code": 1008}])


async def test_aiohttp_department_leaves_a_streamed_body_to_its_handler(city: TestCity) -> None:
    async with department(city) as server:
        kind = {"content-type": "a/b"}
        headers = streamed(city, "POST", "/films", headers=kind)
        assert await call(server, "POST", "/films", headers, b"any") == (200, {"openid": "openid-1"})
        headers = city.sign("POST", "/films", body=b"{}", headers=kind)
        assert (await call(server, "POST", "/films", headers, b"[]"))[1]["title"] == "digest-mismatch"


@pytest.mark.parametrize(("method", "target", "body"), [("GET", "/loans?a=1", b""), ("POST", "/loans", b'{"a":1}')])
def test_what_the_gateways_own_signer_signs_is_believed(city: TestCity, method: str, target: str, body: bytes) -> None:
    headers = {
        "host": city.authority,
        "x-request-id": "r-1",
        "ssb-assertion": city.assertion(),
        "ssb-app": city.app_id,
        "ssb-zone": "190000",
    }
    if body:
        headers |= {"content-type": "application/json", "content-digest": http_signatures.content_digest(body)}
    path, mark, query = target.partition("?")
    parts = http_signatures.RequestParts(
        method=method, authority=city.authority, path=path, query=mark + query, headers=headers
    )
    now = int(datetime.now(UTC).timestamp())
    signed = http_signatures.sign(
        parts,
        label="ssb",
        covered=["@method", "@authority", "@path", "@query", *(name for name in headers if name != "host")],
        params=http_signatures.SignatureParams(
            keyid=city.gateway_kid, created=now, expires=now + 30, nonce="n-1", tag="ssb", alg=http_signatures.ALGORITHM
        ),
        sign_bytes=http_signatures.ecdsa_p256_signer(city.gateway_key),
    )

    assert verifier(city).verify_request(method, target, headers | signed, body).openid == "openid-1"


@pytest.mark.parametrize(
    ("method", "path", "query", "body"), [("GET", "/a%2Fb", "?x=%2e", b""), ("POST", "/", "", b"{}")]
)
def test_what_the_gateway_sends_is_believed(
    *, keyring: Keyring, clock: ManualClock, method: str, path: str, query: str, body: bytes
) -> None:
    now, app_id, issuer = clock.now(), "cn.example.app", "https://city.test"
    issued_at = int(now.timestamp())
    claims = {"iss": issuer, "aud": app_id, "sub": "o-1", "jti": "j", "iat": issued_at, "exp": issued_at + 60}
    assertion = sign_jwt(keyring.active("assertion"), typ="ssb-assertion+jwt", claims=claims)
    headers = {
        "host": "d.test",
        "x-request-id": "r-1",
        "ssb-app": app_id,
        "ssb-zone": "190000",
        "ssb-assertion": assertion,
    }
    signed = RequestSigner(keyring).sign(
        OutgoingRequest(method=method, authority="d.test", path=path, query=query, headers=headers, body=body), now
    )
    purposes = ("assertion", "gateway")
    keys = Jwks({"keys": [public_jwk(key) | {"ssb_purpose": use} for use in purposes for key in keyring.all(use)]})
    believer = Verifier(app_id=app_id, issuer=issuer, keys=keys, now=now.timestamp)

    assert believer.verify_request(method, path + query, signed, body).openid == "o-1"


async def test_many_requests_at_once_are_each_believed_once(city: TestCity) -> None:
    believer = verifier(city)
    headers = city.sign("GET", "/")

    results = await asyncio.gather(*(believer.verify("GET", "/", headers) for _ in range(50)), return_exceptions=True)

    assert sum(not isinstance(result, Exception) for result in results) == 1
