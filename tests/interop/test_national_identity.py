"""The city as a client: the certified `oidc-provider` plays a national identity provider, over real sockets."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from app.demo.registries import CITIZEN, SECOND_CITIZEN
from app.kit.processes import free_port
from tests.flows.server import Server
from tests.interop import node_program
from tests.interop.city import CERTIFICATES

CLIENT_ID = "city.example"
END_SECONDS = 10
LEVELS = "urn:oracle:face=ial3.aal2"
PEOPLE = {
    name: {"name": who.name, "document_type": who.document_type, "document_number": who.document_number}
    for name, who in (("one", CITIZEN), ("two", SECOND_CITIZEN))
}


@pytest.fixture(scope="module")
def city() -> Iterator[Server]:
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    with Server.in_a_folder_of_its_own() as server:
        server.environment |= {
            "SUISHEN_WORKERS": "1",
            "SUISHEN_NATIONAL_IDENTITY_ISSUER": issuer,
            "SUISHEN_NATIONAL_IDENTITY_CLIENT_ID": CLIENT_ID,
            "SUISHEN_NATIONAL_IDENTITY_LEVELS": LEVELS,
        }
        server.start()
        with running_national(port, issuer, server.origin):
            yield server


@contextlib.contextmanager
def running_national(port: int, issuer: str, city: str) -> Iterator[None]:
    """It reads the city's keys once, where the city publishes them; it ends with the test."""
    node_program.install()
    keys = httpx.get(f"{city}/oauth/upstream/jwks", verify=CERTIFICATES).json()
    jwk: dict[str, Any] = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    environment = {
        "ISSUER": issuer,
        "PORT": str(port),
        "CLIENT_ID": CLIENT_ID,
        "REDIRECT_URIS": json.dumps([f"{city}/oauth/upstream/callback", f"{city}/oauth/upstream/app"]),
        "CLIENT_KEYS": json.dumps(keys),
        "SIGNING_JWK": json.dumps(jwk | {"kid": "s1", "alg": "ES256", "use": "sig"}),
        "PEOPLE": json.dumps(PEOPLE),
    }
    process = subprocess.Popen(
        [*node_program.own_node(), "national.mjs"],
        cwd=node_program.FOLDER,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    said = list(iter(process.stdout.readline, "listening\n"))
    assert process.poll() is None, said
    yield
    process.stdin.close()
    process.wait(END_SECONDS)
    process.stdout.close()


def begin(city: Server) -> dict[str, Any]:
    answer = httpx.post(f"{city.origin}/v1/login/upstream/challenges", verify=CERTIFICATES)
    assert answer.status_code == 201, answer.text
    begun: dict[str, Any] = answer.json()
    return begun


def prove(url: str, who: str) -> dict[str, str]:
    """Follows the provider's own redirects until it sends the browser back to the city."""
    with httpx.Client(headers={"x-who": who}, timeout=20, verify=CERTIFICATES) as http:
        target = url
        for _ in range(10):
            answer = http.get(target)
            assert answer.is_redirect, answer.text
            target = urljoin(target, answer.headers["location"])
            if "/oauth/upstream/" in target:
                return dict(parse_qsl(urlsplit(target).query))
    raise AssertionError(target)


def show(city: Server, body: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{city.origin}/v1/login/upstream/tokens", json=body, verify=CERTIFICATES)


@pytest.mark.timeout(120)
def test_a_citizen_signs_in_by_the_certified_provider(city: Server) -> None:
    begun = begin(city)
    body = {"login": begun["login"]} | prove(begun["authorization_url"], "one urn:oracle:face")
    signed_in = show(city, body)
    assert signed_in.status_code == 200, signed_in.text
    assert signed_in.json()["person"]["identity_level"] == 3
    again = begin(city)
    came_back = show(city, {"login": again["login"]} | prove(again["authorization_url"], "one urn:oracle:face"))
    assert came_back.json()["person"]["id"] == signed_in.json()["person"]["id"]
    assert show(city, body).status_code == 401


@pytest.mark.timeout(120)
@pytest.mark.parametrize("who", ["two urn:oracle:other", "nobody -"])
def test_what_the_provider_does_not_vouch_for_is_refused(city: Server, who: str) -> None:
    begun = begin(city)
    refused = show(city, {"login": begun["login"]} | prove(begun["authorization_url"], who))
    assert refused.json()["type"] == "/problems/upstream-refused"


@pytest.mark.timeout(120)
def test_the_provider_takes_no_request_that_was_not_pushed(city: Server) -> None:
    """So nobody can send a citizen there in the city's name with other words than the city's."""
    url = urlsplit(begin(city)["authorization_url"])
    with httpx.Client(headers={"x-who": "one urn:oracle:face"}, verify=CERTIFICATES) as http:
        by_hand = f"{url.scheme}://{url.netloc}{url.path}?client_id={CLIENT_ID}&response_type=code&scope=openid"
        answer = http.get(f"{by_hand}&redirect_uri={city.origin}/oauth/upstream/app")
        assert "error=invalid_request" in answer.headers["location"]
