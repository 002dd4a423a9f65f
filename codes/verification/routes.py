"""The door's question and the citizen's record of it."""

from typing import Annotated

from litestar import Router, get, post
from litestar.di import Provide
from litestar.params import JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from app.kit.database import Connection
from app.kit.http import Injected
from auth.guards import citizen
from auth.principal import Principal
from codes.venues.scanners.guards import ScannerGate, carry, known_scanner, provide_scanner
from codes.venues.scanners.models import Scanner
from codes.verdict import VerificationResult
from codes.verification.models import ScanList, VerifyCode
from codes.verification.scans import CURSOR, ScanRecords
from codes.verification.service import Verifications

LARGEST_PAGE = 100


@post(
    "/v1/verifications",
    guards=[known_scanner],
    status_code=HTTP_200_OK,
    summary="Verify a code",
    description="Signed by an enrolled scanner (RFC 9421). A bad code is a verdict, with status 200. Repeat a "
    "request whose answer was lost with the same `request_id`: the stored answer comes back with `repeated`, and "
    "opens nothing.",
    dependencies={"scanner": Provide(provide_scanner, sync_to_thread=False)},
)
async def verify_code(
    data: JSONBody[VerifyCode],
    scanner: Injected[Scanner],
    connection: Injected[Connection],
    verifications: Injected[Verifications],
) -> VerificationResult:
    """One verdict, durable before it is told."""
    return await verifications.verify(connection, scanner, data)


@get(
    "/v1/codes/scans",
    guards=[citizen],
    summary="Who scanned my codes",
    description="用码记录: every scan with who, where, why, the verdict and what was disclosed.",
)
async def list_scans(
    principal: Injected[Principal],
    connection: Injected[Connection],
    scan_records: Injected[ScanRecords],
    after: Annotated[str | None, QueryParameter(pattern=CURSOR)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LARGEST_PAGE)] = 20,
) -> ScanList:
    """A page of the caller's own records, latest first."""
    return await scan_records.list_scans(connection, principal, after=after, limit=limit)


def verification_router(verifications: Verifications, scan_records: ScanRecords, gate: ScannerGate) -> Router:
    """The scanner's and the citizen's routes."""
    return Router(
        path="/",
        route_handlers=[verify_code, list_scans],
        dependencies={
            "verifications": Provide(lambda: verifications, sync_to_thread=False),
            "scan_records": Provide(lambda: scan_records, sync_to_thread=False),
        },
        opt=carry(gate),
        tags=["codes: verification"],
    )
