"""The kit calls as the gateway calls: the same headers, the same claims, the same things under the signature."""

import re
from typing import Any

import jwt
import pytest

from app.kit.floor import Floor
from miniapps.conformance.trial import Place, Trial, place_of
from miniapps.sandbox.citizens import CITIZENS, claims_of
from miniapps.sandbox.signing import CityKeys, Signer
from tests.gateway.conftest import KnownCallers, KnownCitizens, KnownConsents
from tests.gateway.harness import BEARER, Received, gateway
from tests.gateway.publications import LIBRARY, a_manifest
from tests.miniapps.conformance.departments import Department

COVERED = re.compile(r'"([@a-z-]+)"')
OF_THE_CONNECTION = {"content-length", "host", "connection", "user-agent"}


async def sent_by_the_gateway(floor: Floor, method: str, path: str, body: bytes) -> Received:
    callers = KnownCallers()
    callers.sign_in()
    headers = [BEARER, (b"accept", b"application/json"), (b"accept-encoding", b"identity")]
    if body:
        headers.append((b"content-type", b"application/json"))
    async with gateway(floor, callers, KnownConsents(), KnownCitizens()) as door:
        await door.call(method, path, *headers, body=body)
        return door.received[0]


def sent_by_the_kit(method: str, path: str, body: bytes) -> dict[str, str]:
    manifest, place = a_manifest(), place_of("http://127.0.0.1:9101/api")
    signer = Signer(
        issuer="http://127.0.0.1:8000",
        app_id=LIBRARY,
        authority=place.authority,
        zone="190000",
        keys=CityKeys.fresh(),
        now=lambda: 1_772_000_000,
    )
    trial = Trial(manifest=manifest, place=place, signer=signer, network=Department(), live=False)
    route = next(route for route in manifest.routes if (route.method, route.path) == (method, path))
    ask = trial.ask(route, body=body)
    return signer.sign(ask, assertion=trial.assertion(CITIZENS[0], route))


@pytest.mark.parametrize(
    ("method", "path", "body"), [("GET", "/loans", b""), ("GET", "/card", b""), ("POST", "/loans", b"{}")]
)
async def test_headers_claims_and_coverage_are_the_same(floor: Floor, method: str, path: str, body: bytes) -> None:
    real, kit = (await sent_by_the_gateway(floor, method, path, body)).headers, sent_by_the_kit(method, path, body)

    without_key = set(kit) - {"idempotency-key"}  # the gateway passes a citizen's own, where there is one
    assert without_key - OF_THE_CONNECTION == set(real) - OF_THE_CONNECTION
    covered = set(COVERED.findall(kit["signature-input"])) - {"idempotency-key"}
    assert covered == set(COVERED.findall(real["signature-input"]))
    for name in ("x-request-id", "traceparent", "ssb-zone", "ssb-channel"):
        assert len(kit[name]) == len(real[name]), name
    assert kit.get("content-digest") == real.get("content-digest")
    assert tag_of(kit) == tag_of(real)
    assert claims_in(kit) == claims_in(real)
    assert (
        jwt.get_unverified_header(kit["ssb-assertion"]).keys()
        == jwt.get_unverified_header(real["ssb-assertion"]).keys()
    )


def tag_of(headers: dict[str, str]) -> str:
    return headers["signature-input"].partition(";tag=")[2].partition(";")[0]


def claims_in(headers: dict[str, str]) -> dict[str, Any]:
    claims = jwt.decode(headers["ssb-assertion"], options={"verify_signature": False, "verify_aud": False})
    own = {"jti", "sub", "iat", "exp", "fields", "acr"}
    shape = {name: type(claims[name]).__name__ for name in own & claims.keys()}
    return {name: value for name, value in claims.items() if name not in own} | shape


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://a.cn", Place(origin="https://a.cn", authority="a.cn", base_path="")),
        ("https://a.cn:443/x", Place(origin="https://a.cn:443", authority="a.cn", base_path="/x")),
        ("http://127.0.0.1:80", Place(origin="http://127.0.0.1:80", authority="127.0.0.1", base_path="")),
        ("https://a.cn:80/x/y", Place(origin="https://a.cn:80", authority="a.cn:80", base_path="/x/y")),
    ],
)
def test_a_place_is_read_as_the_gateway_reads_it(url: str, place: Place) -> None:
    assert place_of(url) == place


def test_a_consent_has_an_id_and_a_contract_has_none() -> None:
    manifest = a_manifest()
    scopes = {scope.name: scope for scope in manifest.scopes}
    route = next(route for route in manifest.routes if route.path == "/profile")
    claims = claims_of(CITIZENS[1], LIBRARY, route, scopes)

    assert len(claims["consent_id"].split()) == 2
    assert claims["basis"] == "contract consent consent"
    assert set(claims["fields"]) == {"display_name", "phone_tail", "age_over_18"}
