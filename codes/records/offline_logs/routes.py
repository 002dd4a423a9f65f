"""Where a scanner brings what it saw while it could not ask."""

from litestar import Router, post
from litestar.di import Provide
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from app.kit.database import Connection
from app.kit.http import Injected
from codes.records.offline_logs.models import LogAnswer, UploadLog
from codes.records.offline_logs.service import OfflineLogs
from codes.venues.scanners.guards import ScannerGate, carry, provide_scanner, scanner
from codes.venues.scanners.models import Scanner


@post(
    "/v1/verifications/batch",
    guards=[scanner],
    status_code=HTTP_200_OK,
    summary="Upload scans that were made offline",
    description="Signed by an enrolled scanner (RFC 9421); up to 500 scans of the last three days. Each is examined "
    "again as of its own moment and recorded where the holder reads. The answer flags conflicts (`replayed`, "
    "`revoked`, `verdict_differs`, `clock`) and discloses nothing of anybody. Repeat a lost upload as it is: an entry "
    "counts once. A device that has to wait is answered 429, and its log may come after `Retry-After`.",
)
async def upload_offline_log(
    data: JSONBody[UploadLog],
    calling: Injected[Scanner],
    connection: Injected[Connection],
    offline_logs: Injected[OfflineLogs],
) -> LogAnswer:
    """An answer to each entry, in their order."""
    return await offline_logs.upload(connection, calling, data)


def offline_log_router(offline_logs: OfflineLogs, gate: ScannerGate) -> Router:
    """The route over `offline_logs`."""
    return Router(
        path="/",
        route_handlers=[upload_offline_log],
        dependencies={
            "offline_logs": Provide(lambda: offline_logs, sync_to_thread=False),
            "calling": Provide(provide_scanner, sync_to_thread=False),
        },
        opt=carry(gate),
        tags=["codes: verification"],
    )
