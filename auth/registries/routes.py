"""How the city hears its registers."""

from datetime import datetime

from litestar import Router, get

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.structs import Model
from auth.guards import official
from auth.registries.feeds import list_feeds


class FeedView(Model):
    """What a registry publishes, and whether it is heard."""

    name: str
    read_at: datetime | None
    failing_since: datetime | None


class FeedList(Model):
    """All of them; `next` is always null, since they are few."""

    items: list[FeedView]
    next: str | None = None


@get(
    "/v1/staff/registries",
    guards=[official("system_admin", "audit_admin")],
    summary="How the registers are heard",
    tags=["staff"],
)
async def list_registries(connection: Injected[Connection]) -> FeedList:
    """When each one's word was last heard, and since when it does not answer."""
    feeds = await list_feeds(connection)
    return FeedList(
        items=[FeedView(name=feed.name, read_at=feed.read_at, failing_since=feed.failing_since) for feed in feeds]
    )


router = Router(path="/", route_handlers=[list_registries])
