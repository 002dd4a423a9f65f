"""The home page, and how a citizen arranges it, over HTTP."""

from typing import Annotated, Any

from litestar import Request, Router, delete, get, put
from litestar.params import JSONBody, PathParameter, QueryParameter

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import Injected
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.guards import citizen, public
from auth.principal import Principal
from gateway.home.choices import Choices
from gateway.home.layout import Layouts
from gateway.home.models import (
    ArrangeHome,
    Choice,
    ChooseHome,
    HiddenView,
    HomeView,
    LayoutView,
    PinView,
    Profile,
)
from gateway.home.service import Home
from miniapps.zones.codes import ZONE

Zone = Annotated[str | None, QueryParameter(pattern=ZONE, description="GB/T 2260 code of 6, 9 or 12 digits")]
AsProfile = Annotated[Profile | None, QueryParameter(description="`elder`: the shorter page in large text")]
AppId = Annotated[str, PathParameter(pattern=r"^[a-z0-9.-]{1,128}$(?!\n)", description="The mini-app's id")]


class Unpinned(Model):
    """The service that is no longer pinned."""

    app_id: str


class Unhidden(Model):
    """The service that is no longer hidden."""

    app_id: str


def caller_of(request: Request[Any, Any, Any]) -> Principal | None:
    """Whoever calls, None for nobody; raises the refusal of a token that is no good, instead of forgetting who asks."""
    refusal = request.scope.get("auth")
    if isinstance(refusal, SuishenError):
        raise refusal
    caller = request.scope.get("user")
    return caller if isinstance(caller, Principal) else None


@get("/v1/home", summary="The home page: all departments' cards in one call", tags=["home"], guards=[public])
async def get_home(
    request: Request[Any, Any, Any], home: Injected[Home], zone: Zone = None, profile: AsProfile = None
) -> HomeView:
    """Without a token: public cards only. A department that does not answer stands in `degraded`; it delays nobody.

    `zone` and `profile` are for this page alone; what holds without them is chosen at `PUT /v1/home/choice`.
    """
    return await home.gather(caller_of(request), zone, profile)


@get("/v1/home/choice", summary="Where you are at home, and how your pages look", tags=["home"], guards=[citizen])
async def get_choice(
    connection: Injected[Connection], principal: Injected[Principal], choices: Injected[Choices]
) -> Choice:
    """Without a zone: the whole city."""
    return await choices.find_choice_in(connection, principal.subject_id)


@put("/v1/home/choice", summary="Choose your zone and how your pages look", tags=["home"], guards=[citizen])
async def choose(
    connection: Injected[Connection],
    principal: Injected[Principal],
    choices: Injected[Choices],
    once: Injected[Once],
    data: JSONBody[ChooseHome],
) -> Choice:
    """Remembered on all your devices. Departments hear only which of their own zones you are in, and `SSB-Elder`."""
    return await once(Choice, lambda: choices.choose(connection, principal, data))


@get("/v1/home/layout", summary="How you arranged the home page", tags=["home"], guards=[citizen])
async def get_layout(
    connection: Injected[Connection], principal: Injected[Principal], layouts: Injected[Layouts]
) -> LayoutView:
    """What you pinned, in your order, and what you hid."""
    return await layouts.read(connection, principal)


@put("/v1/home/layout", summary="Arrange the home page", tags=["home"], guards=[citizen])
async def arrange_home(
    connection: Injected[Connection],
    principal: Injected[Principal],
    layouts: Injected[Layouts],
    once: Injected[Once],
    data: JSONBody[ArrangeHome],
) -> LayoutView:
    """The whole arrangement at once: what is pinned, in this order, and what is hidden. Each service at most once."""
    return await once(LayoutView, lambda: layouts.arrange(connection, principal, data))


@put("/v1/home/pins/{app_id:str}", summary="Keep a service at hand", tags=["home"], guards=[citizen])
async def pin_service(
    connection: Injected[Connection],
    principal: Injected[Principal],
    layouts: Injected[Layouts],
    once: Injected[Once],
    app_id: AppId,
) -> PinView:
    """Its department may from now on be asked for your cards."""
    return await once(PinView, lambda: layouts.pin(connection, principal, app_id))


@delete("/v1/home/pins/{app_id:str}", summary="Unpin a service", tags=["home"], guards=[citizen], status_code=200)
async def unpin_service(
    connection: Injected[Connection],
    principal: Injected[Principal],
    layouts: Injected[Layouts],
    once: Injected[Once],
    app_id: AppId,
) -> Unpinned:
    """Nothing happens when it was not pinned."""

    async def act() -> Unpinned:
        await layouts.unpin(connection, principal, app_id)
        return Unpinned(app_id=app_id)

    return await once(Unpinned, act)


@put("/v1/home/hidden/{app_id:str}", summary="Keep a service off the home page", tags=["home"], guards=[citizen])
async def hide_service(
    connection: Injected[Connection],
    principal: Injected[Principal],
    layouts: Injected[Layouts],
    once: Injected[Once],
    app_id: AppId,
) -> HiddenView:
    """It is no longer pinned, and its department is not asked for cards. The list of services has it as before."""
    return await once(HiddenView, lambda: layouts.hide(connection, principal, app_id))


@delete(
    "/v1/home/hidden/{app_id:str}", summary="Show a service again", tags=["home"], guards=[citizen], status_code=200
)
async def unhide_service(
    connection: Injected[Connection],
    principal: Injected[Principal],
    layouts: Injected[Layouts],
    once: Injected[Once],
    app_id: AppId,
) -> Unhidden:
    """Nothing happens when it was not hidden."""

    async def act() -> Unhidden:
        await layouts.unhide(connection, principal, app_id)
        return Unhidden(app_id=app_id)

    return await once(Unhidden, act)


router = Router(
    path="/",
    route_handlers=[
        get_home,
        get_choice,
        choose,
        get_layout,
        arrange_home,
        pin_service,
        unpin_service,
        hide_service,
        unhide_service,
    ],
)
