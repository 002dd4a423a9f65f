"""What is advertised is there, and what is there is advertised."""

from typing import Any

import httpx
import pytest

from auth.provider.authorize.models import AuthorizationRequest, read_request
from tests.auth.phones import ISSUER, Phone
from tests.auth.provider.city import Browser, Department, Register, read_claims
from tests.auth.provider.test_pushed_requests import FORM


@pytest.fixture
async def metadata(client: httpx.AsyncClient) -> dict[str, Any]:
    read: dict[str, Any] = (await client.get("/.well-known/openid-configuration")).json()
    return read


async def test_both_addresses_say_the_same(client: httpx.AsyncClient, metadata: dict[str, Any]) -> None:
    assert (await client.get("/.well-known/oauth-authorization-server")).json() == metadata
    assert metadata["issuer"] == ISSUER


async def test_every_address_answers(client: httpx.AsyncClient, metadata: dict[str, Any]) -> None:
    reads = {"authorization_endpoint": 400, "userinfo_endpoint": 401, "jwks_uri": 200, "end_session_endpoint": 200}
    writes = {
        "token_endpoint": 400,
        "pushed_authorization_request_endpoint": 401,
        "introspection_endpoint": 401,
        "revocation_endpoint": 401,
    }
    addresses = {name for name in metadata if name.endswith(("_endpoint", "_uri"))}
    assert addresses == {*reads, *writes}
    for name in addresses:
        path = metadata[name].removeprefix(ISSUER)
        method = "GET" if name in reads else "POST"
        answer = await client.request(method, path, data=None if name in reads else {"x": "y"})
        assert answer.status_code == (reads | writes)[name], name


async def test_every_grant_is_understood(library: Department, metadata: dict[str, Any], phone: Phone) -> None:
    for grant in metadata["grant_types_supported"]:
        answer = await library.post("/oauth/token", grant_type=grant, code="x", refresh_token="x")
        assert answer.json().get("error") != "unsupported_grant_type", grant


async def test_advertised_lists_are_what_is_taken(
    library: Department, register: Register, metadata: dict[str, Any]
) -> None:
    client = register.clients["library"]
    for parameter, name in (
        ("response_type", "response_types_supported"),
        ("response_mode", "response_modes_supported"),
        ("code_challenge_method", "code_challenge_methods_supported"),
        ("prompt", "prompt_values_supported"),
    ):
        form = FORM | {"redirect_uri": client.redirect_uris[0]}
        for value in metadata[name]:
            assert isinstance(read_request(form | {parameter: value}, client), AuthorizationRequest), value
        assert not isinstance(read_request(form | {parameter: "other"}, client), AuthorizationRequest)


async def test_only_one_way_to_sign(metadata: dict[str, Any]) -> None:
    algorithms = {name: value for name, value in metadata.items() if "_alg_values_" in name}
    assert len(algorithms) == 5
    assert all(value == ["ES256"] for value in algorithms.values())


async def test_nothing_is_promised_that_fapi_forbids(metadata: dict[str, Any]) -> None:
    assert metadata["require_pushed_authorization_requests"]
    assert metadata["authorization_response_iss_parameter_supported"]
    for name in ("request_parameter_supported", "request_uri_parameter_supported", "claims_parameter_supported"):
        assert metadata[name] is False
    methods = set(metadata["token_endpoint_auth_methods_supported"])
    assert methods == {"private_key_jwt", "none"}  # none: a phone refreshes by its own key
    assert metadata["introspection_endpoint_auth_methods_supported"] == ["private_key_jwt"]


async def test_every_claim_of_an_id_token_is_named(
    library: Department, browser: Browser, metadata: dict[str, Any]
) -> None:
    tokens = (await library.redeem((await browser.arrive(await library.begin()))["code"])).json()
    assert set(read_claims(tokens["id_token"])) == set(metadata["claims_supported"])
    assert metadata["subject_types_supported"] == ["pairwise"]
    assert read_claims(tokens["id_token"])["acr"] in metadata["acr_values_supported"]
