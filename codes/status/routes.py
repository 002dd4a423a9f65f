"""Status lists for everybody who checks codes: pulled on a timer, never once per scan, no sign-in."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.di import Provide
from litestar.params import FromPath, QueryParameter

from app.kit.database import Connection
from app.kit.etags import NOT_MODIFIED, is_current
from app.kit.http import Injected
from app.kit.structs import Model
from auth.guards import public
from codes.status.changes import PULL_EVERY_SECONDS
from codes.status.changes import TYPE as CHANGES_MEDIA_TYPE
from codes.status.models import LARGEST_STEP, TTL_SECONDS
from codes.status.service import Statuses
from codes.status.steps import StatusSteps

MEDIA_TYPE = "application/statuslist+cwt"
CHANGES_FRESH_FOR_SECONDS = 5


class ShardList(Model):
    """The shards that a verifier pulls to be complete."""

    items: list[int]
    ttl_seconds: int = TTL_SECONDS
    next: str | None = None


@get("/v1/status", guards=[public], summary="The status shards in use")
async def list_shards(connection: Injected[Connection], statuses: Injected[Statuses]) -> ShardList:
    """The number of every shard in which a code in use may have its status."""
    return ShardList(items=await statuses.list_shards(connection))


@get(
    "/v1/status/{shard:int}",
    guards=[public],
    summary="The signed status list of a shard",
    description="Token Status List in CWT form: 2^20 codes of 2 bits each (valid, invalid, suspended), ttl 300 s.",
    media_type=MEDIA_TYPE,
)
async def get_status_list(
    shard: FromPath[int],
    request: Request[Any, Any, Any],
    connection: Injected[Connection],
    statuses: Injected[Statuses],
) -> Response[bytes]:
    """The list of `shard`; unchanged since the caller's copy: 304."""
    published = await statuses.publish(connection, shard)
    headers = {"ETag": published.etag, "Cache-Control": f"public, max-age={TTL_SECONDS // 10}"}
    if is_current(request.headers.get("if-none-match"), published.etag):
        return Response(b"", status_code=NOT_MODIFIED, headers=headers)
    return Response(published.body, headers=headers, media_type=MEDIA_TYPE)


@get(
    "/v1/status/changes",
    guards=[public],
    summary="What changed since a step",
    description=(
        "Signed like a status list, and small: every place that changed after step `after`, hidden among places of "
        f"nobody's. A door pulls it every {PULL_EVERY_SECONDS} s between whole lists; a change reaches it within 60 s."
    ),
    media_type=CHANGES_MEDIA_TYPE,
)
async def get_changes(
    after: Annotated[int, QueryParameter(ge=0, le=LARGEST_STEP)],
    connection: Injected[Connection],
    status_steps: Injected[StatusSteps],
) -> Response[bytes]:
    """Changes after step `after`, which every status list names; 410 when they are no longer kept."""
    published = await status_steps.publish(connection, after)
    headers = {"Cache-Control": f"public, max-age={CHANGES_FRESH_FOR_SECONDS}"}
    return Response(published.body, headers=headers, media_type=CHANGES_MEDIA_TYPE)


def status_router(statuses: Statuses, steps: StatusSteps) -> Router:
    """The public routes over `statuses` and `steps`."""
    return Router(
        path="/",
        route_handlers=[list_shards, get_changes, get_status_list],
        dependencies={
            "statuses": Provide(lambda: statuses, sync_to_thread=False),
            "status_steps": Provide(lambda: steps, sync_to_thread=False),
        },
        tags=["codes: trust and status"],
    )
