"""A copy of everything that the city keeps about me."""

from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.guards import person, stepped_up
from auth.principal import Principal
from auth.privacy.exports.models import ExportFile, ExportView
from auth.privacy.exports.service import Exports


class ExportList(Model):
    """Copies, newest first; `next` is the `after` of the following page."""

    items: list[ExportView]
    next: UUID | None


@post(
    "/v1/me/export",
    summary="Ask for a copy of my data",
    tags=["me"],
    status_code=202,
    guards=[stepped_up(aal=1)],
)
async def request_export(
    connection: Injected[Connection],
    principal: Injected[Principal],
    exports: Injected[Exports],
    once: Injected[Once],
) -> ExportView:
    """Made within a minute; you are told. Three a day; while one is being made, another is refused.

    Needs a sign-in of the last minutes.
    """
    return await once(ExportView, lambda: exports.request_export(connection, principal))


@get("/v1/me/export", summary="Copies of my data", tags=["me"])
async def list_my_exports(
    connection: Injected[Connection],
    principal: Injected[Principal],
    exports: Injected[Exports],
    after: After = None,
    limit: Limit = 20,
) -> ExportList:
    items, following = await exports.list_exports(connection, principal, after=after, limit=limit)
    return ExportList(items=items, next=following)


@get(
    "/v1/me/export/{export_id:uuid}/file",
    summary="Fetch a copy of my data",
    tags=["me"],
    guards=[stepped_up(aal=1)],
)
async def fetch_export(
    connection: Injected[Connection],
    principal: Injected[Principal],
    exports: Injected[Exports],
    export_id: FromPath[UUID],
) -> Response[ExportFile]:
    """One JSON document, `suishen-export/1`: a part for each room that keeps something. Needs a fresh sign-in."""
    file = await exports.open_file(connection, principal, export_id)
    headers = {
        "Content-Disposition": f'attachment; filename="suishen-export-{export_id}.json"',
        "Cache-Control": "no-store",
    }
    return Response(file, headers=headers)


router = Router(path="/", route_handlers=[request_export, list_my_exports, fetch_export], guards=[person()])
