"""Enrolling scanners, at an official's desk; and what a scanner reads of itself."""

from typing import Annotated
from uuid import UUID

from litestar import Router, delete, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from auth.guards import official
from auth.principal import Principal
from codes.venues.scanners.guards import ScannerGate, carry, provide_scanner, scanner
from codes.venues.scanners.models import EnrolScanner, Scanner, ScannerList, ScannerView
from codes.venues.scanners.service import Scanners

registrar = official("scanner_admin", "system_admin")


@post(
    "/v1/scanners",
    guards=[registrar],
    summary="Enrol a scanner at a site of an organization",
    description="A scanner administrator enrols for their own organization, a system administrator for any.",
)
async def enrol_scanner(
    data: JSONBody[EnrolScanner],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    scanners: Injected[Scanners],
) -> ScannerView:
    """`proof` is a compact JWS by the device's key: typ suishen-scanner+jwt, claims aud, organization_id, iat."""
    return await once(ScannerView, lambda: scanners.enrol(connection, principal, data))


@get("/v1/scanners", guards=[registrar], summary="The scanners of an organization")
async def list_scanners(
    *,
    organization_id: Annotated[UUID, QueryParameter()],
    connection: Injected[Connection],
    principal: Injected[Principal],
    scanners: Injected[Scanners],
    after: After = None,
    limit: Limit = 50,
) -> ScannerList:
    """A page, oldest first."""
    return await scanners.list_page(connection, principal, organization_id, after=after, limit=limit)


@delete("/v1/scanners/{scanner_id:uuid}", guards=[registrar], status_code=200, summary="End a scanner's registration")
async def revoke_scanner(
    scanner_id: FromPath[UUID],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    scanners: Injected[Scanners],
) -> ScannerView:
    """Effective at every worker within a second. A scanner once revoked is enrolled anew, with a new key."""
    return await once(ScannerView, lambda: scanners.revoke(connection, principal, scanner_id))


@get("/v1/scanners/me", guards=[scanner], summary="What this scanner is enrolled for")
async def read_own_registration(
    connection: Injected[Connection],
    calling: Injected[Scanner],
    scanners: Injected[Scanners],
) -> ScannerView:
    """For the device itself: where it stands and in which scenarios it may ask."""
    return await scanners.describe(connection, calling.id)


def scanner_router(scanners: Scanners, gate: ScannerGate) -> Router:
    """The routes over `scanners`."""
    return Router(
        path="/",
        route_handlers=[enrol_scanner, list_scanners, revoke_scanner, read_own_registration],
        dependencies={
            "scanners": Provide(lambda: scanners, sync_to_thread=False),
            "calling": Provide(provide_scanner, sync_to_thread=False),
        },
        opt=carry(gate),
        tags=["codes: scanners"],
    )
