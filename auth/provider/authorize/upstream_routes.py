"""The steps by which a browser signs in at another house: there, back, and the picture for the national app.

Leaving is a link and no form: a policy that let forms lead to the other house would let every form lead there.
"""

from typing import Final
from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath

from app.kit.http import Injected
from auth.guards import public
from auth.login.upstream.models import Returned
from auth.login.upstream.service import BROWSER_CALLBACK
from auth.provider.authorize.desk import Anything, Page
from auth.provider.authorize.upstream import UpstreamDesk
from auth.provider.forms import read_form, read_query

PARTS: Final = ("state", "code", "iss", "error")


@get("/oauth/requests/{request_id:uuid}/upstream", summary="Leave", tags=["provider"], include_in_schema=False)
async def leave(
    request: Anything, upstream_desk: Injected[UpstreamDesk], address: Injected[str], request_id: FromPath[UUID]
) -> Page:
    """To the national provider, from a page of ours alone."""
    return await upstream_desk.leave(request, request_id, address=address)


@get(BROWSER_CALLBACK, summary="Come back", tags=["provider"], include_in_schema=False)
async def come_back(request: Anything, upstream_desk: Injected[UpstreamDesk], address: Injected[str]) -> Page:
    """Where the national provider sends the browser; a parameter that stands twice is none."""
    query = read_query(request) or {}
    returned = Returned(**{part: query.get(part, "") for part in PARTS})
    return await upstream_desk.come_back(request, returned, address=address)


@post("/oauth/requests/{request_id:uuid}/network", summary="Show a picture", tags=["provider"], include_in_schema=False)
async def ask_for_number(
    request: Anything, upstream_desk: Injected[UpstreamDesk], address: Injected[str], request_id: FromPath[UUID]
) -> Page:
    """A new picture each time; those from before are worth nothing."""
    return await upstream_desk.ask_for_number(request, request_id, address=address)


@post("/oauth/requests/{request_id:uuid}/presented", summary="Type it", tags=["provider"], include_in_schema=False)
async def show_number(
    request: Anything, upstream_desk: Injected[UpstreamDesk], address: Injected[str], request_id: FromPath[UUID]
) -> Page:
    """A success gives the browser a new session, whatever it held before."""
    number = (await read_form(request) or {}).get("number", "")
    return await upstream_desk.show_number(request, request_id, number, address=address)


router = Router(path="/", route_handlers=[leave, come_back, ask_for_number, show_number], guards=[public])
