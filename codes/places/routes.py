"""Places and things, for the organizations that keep them. Whoever scans a sticker comes to `codes.stickers`."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from auth.guards import signed_in
from auth.principal import Principal
from codes.pictures.answers import ShowsPicture, picture_response
from codes.pictures.studio import PictureForm
from codes.places.models import PlaceList, PlaceView, RegisterPlace
from codes.places.posters import PlacePosters
from codes.places.service import Places


@post(
    "/v1/places",
    guards=[signed_in],
    summary="Register a place or a thing",
    description="For an agent's organization, or a scanner administrator's. A door names scenarios of scanners at "
    "the same site; a thing names scenarios of kind V. What the sticker says never changes: a change is a new sticker. "
    "`carrier` goes into the picture byte for byte. No scan of it is ever recorded.",
)
async def register_place(
    *,
    data: JSONBody[RegisterPlace],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    places: Injected[Places],
) -> PlaceView:
    """A sticker for months, revocable at any time."""
    return await once(PlaceView, lambda: places.register(connection, principal, data))


@get("/v1/places", guards=[signed_in], summary="The organization's places and things")
async def list_places(
    *,
    connection: Injected[Connection],
    principal: Injected[Principal],
    places: Injected[Places],
    after: After = None,
    limit: Limit = 50,
) -> PlaceList:
    """A page, newest first."""
    return await places.list_page(connection, principal, after=after, limit=limit)


@delete(
    "/v1/places/{place_id:uuid}",
    guards=[signed_in],
    status_code=200,
    summary="Revoke the sticker of a place or thing",
)
async def revoke_place(
    *,
    place_id: FromPath[UUID],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    places: Injected[Places],
) -> PlaceView:
    """The page says so at once, phones when they next pull the status lists."""
    return await once(PlaceView, lambda: places.revoke(connection, principal, place_id))


@get(
    "/v1/places/{place_id:uuid}/poster",
    guards=[signed_in],
    summary="The poster of a place or thing",
    description="A4, with its name and number. Drawn once and kept; not for every scan.",
    operation_class=ShowsPicture,
)
async def draw_place(
    *,
    place_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    principal: Injected[Principal],
    place_posters: Injected[PlacePosters],
    form: Annotated[PictureForm, QueryParameter()] = "png",
) -> Response[Any]:
    """For a printer (PNG, PDF) or a printing works (SVG)."""
    return picture_response(await place_posters.draw(principal, place_id, form), f"place-{place_id}", request)


def place_router(places: Places, posters: PlacePosters) -> Router:
    """The routes over places and things."""
    return Router(
        path="/",
        route_handlers=[register_place, list_places, revoke_place, draw_place],
        dependencies={
            "places": Provide(lambda: places, sync_to_thread=False),
            "place_posters": Provide(lambda: posters, sync_to_thread=False),
        },
        tags=["codes: places"],
    )
