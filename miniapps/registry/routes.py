"""The register over HTTP: for a department's developers, and for the city's reviewers."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter

from app.kit.database import Connection
from app.kit.http import Injected, Limit
from app.kit.idempotency import Once
from auth.guards import official
from auth.principal import Principal
from miniapps.errors import AppIdTaken, AppUnknown, OrganizationNotActive, OtherDepartment, StateConflict
from miniapps.refusals import refuses
from miniapps.registry.models import AppList, AppView, RegisterApp, ResumeApp, SuspendApp
from miniapps.registry.service import Registry

AppIdPath = Annotated[
    str,
    PathParameter(
        pattern=r"^[a-z][a-z0-9.-]{0,127}$(?!\n)", description="Reverse domain name of the mini-app: cn.example.library"
    ),
]
AfterApp = Annotated[
    str, QueryParameter(pattern=r"^[a-z0-9.-]{0,128}$(?!\n)", description="The last app id already read")
]
STAFF = official("developer", "reviewer", "system_admin", "audit_admin")
TAGS = ["mini-apps"]


@post(
    "/v1/departments/{organization_id:uuid}/apps",
    summary="Register a mini-app",
    tags=TAGS,
    guards=[official("developer")],
    responses=refuses(OtherDepartment, OrganizationNotActive, AppIdTaken),
)
async def register_app(
    *,
    organization_id: FromPath[UUID],
    data: JSONBody[RegisterApp],
    connection: Injected[Connection],
    principal: Injected[Principal],
    registry: Injected[Registry],
    once: Injected[Once],
) -> AppView:
    """Reserves a reverse domain name for the department, for ever."""
    return await once(AppView, lambda: registry.register_app(connection, principal, organization_id, data))


@get(
    "/v1/departments/{organization_id:uuid}/apps",
    summary="A department's mini-apps",
    tags=TAGS,
    guards=[STAFF],
    responses=refuses(OtherDepartment),
)
async def list_apps(
    *,
    organization_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    registry: Injected[Registry],
    after: AfterApp = "",
    limit: Limit = 20,
) -> AppList:
    """All that it registered, also what citizens do not see; for itself and for the city's staff."""
    return await registry.list_apps(connection, principal, organization_id, after=after, limit=limit)


@get(
    "/v1/apps/{app_id:str}",
    summary="A mini-app's state",
    tags=TAGS,
    guards=[STAFF],
    responses=refuses(AppUnknown, OtherDepartment),
)
async def get_app(
    app_id: AppIdPath,
    connection: Injected[Connection],
    principal: Injected[Principal],
    registry: Injected[Registry],
) -> AppView:
    """For the department that owns it and for the city's staff."""
    return await registry.get_app(connection, principal, app_id)


@post(
    "/v1/apps/{app_id:str}/suspend",
    summary="Take a mini-app away from all citizens",
    tags=TAGS,
    status_code=200,
    guards=[official("reviewer", "system_admin")],
    responses=refuses(AppUnknown, StateConflict),
)
async def suspend(
    *,
    app_id: AppIdPath,
    data: JSONBody[SuspendApp],
    connection: Injected[Connection],
    principal: Injected[Principal],
    registry: Injected[Registry],
    once: Injected[Once],
) -> AppView:
    """On every node within two seconds. Citizens read the reason and what they can do instead."""
    return await once(AppView, lambda: registry.suspend(connection, principal, app_id, data))


@post(
    "/v1/apps/{app_id:str}/resume",
    summary="Give a suspended mini-app back",
    tags=TAGS,
    status_code=200,
    guards=[official("reviewer", "system_admin")],
    responses=refuses(AppUnknown, StateConflict),
)
async def resume(
    *,
    app_id: AppIdPath,
    data: JSONBody[ResumeApp],
    connection: Injected[Connection],
    principal: Injected[Principal],
    registry: Injected[Registry],
    once: Injected[Once],
) -> AppView:
    """With the release that was published when it was suspended, or a newer one."""
    return await once(AppView, lambda: registry.resume(connection, principal, app_id, data))


router = Router(path="/", route_handlers=[register_app, list_apps, get_app, suspend, resume])
