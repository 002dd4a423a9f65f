"""Deferred notices: proposing, deciding, ending; and the totals that everybody reads."""

from uuid import UUID

from litestar import Router, delete, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from auth.guards import official, public
from auth.principal import Principal
from codes.records.deferrals.models import DecideDeferral, DeferralList, DeferralView, ProposeDeferral, TotalList
from codes.records.deferrals.service import Deferrals

proposing = official("inspector", "scanner_admin")
deciding = official("security_admin")
watching = official("inspector", "scanner_admin", "security_admin", "audit_admin")


@post(
    "/v1/staff/deferred-notices",
    guards=[proposing],
    summary="Propose that notices be deferred",
    description="For one device of the official's own organization in one statutory scenario, at most 30 days. Hides "
    "nothing until a security administrator approves it; afterwards every holder reads of the scan, and why only now.",
)
async def propose_deferral(
    data: JSONBody[ProposeDeferral],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    deferrals: Injected[Deferrals],
) -> DeferralView:
    """Raises `DeferralNotAllowed` where no statute orders the check."""
    return await once(DeferralView, lambda: deferrals.propose(connection, principal, data))


@post(
    "/v1/staff/deferred-notices/{notice_id:uuid}/decision",
    guards=[deciding],
    status_code=HTTP_200_OK,
    summary="Decide about a deferral",
)
async def decide_deferral(
    *,
    notice_id: FromPath[UUID],
    data: JSONBody[DecideDeferral],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    deferrals: Injected[Deferrals],
) -> DeferralView:
    """By another official than the one who proposed it, within two days."""
    return await once(DeferralView, lambda: deferrals.decide(connection, principal, notice_id, data))


@delete(
    "/v1/staff/deferred-notices/{notice_id:uuid}",
    guards=[watching],
    status_code=HTTP_200_OK,
    summary="End a deferral before its time",
)
async def end_deferral(
    notice_id: FromPath[UUID],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    deferrals: Injected[Deferrals],
) -> DeferralView:
    """Holders read of its scans at once."""
    return await once(DeferralView, lambda: deferrals.end(connection, principal, notice_id))


@get("/v1/staff/deferred-notices", guards=[watching], summary="Deferred notices")
async def list_deferrals(
    connection: Injected[Connection],
    principal: Injected[Principal],
    deferrals: Injected[Deferrals],
    after: After = None,
    limit: Limit = 50,
) -> DeferralList:
    """Of one's own organization; security and audit administrators see all."""
    return await deferrals.list_page(connection, principal, after=after, limit=limit)


@get(
    "/v1/codes/deferred-notices",
    guards=[public],
    summary="How often notices of scans were deferred",
    description="By year and scenario: approved, refused, and in force at this moment.",
)
async def list_deferral_totals(connection: Injected[Connection], deferrals: Injected[Deferrals]) -> TotalList:
    """Published for everybody."""
    return await deferrals.list_totals(connection)


def deferral_router(deferrals: Deferrals) -> Router:
    """The routes over `deferrals`."""
    return Router(
        path="/",
        route_handlers=[propose_deferral, decide_deferral, end_deferral, list_deferrals, list_deferral_totals],
        dependencies={"deferrals": Provide(lambda: deferrals, sync_to_thread=False)},
        tags=["codes: deferred notices"],
    )
