"""A guardian's children."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import Injected, refuse
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.guards import REAL_NAME, person
from auth.mandates.guardians import Guardians
from auth.mandates.models import AddChild, ChildView
from auth.principal import Principal


class ChildList(Model):
    """All children, in the order in which they were added; `next` is always null, since there are few."""

    items: list[ChildView]
    next: str | None = None


@post("/v1/me/children", summary="Add a child of mine", tags=["me"])
async def add_child(
    request: Request[Any, Any, Any],
    data: JSONBody[AddChild],
    principal: Injected[Principal],
    guardians: Injected[Guardians],
) -> Response[ChildView]:
    """The population registry confirms that you are the guardian. Needs a sign-in of the last minutes.

    You can then show the child's code from your own phone until the child is 18. Repeating it is harmless.
    """
    answer = await guardians.add_child(principal, data)
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer)


@get("/v1/me/children", summary="My children", tags=["me"])
async def list_my_children(
    connection: Injected[Connection], principal: Injected[Principal], guardians: Injected[Guardians]
) -> ChildList:
    return ChildList(items=await guardians.list_children(connection, principal))


@delete("/v1/me/children/{child_id:uuid}", summary="Remove a child of mine", tags=["me"], status_code=200)
async def remove_child(
    connection: Injected[Connection],
    principal: Injected[Principal],
    guardians: Injected[Guardians],
    once: Injected[Once],
    child_id: FromPath[UUID],
) -> ChildView:
    """You no longer show codes for this child here; those on your phone end at once. Nothing else changes by it."""
    return await once(ChildView, lambda: guardians.remove_child(connection, principal, child_id))


router = Router(path="/", route_handlers=[add_child, list_my_children, remove_child], guards=[person(ial=REAL_NAME)])
