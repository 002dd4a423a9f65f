"""A phone fetches its grants here a few times a day, and never when it shows a code."""

from litestar import Router, post
from litestar.di import Provide
from litestar.params import JSONBody
from litestar.status_codes import HTTP_201_CREATED

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.idempotency import Once
from auth.guards import person
from auth.principal import Principal
from codes.showing.grants.models import GrantsView, IssueGrants, RevocationView, RevokeCodes
from codes.showing.grants.service import Grants


@post(
    "/v1/codes/grants",
    guards=[person(ial=1)],
    status_code=HTTP_201_CREATED,
    summary="Get eight grants for eight fresh keys",
    description="The phone then shows codes for up to 24 h without asking anyone. The request is signed by the "
    "enrolled device's key.",
)
async def issue_grants(
    data: JSONBody[IssueGrants],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    grants: Injected[Grants],
) -> GrantsView:
    """One batch, in the order of the keys in the request."""
    return await once(GrantsView, lambda: grants.issue(connection, principal, data))


@post(
    "/v1/codes/revocations",
    guards=[person(ial=1)],
    status_code=HTTP_201_CREATED,
    summary="Void the codes of a device, or of all one's devices",
    description="Online scanners refuse them at once, offline ones when they next pull the status lists.",
)
async def revoke_codes(
    data: JSONBody[RevokeCodes],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    grants: Injected[Grants],
) -> RevocationView:
    """What ended. New grants can be fetched as long as the device itself is not revoked."""
    return await once(RevocationView, lambda: grants.revoke(connection, principal, data))


def grants_router(grants: Grants) -> Router:
    """The phone's routes over `grants`."""
    return Router(
        path="/",
        route_handlers=[issue_grants, revoke_codes],
        dependencies={"grants": Provide(lambda: grants, sync_to_thread=False)},
        tags=["codes: personal"],
    )
