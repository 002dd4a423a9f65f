"""Status lists for everybody who checks codes: pulled on a timer, never once per scan, no sign-in."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.di import Provide
from litestar.params import FromPath

from app.kit.database import Connection
from app.kit.etags import NOT_MODIFIED, is_current
from app.kit.http import Injected
from app.kit.structs import Model
from auth.guards import public
from codes.status.models import TTL_SECONDS
from codes.status.service import Statuses

MEDIA_TYPE = "application/statuslist+cwt"


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


def status_router(statuses: Statuses) -> Router:
    """The public routes over `statuses`."""
    return Router(
        path="/",
        route_handlers=[list_shards, get_status_list],
        dependencies={"statuses": Provide(lambda: statuses, sync_to_thread=False)},
        tags=["codes: trust and status"],
    )
