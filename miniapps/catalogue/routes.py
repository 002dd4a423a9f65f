"""What anybody may read of mini-apps: the catalogue, and the language in which departments declare themselves."""

import hashlib
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get
from litestar.params import HeaderParameter, QueryParameter

from app.kit.database import Connection
from app.kit.etags import NOT_MODIFIED, is_current
from app.kit.http import Injected
from auth.guards import public
from miniapps.catalogue.models import ServiceList, service_view
from miniapps.manifest import json_schema
from miniapps.releases.service import Releases

IfNoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match", required=False)]
After = Annotated[str, QueryParameter(pattern=r"^[a-z0-9.-]{0,128}$(?!\n)", description="The last app id already read")]
Limit = Annotated[int, QueryParameter(ge=1, le=200)]


@get("/v1/services", summary="The catalogue of mini-apps", tags=["catalogue"])
async def list_services(
    connection: Injected[Connection],
    releases: Injected[Releases],
    if_none_match: IfNoneMatch = None,
    after: After = "",
    limit: Limit = 50,
) -> Response[ServiceList]:
    """In the order of app ids. A suspended mini-app stays in it, with the reason and what to do instead."""
    found = await releases.list_published(connection, after=after, limit=limit + 1)
    more = found[limit - 1].app_id if len(found) > limit else None
    return _tagged(ServiceList(items=[service_view(app) for app in found[:limit]], next=more), if_none_match)


@get("/v1/manifest-schema", summary="JSON Schema of ssb-manifest/1", tags=["catalogue"], sync_to_thread=False)
def get_manifest_schema(if_none_match: IfNoneMatch = None) -> Response[dict[str, Any]]:
    """JSON Schema 2020-12, for editors and for departments' own checks."""
    return _tagged(json_schema(), if_none_match)


def _tagged(content: Any, if_none_match: str | None) -> Response[Any]:
    etag = '"' + hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:32] + '"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if is_current(if_none_match, etag):
        return Response(None, status_code=NOT_MODIFIED, headers=headers)
    return Response(content, headers=headers)


router = Router(path="/", route_handlers=[list_services, get_manifest_schema], guards=[public])
