"""Badges of helpers and volunteers, for the officials of the organization that answers for them."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import After, Injected, Limit, refuse
from app.kit.idempotency import Once
from auth.guards import official
from auth.mandates.helpers.models import AppointHelper, HelperList, HelperView
from auth.mandates.helpers.service import Helpers
from auth.principal import Principal


@post("/v1/staff/helpers", summary="Give a helper a badge", tags=["staff"])
async def appoint_helper(
    *,
    request: Request[Any, Any, Any],
    data: JSONBody[AppointHelper],
    connection: Injected[Connection],
    principal: Injected[Principal],
    once: Injected[Once],
    helpers: Injected[Helpers],
) -> Response[HelperView]:
    """Your organization answers for what they do beside citizens. Appointing again changes nothing."""
    answer: HelperView | SuishenError = await once(HelperView, lambda: helpers.appoint(connection, principal, data))
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer)


@get("/v1/staff/helpers", summary="Our helpers and volunteers", tags=["staff"])
async def list_helpers(
    *,
    connection: Injected[Connection],
    principal: Injected[Principal],
    helpers: Injected[Helpers],
    after: After = None,
    limit: Limit = 20,
) -> HelperList:
    return await helpers.list_helpers(connection, principal, after=after, limit=limit)


@delete("/v1/staff/helpers/{helper_id:uuid}", summary="Take a helper's badge back", tags=["staff"], status_code=200)
async def dismiss_helper(
    connection: Injected[Connection],
    principal: Injected[Principal],
    once: Injected[Once],
    helpers: Injected[Helpers],
    helper_id: FromPath[UUID],
) -> HelperView:
    """Ends at once what they may do on its strength."""
    return await once(HelperView, lambda: helpers.dismiss(connection, principal, helper_id))


router = Router(path="/", route_handlers=[appoint_helper, list_helpers, dismiss_helper], guards=[official("counter")])
