"""Staff administration: departments and accounts."""

from uuid import UUID

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.guards import official
from auth.officials.models import OfficialView, RegisteredOfficial, RegisterOfficial
from auth.officials.service import Officials
from auth.organizations.models import OrganizationView, RegisterDepartment
from auth.organizations.service import Organizations
from auth.principal import Principal


class DepartmentList(Model):
    """Departments; `next` is the `after` of the following page."""

    items: list[OrganizationView]
    next: UUID | None


class OfficialList(Model):
    """Staff accounts; `next` is the `after` of the following page."""

    items: list[OfficialView]
    next: UUID | None


class Disabled(Model):
    """How many sessions ended with the account."""

    sessions_ended: int


@post("/v1/staff/departments", summary="Register a department", tags=["staff"])
async def register_department(
    data: JSONBody[RegisterDepartment],
    connection: Injected[Connection],
    principal: Injected[Principal],
    organizations: Injected[Organizations],
    once: Injected[Once],
) -> OrganizationView:
    return await once(
        OrganizationView, lambda: organizations.register_department(connection, data, actor=principal.actor)
    )


@get("/v1/staff/departments", summary="All departments", tags=["staff"])
async def list_departments(
    connection: Injected[Connection],
    organizations: Injected[Organizations],
    after: After = None,
    limit: Limit = 50,
) -> DepartmentList:
    items, following = await organizations.list_departments(connection, after=after, limit=limit)
    return DepartmentList(items=items, next=following)


@post("/v1/staff/officials", summary="Make a staff account", tags=["staff"])
async def register_official(
    data: JSONBody[RegisterOfficial],
    connection: Injected[Connection],
    principal: Injected[Principal],
    officials: Injected[Officials],
    once: Injected[Once],
) -> RegisteredOfficial:
    """The secret of the second factor is in the answer, this once."""
    return await once(RegisteredOfficial, lambda: officials.register_by(connection, principal, data))


@get("/v1/staff/officials", summary="All staff accounts", tags=["staff"])
async def list_officials(
    connection: Injected[Connection],
    officials: Injected[Officials],
    after: After = None,
    limit: Limit = 50,
) -> OfficialList:
    items, following = await officials.list_officials(connection, after=after, limit=limit)
    return OfficialList(items=items, next=following)


@delete("/v1/staff/officials/{official_id:uuid}", summary="Close a staff account", tags=["staff"], status_code=200)
async def disable_official(
    connection: Injected[Connection],
    principal: Injected[Principal],
    officials: Injected[Officials],
    once: Injected[Once],
    official_id: FromPath[UUID],
) -> Disabled:
    """Its sessions end with it. Operators' accounts are closed at the machine."""

    async def act() -> Disabled:
        return Disabled(sessions_ended=await officials.disable_by(connection, principal, official_id))

    return await once(Disabled, act)


router = Router(
    path="/",
    route_handlers=[register_department, list_departments, register_official, list_officials, disable_official],
    guards=[official("system_admin")],
)
