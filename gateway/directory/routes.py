"""The services of the city, listed and found, for anybody; for whoever signed in, as they are served."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.params import QueryParameter

from app.kit.http import Injected
from auth.guards import public
from gateway.directory.models import Filters
from gateway.directory.service import Directory
from gateway.home.routes import Zone, caller_of
from miniapps.catalogue.answers import IfNoneMatch, tagged
from miniapps.catalogue.models import SearchView, ServiceList

After = Annotated[str, QueryParameter(pattern=r"^[a-z0-9.-]{0,128}$(?!\n)", description="The last app id already read")]
Limit = Annotated[int, QueryParameter(ge=1, le=200)]
Most = Annotated[int, QueryParameter(ge=1, le=50, description="How many answers at most")]
Question = Annotated[
    str,
    QueryParameter(
        min_length=1,
        max_length=64,
        pattern=r"^[^\u0000-\u001f\u007f]*$(?!\n)",
        description="Chinese, pinyin, initials or a mixture; of several words all",
    ),
]
Word = Annotated[str | None, QueryParameter(min_length=1, max_length=64)]


@get("/v1/services", summary="The catalogue of mini-apps", tags=["catalogue"])
async def list_services(
    request: Request[Any, Any, Any],
    directory: Injected[Directory],
    *,
    if_none_match: IfNoneMatch = None,
    after: After = "",
    limit: Limit = 50,
    zone: Zone = None,
    subject: Word = None,
    life_event: Word = None,
) -> Response[ServiceList]:
    """In the order of app ids. A suspended mini-app stays in it, with the reason and what to do instead."""
    caller = caller_of(request)
    filters = Filters(zone=zone, subject=subject, life_event=life_event)
    page = await directory.list_services(caller, filters, after=after, limit=limit)
    return tagged(page, if_none_match, private=caller is not None)


@get("/v1/search", summary="Find a service", tags=["catalogue"])
async def search_services(
    request: Request[Any, Any, Any], directory: Injected[Directory], q: Question, limit: Most = 20, zone: Zone = None
) -> SearchView:
    """By name, keyword, item of business, life event, subject and department. Each answer says why it is one.

    Questions are neither kept nor logged.
    """
    return await directory.search(caller_of(request), q, zone=zone, limit=limit)


router = Router(path="/", route_handlers=[list_services, search_services], guards=[public])
