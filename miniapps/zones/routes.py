"""The city's places over HTTP."""

from litestar import Response, Router, get

from app.kit.http import Injected
from auth.guards import public
from miniapps.catalogue.answers import IfNoneMatch, tagged
from miniapps.zones.models import ZoneTree, ZoneView


@get("/v1/zones", summary="The city's places, as a tree", tags=["catalogue"], sync_to_thread=False)
def get_zones(zones: Injected[ZoneTree], if_none_match: IfNoneMatch = None) -> Response[ZoneView]:
    """City, districts, streets and communities by their GB/T 2260 codes. A part has all that is offered around it."""
    return tagged(zones.view, if_none_match)


router = Router(path="/", route_handlers=[get_zones], guards=[public])
