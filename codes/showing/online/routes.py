"""A thin client fetches what it makes its codes with; making and showing them asks nobody."""

from litestar import Router, post
from litestar.di import Provide
from litestar.params import JSONBody
from litestar.status_codes import HTTP_201_CREATED

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.idempotency import Once
from auth.guards import person
from auth.principal import Principal
from codes.showing.online.models import IssueOnlineCode, OnlineCodeView
from codes.showing.online.service import OnlineCodes


@post(
    "/v1/codes/online",
    guards=[person(ial=1)],
    status_code=HTTP_201_CREATED,
    summary="Get a secret and eight handles for online codes",
    description="For clients that keep no keys. From them the client makes, every 15 seconds and without asking, a "
    "token for cameras and 20 digits for guns that read lines. Only online scanners can read them.",
)
async def issue_online_code(
    data: JSONBody[IssueOnlineCode],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    online_codes: Injected[OnlineCodes],
) -> OnlineCodeView:
    """The secret is told this once; repeat safely with an Idempotency-Key."""
    return await once(OnlineCodeView, lambda: online_codes.issue(connection, principal, data))


def online_router(online_codes: OnlineCodes) -> Router:
    """The thin client's routes."""
    return Router(
        path="/",
        route_handlers=[issue_online_code],
        dependencies={"online_codes": Provide(lambda: online_codes, sync_to_thread=False)},
        tags=["codes: personal"],
    )
