"""The enterprise's rating, and what everybody may read of it."""

from typing import Final
from uuid import UUID

from litestar import Router, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.idempotency import Once
from auth.guards import organization_agent_for, public
from auth.principal import Principal
from codes.enterprise.ratings.models import DepartmentRatings, RateInspection, RatingReceipt
from codes.enterprise.ratings.service import Ratings

RATES: Final = organization_agent_for("enterprise-ratings")


@post(
    "/v1/inspections/{inspection_id:uuid}/ratings",
    guards=[RATES],
    summary="Rate an inspection (扫码评价)",
    description="After the check, at most 30 days. The rated never learn who rated: ratings are published only "
    "together with those of other enterprises, five at the least.",
)
async def rate_inspection(
    *,
    inspection_id: FromPath[UUID],
    data: JSONBody[RateInspection],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    ratings: Injected[Ratings],
) -> RatingReceipt:
    """Once for each department that took part."""
    return await once(RatingReceipt, lambda: ratings.rate(connection, principal, inspection_id, data))


@get(
    "/v1/departments/{organization_id:uuid}/inspection-ratings",
    guards=[public],
    summary="How enterprises rate a department's inspections",
)
async def publish_ratings(
    organization_id: FromPath[UUID], connection: Injected[Connection], ratings: Injected[Ratings]
) -> DepartmentRatings:
    """Of the last year, in groups of at least five enterprises; `withheld` while there is no such group."""
    return await ratings.publish(connection, organization_id)


def rating_router(ratings: Ratings) -> Router:
    """The routes over ratings."""
    return Router(
        path="/",
        route_handlers=[rate_inspection, publish_ratings],
        dependencies={"ratings": Provide(lambda: ratings, sync_to_thread=False)},
        tags=["codes: inspections"],
    )
