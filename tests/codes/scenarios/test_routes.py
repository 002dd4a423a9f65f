"""The public list of scenarios at the edge: readable by anybody, cached by ETag, read-only."""

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar

from codes.scenarios.catalogue import load_scenarios
from codes.scenarios.models import Scenario
from codes.scenarios.routes import scenario_router


@pytest.fixture
async def scenario_client() -> AsyncIterator[httpx.AsyncClient]:
    app = Litestar([scenario_router(load_scenarios())], openapi_config=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(cast("Any", app)), base_url="http://test") as client:
        yield client


async def test_list_scenarios_anonymous_reads_all(scenario_client: httpx.AsyncClient) -> None:
    answer = await scenario_client.get("/v1/scenarios")
    body = answer.json()
    assert answer.status_code == 200
    assert len(body["items"]) == len(load_scenarios())
    assert body["next"] is None
    assert all(item["fallback"]["zh"] and item["fallback"]["en"] for item in body["items"])


async def test_list_scenarios_unchanged_answers_304(scenario_client: httpx.AsyncClient) -> None:
    etag = (await scenario_client.get("/v1/scenarios")).headers["etag"]
    for sent in (etag, f"W/{etag}", f'"other", W/{etag}', "*"):
        answer = await scenario_client.get("/v1/scenarios", headers={"If-None-Match": sent})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag


@pytest.mark.parametrize("stale", ['"0000000000000000"', "nonsense", ""])
async def test_list_scenarios_with_another_etag_answers_in_full(scenario_client: httpx.AsyncClient, stale: str) -> None:
    answer = await scenario_client.get("/v1/scenarios", headers={"If-None-Match": stale})
    assert answer.status_code == 200
    assert answer.json()["items"]


async def test_list_scenarios_says_which_text_a_phone_has_to_show(scenario_client: httpx.AsyncClient) -> None:
    body = (await scenario_client.get("/v1/scenarios")).json()
    assert {item["number"]: item["disclosure_version"] for item in body["items"]} == {
        scenario.number: scenario.disclosure_version for scenario in load_scenarios()
    }
    assert body["edition"] == load_scenarios().edition


async def test_schema_is_public_and_describes_a_scenario(scenario_client: httpx.AsyncClient) -> None:
    answer = await scenario_client.get("/v1/scenarios/schema")
    schema = answer.json()
    assert answer.headers["content-type"] == "application/schema+json"
    assert schema["$schema"].endswith("2020-12/schema")
    described = schema["$defs"]["Scenario"]
    assert set(described["properties"]) == set(Scenario.__struct_fields__)
    assert described["additionalProperties"] is False
    assert "fallback" in described["required"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_write_scenarios_is_refused(scenario_client: httpx.AsyncClient, method: str) -> None:
    assert (await scenario_client.request(method, "/v1/scenarios")).status_code == 405
