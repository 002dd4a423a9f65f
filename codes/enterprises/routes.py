"""Enterprise codes, for the organization's agents."""

from typing import Annotated
from uuid import UUID

from litestar import Router, delete, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.idempotency import Once
from auth.guards import organization_agent
from auth.principal import Principal
from codes.enterprises.models import CodeList, CodeView, IssueCode
from codes.enterprises.service import EnterpriseCodes


@post(
    "/v1/organizations/{organization_id:uuid}/codes",
    guards=[organization_agent],
    summary="Issue an enterprise code",
    description="`carrier` goes into the picture byte for byte: uppercase, so that an alphanumeric QR code takes it.",
)
async def issue_code(
    *,
    organization_id: FromPath[UUID],
    data: JSONBody[IssueCode],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    enterprise_codes: Injected[EnterpriseCodes],
) -> CodeView:
    """A sticker for months, revocable at any time."""
    return await once(CodeView, lambda: enterprise_codes.issue(connection, principal, organization_id, data))


@get("/v1/organizations/{organization_id:uuid}/codes", guards=[organization_agent], summary="The organization's codes")
async def list_codes(
    *,
    organization_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    enterprise_codes: Injected[EnterpriseCodes],
    after: Annotated[UUID | None, QueryParameter()] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> CodeList:
    """A page, newest first."""
    return await enterprise_codes.list_page(connection, principal, organization_id, after=after, limit=limit)


@delete(
    "/v1/organizations/{organization_id:uuid}/codes/{code_id:uuid}",
    guards=[organization_agent],
    status_code=200,
    summary="Revoke an enterprise code",
)
async def revoke_code(
    *,
    organization_id: FromPath[UUID],
    code_id: FromPath[UUID],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    enterprise_codes: Injected[EnterpriseCodes],
) -> CodeView:
    """The page says so at once, offline verifiers when they next pull the status lists."""
    return await once(CodeView, lambda: enterprise_codes.revoke(connection, principal, organization_id, code_id))


def enterprise_router(enterprise_codes: EnterpriseCodes) -> Router:
    """The routes over enterprise codes."""
    return Router(
        path="/",
        route_handlers=[issue_code, list_codes, revoke_code],
        dependencies={"enterprise_codes": Provide(lambda: enterprise_codes, sync_to_thread=False)},
        tags=["codes: enterprises"],
    )
