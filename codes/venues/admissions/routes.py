"""Who has to wait: read by those who look after an organization's scanners."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.di import Provide
from litestar.params import QueryParameter

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.http import Injected
from auth.guards import official
from auth.principal import Principal
from codes.venues.admissions.models import StopList
from codes.venues.admissions.service import Admissions
from codes.venues.scanners.service import require_in_charge


@get(
    "/v1/scanner-stops",
    guards=[official("scanner_admin", "system_admin", "security_admin")],
    summary="Scanners of an organization that have to wait",
    description="A device, or the whole organization, that met a limit against enumeration: which one, since when, "
    "until when. It ends by itself.",
)
async def list_stops(
    *,
    organization_id: Annotated[UUID, QueryParameter()],
    connection: Injected[Connection],
    principal: Injected[Principal],
    admissions: Injected[Admissions],
    clock: Injected[Clock],
) -> StopList:
    """Latest first, a hundred at most."""
    require_in_charge(principal, organization_id)
    return await admissions.list_stops(connection, organization_id, clock.now())


def admission_router(admissions: Admissions) -> Router:
    """The route over `admissions`."""
    return Router(
        path="/",
        route_handlers=[list_stops],
        dependencies={"admissions": Provide(lambda: admissions, sync_to_thread=False)},
        tags=["codes: scanners"],
    )
