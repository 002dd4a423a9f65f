"""Ratings over HTTP: public figures, what citizens do, and the department's desk."""

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from auth.guards import citizen, official, public
from auth.principal import Principal
from miniapps.errors import (
    ActRated,
    AppUnknown,
    ItemUnknown,
    NothingToRate,
    OtherDepartment,
    RatingNotOffered,
    RatingSettled,
    RatingUnknown,
    ReceiptInvalid,
)
from miniapps.ratings.desk import PublicRatings, RatingDesk
from miniapps.ratings.models import (
    CloseCallBack,
    OwnRating,
    OwnRatings,
    RateAct,
    ReceivedRating,
    ReceivedRatings,
    Reply,
)
from miniapps.ratings.service import Ratings
from miniapps.refusals import refuses
from miniapps.registry.routes import AppIdPath

TAGS = ["ratings"]
DESK = official("developer", "hotline")
Year = Annotated[int | None, QueryParameter(ge=2000, le=2999, description="A year of the city's calendar")]
FRESH = "public, max-age=60"


@get(
    "/v1/apps/{app_id:str}/ratings",
    summary="What citizens think of a mini-app",
    tags=TAGS,
    guards=[public],
    responses=refuses(AppUnknown),
)
async def show_ratings(
    app_id: AppIdPath, connection: Injected[Connection], rating_desk: Injected[RatingDesk], year: Year = None
) -> Response[PublicRatings]:
    """Of one year, this one by default. Ten ratings at a time, and no group of fewer than ten is told."""
    return Response(await rating_desk.show(connection, app_id, year), headers={"Cache-Control": FRESH})


@post(
    "/v1/apps/{app_id:str}/ratings",
    summary="Rate an act of a mini-app (好差评)",
    tags=TAGS,
    guards=[citizen],
    responses=refuses(AppUnknown, RatingNotOffered, ItemUnknown, ReceiptInvalid, NothingToRate, ActRated),
)
async def rate_act(
    *,
    app_id: AppIdPath,
    data: JSONBody[RateAct],
    connection: Injected[Connection],
    principal: Injected[Principal],
    ratings: Injected[Ratings],
    once: Injected[Once],
) -> OwnRating:
    """Once an act: that of the department's signed `receipt`, or without one your visit, within 30 days.

    The department reads level, tags and comment, never who rated; `contact` shows it which case it was.
    """
    return await once(OwnRating, lambda: ratings.rate(connection, principal, app_id, data))


@get("/v1/me/ratings", summary="My ratings", tags=TAGS, guards=[citizen])
async def list_my_ratings(
    connection: Injected[Connection],
    principal: Injected[Principal],
    ratings: Injected[Ratings],
    after: After = None,
    limit: Limit = 20,
) -> OwnRatings:
    """Newest first, with the department's replies."""
    return await ratings.list_own(connection, principal, after=after, limit=limit)


@post(
    "/v1/me/ratings/{rating_id:uuid}/closing",
    summary="Say whether a call-back settled it",
    tags=TAGS,
    status_code=200,
    guards=[citizen],
    responses=refuses(RatingUnknown, RatingSettled),
)
async def close_call_back(
    *,
    rating_id: FromPath[UUID],
    data: JSONBody[CloseCallBack],
    connection: Injected[Connection],
    principal: Injected[Principal],
    ratings: Injected[Ratings],
    once: Injected[Once],
) -> OwnRating:
    """After the department called back. What is not settled goes to the city's reviewers."""
    return await once(OwnRating, lambda: ratings.close(connection, principal, rating_id, data))


@get(
    "/v1/apps/{app_id:str}/ratings/received",
    summary="Ratings that my department got",
    tags=TAGS,
    guards=[official("developer", "hotline", "reviewer", "system_admin", "audit_admin")],
    responses=refuses(AppUnknown, OtherDepartment),
)
async def list_received_ratings(
    *,
    app_id: AppIdPath,
    connection: Injected[Connection],
    principal: Injected[Principal],
    rating_desk: Injected[RatingDesk],
    after: After = None,
    limit: Limit = 20,
    waiting: Annotated[bool, QueryParameter(description="Only those that ask something of the department")] = False,
) -> ReceivedRatings:
    """Newest first; never who gave them."""
    return await rating_desk.list_received(connection, principal, app_id, after=after, limit=limit, waiting=waiting)


@post(
    "/v1/apps/{app_id:str}/ratings/{rating_id:uuid}/reply",
    summary="Reply to a rating",
    tags=TAGS,
    status_code=200,
    guards=[DESK],
    responses=refuses(AppUnknown, OtherDepartment, RatingUnknown, RatingSettled),
)
async def reply_to_rating(
    *,
    app_id: AppIdPath,
    rating_id: FromPath[UUID],
    data: JSONBody[Reply],
    connection: Injected[Connection],
    principal: Injected[Principal],
    rating_desk: Injected[RatingDesk],
    once: Injected[Once],
) -> ReceivedRating:
    """Once, and only the citizen reads it. Late replies are counted."""
    return await once(ReceivedRating, lambda: rating_desk.reply(connection, principal, app_id, rating_id, data))


@post(
    "/v1/apps/{app_id:str}/ratings/{rating_id:uuid}/call-back",
    summary="Say that a citizen was called back",
    tags=TAGS,
    status_code=200,
    guards=[DESK],
    responses=refuses(AppUnknown, OtherDepartment, RatingUnknown, RatingSettled),
)
async def call_back(
    *,
    app_id: AppIdPath,
    rating_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    rating_desk: Injected[RatingDesk],
    once: Injected[Once],
) -> ReceivedRating:
    """The citizen is told, and says whether that settled it."""
    return await once(ReceivedRating, lambda: rating_desk.call_back(connection, principal, app_id, rating_id))


router = Router(
    path="/",
    route_handlers=[
        show_ratings,
        rate_act,
        list_my_ratings,
        close_call_back,
        list_received_ratings,
        reply_to_rating,
        call_back,
    ],
)
