"""Puts the rooms of the record together: offline logs, complaints, deferred notices."""

from dataclasses import dataclass

import httpx
from litestar import Router

from app.kit.floor import Floor
from codes.records.complaints.http_hotline import HttpHotline
from codes.records.complaints.ports import TOPIC
from codes.records.complaints.routes import complaint_router
from codes.records.complaints.service import Complaints
from codes.records.deferrals.routes import deferral_router
from codes.records.deferrals.service import Deferrals
from codes.records.offline_logs.ports import HoldsBack
from codes.records.offline_logs.routes import offline_log_router
from codes.records.offline_logs.service import OfflineLogs
from codes.scenarios.catalogue import Scenarios
from codes.settings import CodesSettings
from codes.trust.service import TrustLists
from codes.venues.scanners.guards import ScannerGate
from codes.verification.scans import ScanRecords
from codes.verification.standing import Standings


@dataclass(frozen=True, kw_only=True)
class RecordServices:
    """What is done with scans after they took place."""

    offline_logs: OfflineLogs
    complaints: Complaints
    deferrals: Deferrals


def build_record(
    floor: Floor,
    settings: CodesSettings,
    *,
    scenarios: Scenarios,
    trust_lists: TrustLists,
    standings: Standings,
    scans: ScanRecords,
    limits: HoldsBack,
    client: httpx.AsyncClient,
) -> RecordServices:
    """The rooms on this floor. Complaints leave for the hotline where the settings name one."""
    complaints = Complaints(
        scans=scans,
        scenarios=scenarios,
        vault=floor.vault,
        clock=floor.clock,
        database=floor.database,
        outbox=floor.outbox,
        hotline=HttpHotline(settings.hotline_url, client) if settings.hotline_url else None,
    )
    if settings.hotline_url:
        floor.outbox.handle(TOPIC, complaints.deliver)
    return RecordServices(
        offline_logs=OfflineLogs(
            trust_lists=trust_lists,
            scenarios=scenarios,
            standings=standings,
            clock=floor.clock,
            code_format=settings.code_format,
            limits=limits,
        ),
        complaints=complaints,
        deferrals=Deferrals(scenarios, floor.clock),
    )


def record_routers(services: RecordServices, gate: ScannerGate) -> list[Router]:
    """Every route of these rooms."""
    return [
        offline_log_router(services.offline_logs, gate),
        complaint_router(services.complaints),
        deferral_router(services.deferrals),
    ]


async def forget_old_records(floor: Floor, services: RecordServices) -> None:
    """A periodic job."""
    async with floor.database.transaction() as connection:
        await services.offline_logs.forget_old(connection)
        await services.complaints.forget_old(connection)
