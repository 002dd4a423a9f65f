"""The reviewers' list over HTTP."""

from litestar import Router, get

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from auth.guards import official
from miniapps.reviewing.models import WaitingReviews
from miniapps.reviewing.service import ReviewDesk


@get(
    "/v1/staff/reviews",
    summary="Versions that wait for a review",
    tags=["mini-apps"],
    guards=[official("reviewer", "system_admin")],
)
async def list_waiting_reviews(
    connection: Injected[Connection], review_desk: Injected[ReviewDesk], after: After = None, limit: Limit = 20
) -> WaitingReviews:
    """The one that is due first at the top; `widened` names in which ways it asks for more than what is published."""
    return await review_desk.list_waiting(connection, after=after, limit=limit)


router = Router(path="/", route_handlers=[list_waiting_reviews])
