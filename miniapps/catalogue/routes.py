"""The language in which departments declare themselves, for anybody to read."""

from typing import Any

from litestar import Response, Router, get

from auth.guards import public
from miniapps.catalogue.answers import IfNoneMatch, tagged
from miniapps.manifest import json_schema


@get("/v1/manifest-schema", summary="JSON Schema of ssb-manifest/1", tags=["catalogue"], sync_to_thread=False)
def get_manifest_schema(if_none_match: IfNoneMatch = None) -> Response[dict[str, Any]]:
    """JSON Schema 2020-12, for editors and for departments' own checks."""
    return tagged(json_schema(), if_none_match)


router = Router(path="/", route_handlers=[get_manifest_schema], guards=[public])
