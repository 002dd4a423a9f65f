"""Enterprise codes, for the organization's agents."""

from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from auth.guards import organization_agent_for
from auth.principal import Principal
from codes.enterprise.enterprises.models import CodeList, CodeView, IssueCode
from codes.enterprise.enterprises.posters import EnterprisePosters
from codes.enterprise.enterprises.service import EnterpriseCodes
from codes.pictures.answers import ShowsPicture, picture_response
from codes.pictures.studio import PictureForm

KEEPS_CODES: Final = organization_agent_for("enterprise-codes")


@post(
    "/v1/organizations/{organization_id:uuid}/codes",
    guards=[KEEPS_CODES],
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


@get("/v1/organizations/{organization_id:uuid}/codes", guards=[KEEPS_CODES], summary="The organization's codes")
async def list_codes(
    *,
    organization_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    enterprise_codes: Injected[EnterpriseCodes],
    after: After = None,
    limit: Limit = 50,
) -> CodeList:
    """A page, newest first."""
    return await enterprise_codes.list_page(connection, principal, organization_id, after=after, limit=limit)


@delete(
    "/v1/organizations/{organization_id:uuid}/codes/{code_id:uuid}",
    guards=[KEEPS_CODES],
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


@get(
    "/v1/organizations/{organization_id:uuid}/codes/{code_id:uuid}/poster",
    guards=[KEEPS_CODES],
    summary="The poster of an enterprise code",
    description="A4, with the organization's registered name and credit code. Drawn once and kept.",
    operation_class=ShowsPicture,
)
async def draw_code(
    *,
    organization_id: FromPath[UUID],
    code_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    principal: Injected[Principal],
    enterprise_posters: Injected[EnterprisePosters],
    form: Annotated[PictureForm, QueryParameter()] = "png",
) -> Response[Any]:
    """For a printer (PNG, PDF) or a printing works (SVG)."""
    picture = await enterprise_posters.draw(principal, organization_id, code_id, form)
    return picture_response(picture, f"enterprise-code-{code_id}", request)


def enterprise_router(enterprise_codes: EnterpriseCodes, posters: EnterprisePosters) -> Router:
    """The routes over enterprise codes."""
    return Router(
        path="/",
        route_handlers=[issue_code, list_codes, revoke_code, draw_code],
        dependencies={
            "enterprise_codes": Provide(lambda: enterprise_codes, sync_to_thread=False),
            "enterprise_posters": Provide(lambda: posters, sync_to_thread=False),
        },
        tags=["codes: enterprises"],
    )
