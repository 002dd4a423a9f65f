"""The public address of every code that hangs on a wall or is shown to an enterprise."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, Router, get
from litestar.di import Provide
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import FromPath

from app.kit.database import Connection
from app.kit.http import PROBLEM_JSON, Injected, refuse
from auth.guards import public
from codes.envelope.static_code import static_prefix
from codes.stickers.errors import CodeEnded, CodeNotOurs
from codes.stickers.page import OURS_BUT_ENDED, PageMaker
from codes.stickers.reading import PublicReader
from codes.trust.models import CodeFormat


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


@get(
    "/1/{code:str}",
    guards=[public],
    summary="What a code on a wall is",
    description="A page for any phone's camera; JSON when asked for. 404: not this city's. 410: revoked or expired. "
    "Enterprise codes (E), places and things (V), officers' inspection codes (I). Leaves no record of who looked.",
    operation_class=ShowsPageOrJson,
)
async def show_sticker(
    *,
    code: FromPath[str],
    request: Request[Any, Any, Any],
    connection: Injected[Connection],
    stickers: Injected[PublicReader],
    pages: Injected[PageMaker],
    code_format: Injected[CodeFormat],
) -> Response[Any]:
    """Reads in a transaction that cannot write."""
    sticker = await stickers.read(connection, static_prefix(code_format.host) + code)
    if not wants_json(request.headers.get("accept", "")):
        return pages.show(sticker)
    if sticker.description is not None:
        return Response(sticker.description.view, headers={"Cache-Control": "no-store"})
    return refuse(CodeEnded() if sticker.reason in OURS_BUT_ENDED else CodeNotOurs(), request)


def wants_json(accept: str) -> bool:
    """Whether the caller names JSON and does not name HTML before it, as browsers do."""
    names = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    json = [position for position, name in enumerate(names) if name in {"application/json", "application/*"}]
    html = [position for position, name in enumerate(names) if name in {"text/html", "text/*"}]
    return bool(json) and (not html or json[0] < html[0])


def sticker_router(stickers: PublicReader, pages: PageMaker, code_format: CodeFormat) -> Router:
    """The public route over codes on walls."""
    return Router(
        path="/",
        route_handlers=[show_sticker],
        dependencies={
            "stickers": Provide(lambda: stickers, sync_to_thread=False),
            "pages": Provide(lambda: pages, sync_to_thread=False),
            "code_format": Provide(lambda: code_format, sync_to_thread=False),
        },
        tags=["codes: stickers"],
    )
