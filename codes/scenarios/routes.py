"""The catalogue of scenarios for everybody: scanners, phones, offline verifiers, and citizens who want to know."""

from typing import Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.di import Provide

from app.kit.etags import NOT_MODIFIED, is_current
from app.kit.http import Injected
from app.kit.structs import Model
from auth.guards import public
from codes.scenarios.catalogue import Scenarios, catalogue_schema
from codes.scenarios.models import Scenario

FRESH_FOR_SECONDS = 300
SCHEMA_FRESH_SECONDS = 86_400


class ScenarioView(Scenario):
    """A scenario as a phone reads it: a new `disclosure_version` is shown to the holder before the next choice."""

    disclosure_version: str = ""


class ScenarioList(Model):
    """All scenarios, in the order of their numbers."""

    edition: int
    version: str
    items: list[ScenarioView]
    next: str | None = None


@get(
    "/v1/scenarios",
    guards=[public],
    summary="Every scenario in which a code may be scanned",
    description="What a scan is for, on which basis, what it may disclose, how long it is kept, and the other way.",
    sync_to_thread=False,
)
def list_scenarios(request: Request[Any, Any, Any], scenarios: Injected[Scenarios]) -> Response[ScenarioList]:
    """The whole catalogue; unchanged since the caller's copy: 304."""
    headers = {"ETag": f'"{scenarios.version}"', "Cache-Control": f"public, max-age={FRESH_FOR_SECONDS}"}
    if is_current(request.headers.get("if-none-match"), headers["ETag"]):
        return Response[Any](None, status_code=NOT_MODIFIED, headers=headers)
    items = [msgspec.convert(scenario, ScenarioView, from_attributes=True) for scenario in scenarios]
    return Response(ScenarioList(edition=scenarios.edition, version=scenarios.version, items=items), headers=headers)


@get(
    "/v1/scenarios/schema",
    guards=[public],
    summary="JSON Schema of a city's own scenario file",
    description="What `suishen scenarios check` reads, as far as a schema can say it.",
    media_type="application/schema+json",
    sync_to_thread=False,
)
def read_scenario_schema() -> Response[dict[str, Any]]:
    """Draft 2020-12."""
    headers = {"Cache-Control": f"public, max-age={SCHEMA_FRESH_SECONDS}"}
    return Response(catalogue_schema(), headers=headers, media_type="application/schema+json")


def scenario_router(scenarios: Scenarios) -> Router:
    """The public route over `scenarios`."""
    return Router(
        path="/",
        route_handlers=[list_scenarios, read_scenario_schema],
        dependencies={"scenarios": Provide(lambda: scenarios, sync_to_thread=False)},
        tags=["codes: scenarios"],
    )
