"""The course of releases over HTTP: for the department that lets one grow, and for the city that may take it back."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from auth.guards import official
from auth.principal import Principal
from miniapps.errors import (
    AppUnknown,
    NothingToGoBackTo,
    OtherDepartment,
    ReleaseUnknown,
    StateConflict,
    StepNotNext,
    StepTooSoon,
    ZonesNarrowed,
)
from miniapps.refusals import refuses
from miniapps.registry.routes import TAGS, AppIdPath
from miniapps.releases.models import ReleaseView
from miniapps.releases.routes import READERS
from miniapps.rollouts.models import ReleaseDetail, ReleaseList, RollBack, TakeStep
from miniapps.rollouts.service import Rollouts
from miniapps.states import ReleaseState
from miniapps.zones.errors import ZoneUnknown

State = Annotated[ReleaseState | None, QueryParameter(name="state", description="Only releases in this state")]


@get(
    "/v1/apps/{app_id:str}/releases",
    summary="A mini-app's releases",
    tags=TAGS,
    guards=[READERS],
    responses=refuses(AppUnknown, OtherDepartment),
)
async def list_releases(
    *,
    app_id: AppIdPath,
    connection: Injected[Connection],
    principal: Injected[Principal],
    rollouts: Injected[Rollouts],
    after: After = None,
    limit: Limit = 20,
) -> ReleaseList:
    """Newest first, with how far each has come or why it ended."""
    return await rollouts.list_releases(connection, principal, app_id, after=after, limit=limit)


@get(
    "/v1/releases",
    summary="Releases of all mini-apps",
    tags=TAGS,
    guards=[official("reviewer", "system_admin", "audit_admin")],
)
async def list_all_releases(
    *,
    connection: Injected[Connection],
    rollouts: Injected[Rollouts],
    in_state: State = None,
    after: After = None,
    limit: Limit = 20,
) -> ReleaseList:
    """Newest first: `?state=gray` is what grows now, `?state=halted` what the city's watch took back."""
    return await rollouts.list_all(connection, state=in_state, after=after, limit=limit)


@get(
    "/v1/apps/{app_id:str}/releases/{release_id:uuid}",
    summary="A release with its course and how it fares",
    tags=TAGS,
    guards=[READERS],
    responses=refuses(AppUnknown, ReleaseUnknown, OtherDepartment),
)
async def get_release(
    app_id: AppIdPath,
    release_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    rollouts: Injected[Rollouts],
) -> ReleaseDetail:
    """What comes next and from when on, its calls beside those of the published release, and what it asks for anew."""
    return await rollouts.get_release(connection, principal, app_id, release_id)


@post(
    "/v1/apps/{app_id:str}/releases/{release_id:uuid}/steps",
    summary="Let a release reach more citizens",
    tags=TAGS,
    guards=[official("developer")],
    responses=refuses(
        AppUnknown,
        ReleaseUnknown,
        OtherDepartment,
        StateConflict,
        StepNotNext,
        StepTooSoon,
        ZonesNarrowed,
        ZoneUnknown,
    ),
)
async def take_step(
    *,
    app_id: AppIdPath,
    release_id: FromPath[UUID],
    data: JSONBody[TakeStep],
    connection: Injected[Connection],
    principal: Injected[Principal],
    rollouts: Injected[Rollouts],
    once: Injected[Once],
) -> ReleaseView:
    """1 → 5 → 20 → 50 → 100 per cent; nobody who has it loses it by a step. The watch goes on all the while."""
    return await once(ReleaseView, lambda: rollouts.take_step(connection, principal, app_id, release_id, data))


@post(
    "/v1/apps/{app_id:str}/releases/{release_id:uuid}/publish",
    summary="Publish a release that has reached everybody",
    tags=TAGS,
    status_code=200,
    guards=[official("developer")],
    responses=refuses(AppUnknown, ReleaseUnknown, OtherDepartment, StateConflict, StepNotNext, StepTooSoon),
)
async def publish_release(
    *,
    app_id: AppIdPath,
    release_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    rollouts: Injected[Rollouts],
    once: Injected[Once],
) -> ReleaseView:
    """In place of the one before, for visitors too, and at the live address of its backend."""
    return await once(ReleaseView, lambda: rollouts.publish(connection, principal, app_id, release_id))


@post(
    "/v1/apps/{app_id:str}/releases/{release_id:uuid}/roll-back",
    summary="Take a release back",
    tags=TAGS,
    status_code=200,
    guards=[official("developer", "reviewer", "system_admin")],
    responses=refuses(AppUnknown, ReleaseUnknown, OtherDepartment, StateConflict, NothingToGoBackTo),
)
async def roll_back(
    *,
    app_id: AppIdPath,
    release_id: FromPath[UUID],
    data: JSONBody[RollBack],
    connection: Injected[Connection],
    principal: Injected[Principal],
    rollouts: Injected[Rollouts],
    once: Injected[Once],
) -> ReleaseView:
    """Without review, on every node within two seconds. In place of a published one comes the version before it."""
    return await once(ReleaseView, lambda: rollouts.roll_back(connection, principal, app_id, release_id, data))


router = Router(
    path="/", route_handlers=[list_releases, list_all_releases, get_release, take_step, publish_release, roll_back]
)
