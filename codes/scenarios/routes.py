"""The catalogue of scenarios for everybody: scanners, phones, offline verifiers, and citizens who want to know."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.di import Provide

from app.kit.etags import NOT_MODIFIED, is_current
from app.kit.http import Injected
from app.kit.structs import Model
from auth.guards import public
from codes.scenarios.catalogue import Scenarios
from codes.scenarios.models import Scenario

FRESH_FOR_SECONDS = 300


class ScenarioList(Model):
    """All scenarios, in the order of their numbers."""

    version: str
    items: list[Scenario]
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
    return Response(ScenarioList(version=scenarios.version, items=list(scenarios)), headers=headers)


def scenario_router(scenarios: Scenarios) -> Router:
    """The public route over `scenarios`."""
    return Router(
        path="/",
        route_handlers=[list_scenarios],
        dependencies={"scenarios": Provide(lambda: scenarios, sync_to_thread=False)},
        tags=["codes: scenarios"],
    )
