"""Opening a mini-app from the city's app. What is handed over is redeemed at `/oauth/token` by the mini-app itself."""

from uuid import UUID

from litestar import Response, Router, post
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.idempotency import Once
from auth.guards import person
from auth.principal import Principal
from auth.provider.launch.models import AnswerLaunch, LaunchApp, LaunchView
from auth.provider.launch.service import Launches

NO_STORE = {"Cache-Control": "no-store"}


@post("/v1/launches", summary="Open a mini-app", tags=["me"])
async def launch_app(
    data: JSONBody[LaunchApp],
    connection: Injected[Connection],
    principal: Injected[Principal],
    launches: Injected[Launches],
    once: Injected[Once],
) -> Response[LaunchView]:
    """With the challenge that the mini-app's page gave over the bridge. Hand `code` and `iss` back to it, by the bridge
    or in a POST, never in an address.

    Refusals: `app-not-launchable`, `launch-invalid`, `step-up-required` with what is enough.
    """
    view = await once(LaunchView, lambda: launches.launch(connection, principal, data))
    return Response(view, status_code=201, headers=NO_STORE)


@post("/v1/launches/{launch_id:uuid}/answers", summary="Decide what it may know", tags=["me"], status_code=200)
async def answer_launch(
    *,
    data: JSONBody[AnswerLaunch],
    connection: Injected[Connection],
    principal: Injected[Principal],
    launches: Injected[Launches],
    once: Injected[Once],
    launch_id: FromPath[UUID],
) -> Response[LaunchView]:
    """For the page that was shown, by its name and the version of its words. Refusals: `launch-unknown`,
    `launch-answer-stale`.
    """
    view = await once(LaunchView, lambda: launches.answer(connection, principal, launch_id, data))
    return Response(view, status_code=200, headers=NO_STORE)


@post(
    "/v1/launches/{launch_id:uuid}/guardian-requests",
    summary="Ask my guardians",
    tags=["me"],
    status_code=200,
)
async def ask_guardians_about_launch(
    connection: Injected[Connection],
    principal: Injected[Principal],
    launches: Injected[Launches],
    once: Injected[Once],
    launch_id: FromPath[UUID],
) -> LaunchView:
    """For a child under fourteen, whose guardians decide. Refusal: `launch-unknown`."""
    return await once(LaunchView, lambda: launches.ask_guardians(connection, principal, launch_id))


router = Router(
    path="/",
    route_handlers=[launch_app, answer_launch, ask_guardians_about_launch],
    guards=[person()],
)
