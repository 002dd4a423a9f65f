"""The city's keys come and go; a department notices, without asking too often and without falling over."""

import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from miniapps.sdk import JwksUrl, KeysUnavailable, Refused, Verifier
from miniapps.sdk.keys import ASSERTION, LONGEST_DOCUMENT, fetch_document, read_jwks
from miniapps.sdk.testing import TestCity


class Publisher:
    """Stands where the city publishes its keys."""

    def __init__(self, *cities: TestCity) -> None:
        self.cities = list(cities)
        self.broken: Exception | None = None
        self.asked = 0
        self.time = 1000.0

    def fetch(self, _url: str) -> bytes:
        self.asked += 1
        if self.broken:
            raise self.broken
        return json.dumps({"keys": [key for city in self.cities for key in city.jwks()["keys"]]}).encode()

    def keys(self) -> JwksUrl:
        return JwksUrl("https://city.test/jwks", fetch=self.fetch, monotonic=lambda: self.time)


@pytest.fixture
def old() -> TestCity:
    return TestCity(assertion_kid="00000001", gateway_kid="00000011")


@pytest.fixture
def new() -> TestCity:
    return TestCity(assertion_kid="00000002", gateway_kid="00000012")


def believer(publisher: Publisher, city: TestCity) -> Verifier:
    return Verifier(app_id=city.app_id, issuer=city.issuer, keys=publisher.keys(), now=lambda: city.now)


async def test_keys_are_read_once_for_many_requests(old: TestCity) -> None:
    publisher = Publisher(old)
    verifier = believer(publisher, old)
    for _ in range(3):
        await verifier.verify("GET", "/", old.sign("GET", "/"))

    assert publisher.asked == 1


async def test_a_new_key_is_fetched_when_it_shows_up(old: TestCity, new: TestCity) -> None:
    publisher = Publisher(old)
    verifier = believer(publisher, old)
    await verifier.verify("GET", "/", old.sign("GET", "/"))
    publisher.cities.append(new)
    publisher.time += 3

    assert (await verifier.verify("GET", "/", new.sign("GET", "/"))).openid == "openid-1"
    assert verifier.verify_request("GET", "/", old.sign("GET", "/")).openid == "openid-1"
    assert publisher.asked == 2


async def test_forged_key_names_do_not_make_us_ask_without_end(old: TestCity) -> None:
    publisher = Publisher(old)
    verifier = believer(publisher, old)
    for number in range(20):
        forged = TestCity(assertion_kid=f"bad{number:05}")
        publisher.time += 0.05
        with pytest.raises(Refused):
            await verifier.verify("GET", "/", forged.sign("GET", "/"))

    assert publisher.asked == 1


async def test_a_withdrawn_key_is_refused_after_the_next_reading(old: TestCity, new: TestCity) -> None:
    publisher = Publisher(old, new)
    verifier = believer(publisher, old)
    await verifier.verify("GET", "/", old.sign("GET", "/"))
    publisher.cities.remove(old)
    publisher.time += 301

    with pytest.raises(Refused, match="key-unknown"):
        await verifier.verify("GET", "/", old.sign("GET", "/"))


async def test_keys_read_before_are_believed_while_the_city_is_away(old: TestCity) -> None:
    publisher = Publisher(old)
    verifier = believer(publisher, old)
    await verifier.verify("GET", "/", old.sign("GET", "/"))
    publisher.broken = OSError("away")
    publisher.time += 3600

    assert (await verifier.verify("GET", "/", old.sign("GET", "/"))).openid == "openid-1"
    publisher.time += 24 * 3600
    with pytest.raises(KeysUnavailable):
        await verifier.verify("GET", "/", old.sign("GET", "/"))


@pytest.mark.parametrize("broken", [OSError("away"), ValueError("not JSON")])
async def test_nothing_is_believed_before_keys_were_read(old: TestCity, broken: Exception) -> None:
    publisher = Publisher(old)
    publisher.broken = broken

    with pytest.raises(KeysUnavailable):
        await believer(publisher, old).verify("GET", "/", old.sign("GET", "/"))


async def test_a_broken_set_does_not_replace_a_good_one(old: TestCity) -> None:
    publisher = Publisher(old)
    keys = publisher.keys()
    keys.refresh()
    publisher.broken = ValueError("broken")
    publisher.time += 10

    assert keys.refresh() is False
    assert keys.find(ASSERTION, old.assertion_kid) is not None


KEY = {"kty": "EC", "crv": "P-256", "kid": "a", "ssb_purpose": "gateway"}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"keys": {}},
        {"keys": [{**KEY}]},
        {"keys": [{**KEY, "x": "AA", "y": "AA"}]},
        {"keys": [{**KEY, "x": "A" * 43, "y": "A" * 43}]},
        {"keys": [{**KEY, "x": "é", "y": 5}]},
    ],
)
def test_a_broken_set_is_one_kind_of_error(document: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_jwks(document)


async def test_keys_are_fetched_over_http_following_nothing() -> None:
    async def serve(request: web.Request) -> web.Response:
        match request.path:
            case "/jwks":
                return web.Response(body=b"{}")
            case "/huge":
                return web.Response(body=b" " * (LONGEST_DOCUMENT + 1))
            case _:
                raise web.HTTPFound("/jwks")

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    async with TestServer(app, host="127.0.0.1") as server:
        import asyncio

        assert await asyncio.to_thread(fetch_document, str(server.make_url("/jwks"))) == b"{}"
        for path in ("/huge", "/elsewhere"):
            with pytest.raises(ValueError, match="did not come"):
                await asyncio.to_thread(fetch_document, str(server.make_url(path)))
    with pytest.raises(ValueError, match="http or https"):
        fetch_document("file:///etc/passwd")
