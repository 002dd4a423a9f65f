"""The tree of departments: who stands under whom, and moving one. A department never stands under itself."""

from typing import Final
from uuid import UUID

from litestar import Router, get, put
from litestar.params import FromPath, JSONBody

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import Conflict
from app.kit.http import Injected
from app.kit.idempotency import Once
from app.kit.structs import Model, Request, Text, convert
from auth.guards import official
from auth.organizations.errors import OrganizationUnknown
from auth.principal import Principal

DEEPEST: Final = 8


class TreeRefused(Conflict):
    """The place would be under the department itself, too deep, or under something that is no department."""

    slug = "department-tree-refused"
    title = Text(zh="不能移动到该上级单位", en="The department cannot stand there")
    remedy = Text(
        zh="上级必须是另一个部门，且不能是本部门的下级；层级不超过八级。",
        en="Choose another department that does not stand under this one, at most eight deep.",
    )


class MoveDepartment(Request):
    """Under whom it stands; null: under nobody."""

    parent_id: UUID | None


class Branch(Model):
    """A department in its tree. `depth` counts from the one that was asked for."""

    id: UUID
    name: str
    parent_id: UUID | None
    depth: int


class Tree(Model):
    """A department and everything under it, parents before children; `next` is always null."""

    items: list[Branch]
    next: str | None = None


# The tree is small and changes rarely: whoever moves something waits for whoever else does, so that no circle closes.
LOCK_TREE = "select pg_advisory_xact_lock(hashtext('auth.department_tree'))"
LIST_BRANCHES = """
with recursive branch as (
  select id, name, parent_id, 0 as depth from auth.organization where id = $1 and kind = 'department'
  union all
  select child.id, child.name, child.parent_id, branch.depth + 1
    from auth.organization child join branch on child.parent_id = branch.id
   where child.kind = 'department' and branch.depth < $2
)
select id, name, parent_id, depth from branch order by depth, id
"""
COUNT_ABOVE = """
with recursive above as (
  select id, parent_id, 1 as depth from auth.organization where id = $1 and kind = 'department'
  union all
  select o.id, o.parent_id, above.depth + 1 from auth.organization o join above on o.id = above.parent_id
   where above.depth < 100
)
select coalesce(max(depth), 0) from above
"""
MARK_PARENT = "update auth.organization set parent_id = $2 where id = $1"


async def list_branches(connection: Connection, department_id: UUID) -> list[Branch]:
    """The department and everything under it; raises `OrganizationUnknown` for what is no department."""
    branches = [convert(row, Branch) for row in await connection.fetch(LIST_BRANCHES, department_id, DEEPEST)]
    if not branches:
        raise OrganizationUnknown
    return branches


async def move_department(
    connection: Connection, principal: Principal, department_id: UUID, parent_id: UUID | None, *, clock: Clock
) -> Tree:
    """The department with everything under it, in its new place. Raises `OrganizationUnknown`, `TreeRefused`."""
    await connection.execute(LOCK_TREE)
    branches = await list_branches(connection, department_id)
    if parent_id is not None:
        above = await connection.fetchval(COUNT_ABOVE, parent_id)
        height = branches[-1].depth + 1
        if parent_id in {branch.id for branch in branches} or not above or above + height > DEEPEST:
            raise TreeRefused
    await connection.execute(MARK_PARENT, department_id, parent_id)
    await audit.record(
        connection,
        clock_now=clock.now(),
        actor=principal.actor,
        action="organization.moved",
        subject=f"organization:{department_id}",
        detail={"parent_id": None if parent_id is None else str(parent_id)},
    )
    return Tree(items=await list_branches(connection, department_id))


@get("/v1/staff/departments/{organization_id:uuid}/tree", summary="A department and all under it", tags=["staff"])
async def show_tree(connection: Injected[Connection], organization_id: FromPath[UUID]) -> Tree:
    """Parents before children."""
    return Tree(items=await list_branches(connection, organization_id))


@put("/v1/staff/departments/{organization_id:uuid}/parent", summary="Move a department", tags=["staff"])
async def move(
    *,
    organization_id: FromPath[UUID],
    data: JSONBody[MoveDepartment],
    connection: Injected[Connection],
    principal: Injected[Principal],
    clock: Injected[Clock],
    once: Injected[Once],
) -> Tree:
    """With everything under it. It never comes to stand under itself."""
    return await once(
        Tree, lambda: move_department(connection, principal, organization_id, data.parent_id, clock=clock)
    )


router = Router(path="/", route_handlers=[show_tree, move], guards=[official("system_admin")])
