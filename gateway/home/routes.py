"""The home page and its pins over HTTP."""

from typing import Annotated, Any

from litestar import Request, Router, delete, get, put
from litestar.params import PathParameter, QueryParameter

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import Injected
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.guards import citizen, public
from auth.principal import Principal
from gateway.home.models import ZONE, HomeView, PinView
from gateway.home.service import Home

Zone = Annotated[str | None, QueryParameter(pattern=ZONE, description="GB/T 2260 code of 6, 9 or 12 digits")]
AppId = Annotated[str, PathParameter(pattern=r"^[a-z0-9.-]{1,128}$(?!\n)", description="The mini-app's id")]


class Unpinned(Model):
    """The service that is no longer pinned."""

    app_id: str


@get("/v1/home", summary="The home page: all departments' cards in one call", tags=["home"], guards=[public])
async def get_home(request: Request[Any, Any, Any], home: Injected[Home], zone: Zone = None) -> HomeView:
    """Without a token: public cards only. A department that does not answer stands in `degraded`; it delays nobody."""
    refusal = request.scope.get("auth")
    if isinstance(refusal, SuishenError):
        raise refusal
    caller = request.scope.get("user")
    return await home.gather(caller if isinstance(caller, Principal) else None, zone)


@put("/v1/home/pins/{app_id:str}", summary="Keep a service at hand", tags=["home"], guards=[citizen])
async def pin_service(
    connection: Injected[Connection],
    principal: Injected[Principal],
    home: Injected[Home],
    once: Injected[Once],
    app_id: AppId,
) -> PinView:
    """Its department may from now on be asked for your cards."""
    return await once(PinView, lambda: home.pin(connection, principal, app_id))


@delete("/v1/home/pins/{app_id:str}", summary="Unpin a service", tags=["home"], guards=[citizen], status_code=200)
async def unpin_service(
    connection: Injected[Connection],
    principal: Injected[Principal],
    home: Injected[Home],
    once: Injected[Once],
    app_id: AppId,
) -> Unpinned:
    """Nothing happens when it was not pinned."""

    async def act() -> Unpinned:
        await home.unpin(connection, principal, app_id)
        return Unpinned(app_id=app_id)

    return await once(Unpinned, act)


router = Router(path="/", route_handlers=[get_home, pin_service, unpin_service])
