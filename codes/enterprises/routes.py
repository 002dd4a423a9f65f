"""Enterprise codes: for the organization's agents, and the public page behind each sticker."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post
from litestar.di import Provide
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.database import Connection
from app.kit.http import PROBLEM_JSON, Injected, refuse
from app.kit.idempotency import Once
from auth.guards import organization_agent, public
from auth.principal import Principal
from codes.enterprises.errors import CodeEnded, CodeNotOurs
from codes.enterprises.models import CodeList, CodeView, IssueCode, sticker_view_of
from codes.enterprises.page import OURS_BUT_ENDED, PageMaker
from codes.enterprises.reading import StickerReader
from codes.enterprises.service import EnterpriseCodes
from codes.envelope.static_code import static_prefix
from codes.trust.models import CodeFormat
from codes.verdict import Reason


@dataclass
class ShowsPageOrJson(Operation):
    """Says in OpenAPI that the answer is a page, or JSON for programs that ask for it; refusals likewise."""

    def __post_init__(self) -> None:
        """Describes the answers."""
        page = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
        facts = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT))
        problem = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT))
        self.responses = {
            "200": OpenAPIResponse("A valid code", content={"text/html": page, "application/json": facts}),
            "404": OpenAPIResponse("Not a code of this city", content={"text/html": page, PROBLEM_JSON: problem}),
            "410": OpenAPIResponse("Revoked or expired", content={"text/html": page, PROBLEM_JSON: problem}),
        }


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


@get(
    "/1/{code:str}",
    guards=[public],
    summary="What a sticker is",
    description="A page for any phone's camera; JSON when asked for. 404: not this city's. 410: revoked or expired.",
    operation_class=ShowsPageOrJson,
)
async def show_sticker(
    *,
    code: FromPath[str],
    request: Request[Any, Any, Any],
    connection: Injected[Connection],
    stickers: Injected[StickerReader],
    pages: Injected[PageMaker],
    code_format: Injected[CodeFormat],
) -> Response[Any]:
    """Leaves no record of who looked."""
    sticker = (await stickers.read(connection, static_prefix(code_format.host) + code)).sticker
    if not wants_json(request.headers.get("accept", "")):
        return pages.show(sticker)
    if sticker.reason is Reason.OK and sticker.code is not None:
        return Response(sticker_view_of(sticker, sticker.code), headers={"Cache-Control": "no-store"})
    return refuse(CodeEnded() if sticker.reason in OURS_BUT_ENDED else CodeNotOurs(), request)


def wants_json(accept: str) -> bool:
    """Whether the caller names JSON and does not name HTML before it, as browsers do."""
    names = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    json = [position for position, name in enumerate(names) if name in {"application/json", "application/*"}]
    html = [position for position, name in enumerate(names) if name in {"text/html", "text/*"}]
    return bool(json) and (not html or json[0] < html[0])


def enterprise_router(
    enterprise_codes: EnterpriseCodes, stickers: StickerReader, pages: PageMaker, code_format: CodeFormat
) -> Router:
    """The routes over enterprise codes."""
    return Router(
        path="/",
        route_handlers=[issue_code, list_codes, revoke_code, show_sticker],
        dependencies={
            "enterprise_codes": Provide(lambda: enterprise_codes, sync_to_thread=False),
            "stickers": Provide(lambda: stickers, sync_to_thread=False),
            "pages": Provide(lambda: pages, sync_to_thread=False),
            "code_format": Provide(lambda: code_format, sync_to_thread=False),
        },
        tags=["codes: enterprises"],
    )
