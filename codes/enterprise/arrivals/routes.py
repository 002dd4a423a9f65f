"""The code for the door, the enterprise's scan of it, and what the enterprise knows of those who came."""

from typing import Final
from uuid import UUID

from litestar import Router, delete, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from auth.guards import official, organization_agent_for
from auth.principal import Principal
from codes.enterprise.arrivals.codes import InspectionCodes
from codes.enterprise.arrivals.models import (
    ArrivalView,
    InspectionCodeView,
    MetInspectionList,
    ScanInspectionCode,
    Showing,
    StateShown,
)
from codes.enterprise.arrivals.service import Arrivals

inspector = official("inspector")
MEETS_OFFICERS: Final = organization_agent_for("enterprise-visits")


@post(
    "/v1/inspections/{inspection_id:uuid}/code",
    guards=[inspector],
    summary="Ask for the code of an inspection (赋码)",
    description="The same code for every officer of the task, until its hours are over. `carrier` goes into the "
    "picture byte for byte.",
)
async def apply_for_code(
    inspection_id: FromPath[UUID],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    inspection_codes: Injected[InspectionCodes],
) -> InspectionCodeView:
    """Before coming: without a code that the enterprise has met, no check is answered."""
    return await once(InspectionCodeView, lambda: inspection_codes.apply(connection, principal, inspection_id))


@delete(
    "/v1/inspections/{inspection_id:uuid}/code",
    guards=[inspector],
    status_code=200,
    summary="Revoke the code of an inspection",
)
async def revoke_code(
    inspection_id: FromPath[UUID],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    inspection_codes: Injected[InspectionCodes],
) -> InspectionCodeView:
    """It counts nowhere any more; the task stays, and may have another."""
    return await once(InspectionCodeView, lambda: inspection_codes.revoke(connection, principal, inspection_id))


@post(
    "/v1/inspections/{inspection_id:uuid}/showings",
    guards=[inspector],
    summary="State that the code was shown where nobody could scan it",
)
async def state_shown(
    *,
    inspection_id: FromPath[UUID],
    data: JSONBody[StateShown],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    arrivals: Injected[Arrivals],
) -> Showing:
    """The enterprise reads that it was not asked to scan, and why."""
    return await once(Showing, lambda: arrivals.state_shown(connection, principal, inspection_id, data))


@post(
    "/v1/inspections/scans",
    guards=[MEETS_OFFICERS],
    status_code=200,
    summary="Scan an officer's code (扫码检查)",
    description="For those who act for the enterprise. Who comes, why, on whose authority, what they will look at, and "
    "what nobody need hand in. A bad code is a verdict, with status 200.",
)
async def scan_code(
    data: JSONBody[ScanInspectionCode],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    arrivals: Injected[Arrivals],
) -> ArrivalView:
    """From the first accepted scan on, the officers may check; the enterprise may rate them afterwards."""
    return await once(ArrivalView, lambda: arrivals.scan(connection, principal, data))


@get(
    "/v1/organizations/{organization_id:uuid}/inspections",
    guards=[MEETS_OFFICERS],
    summary="The inspections that came to this organization",
)
async def list_met(
    *,
    organization_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    arrivals: Injected[Arrivals],
    after: After = None,
    limit: Limit = 50,
) -> MetInspectionList:
    """A page, newest first. A task that nobody has come for yet is not among them."""
    return await arrivals.list_met(connection, principal, organization_id, after=after, limit=limit)


def arrival_router(inspection_codes: InspectionCodes, arrivals: Arrivals) -> Router:
    """The routes over officers' codes and arrivals."""
    return Router(
        path="/",
        route_handlers=[apply_for_code, revoke_code, state_shown, scan_code, list_met],
        dependencies={
            "inspection_codes": Provide(lambda: inspection_codes, sync_to_thread=False),
            "arrivals": Provide(lambda: arrivals, sync_to_thread=False),
        },
        tags=["codes: inspections"],
    )
