"""Puts together scenarios, scanners, enterprise codes, inspections and enterprise checks. Decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from litestar import Router

from app.kit.floor import Floor
from codes.enterprise_checks.http_source import HttpSource, source_client
from codes.enterprise_checks.ports import EnterpriseSource
from codes.enterprise_checks.records import CheckHistory
from codes.enterprise_checks.routes import enterprise_check_router
from codes.enterprise_checks.service import EnterpriseChecks
from codes.enterprise_ports import FindsOrganizations, NamesOfficials
from codes.enterprise_settings import EnterpriseSettings
from codes.enterprises.page import PageMaker
from codes.enterprises.reading import StickerReader
from codes.enterprises.routes import enterprise_router
from codes.enterprises.service import EnterpriseCodes
from codes.inspections.routes import inspection_router
from codes.inspections.service import Inspections
from codes.scanners.directory import ScannerDirectory
from codes.scanners.guards import ScannerGate
from codes.scanners.routes import scanner_router
from codes.scanners.service import Scanners
from codes.scenarios.catalogue import Scenarios
from codes.scenarios.routes import scenario_router
from codes.status.service import Statuses
from codes.trust.models import CodeFormat
from codes.trust.service import TrustLists


@dataclass(frozen=True, kw_only=True)
class EnterpriseServices:
    """What these rooms offer. `gate` guards every route of scanners; `codes` finds whom a sticker stands for."""

    scenarios: Scenarios
    scanners: Scanners
    gate: ScannerGate
    codes: EnterpriseCodes
    stickers: StickerReader
    pages: PageMaker
    inspections: Inspections
    checks: EnterpriseChecks
    history: CheckHistory
    code_format: CodeFormat
    client: httpx.AsyncClient

    async def close(self) -> None:
        """Ends the HTTP client; at the end of the lifespan."""
        await self.client.aclose()


def build_enterprise(
    floor: Floor,
    settings: EnterpriseSettings,
    *,
    scenarios: Scenarios,
    statuses: Statuses,
    trust_lists: TrustLists,
    code_format: CodeFormat,
    organizations: FindsOrganizations,
    officials: NamesOfficials | None = None,
    sources: Mapping[str, EnterpriseSource] | None = None,
) -> EnterpriseServices:
    """All services, unopened. `sources` replaces those of the settings."""
    client = source_client(settings.source_deadline_seconds)
    stickers = StickerReader(
        trust_lists=trust_lists,
        statuses=statuses,
        organizations=organizations,
        clock=floor.clock,
        code_format=code_format,
    )
    directory = ScannerDirectory(floor.database, floor.notifications, organizations, floor.clock)
    return EnterpriseServices(
        scenarios=scenarios,
        scanners=Scanners(organizations, scenarios, floor.clock, settings.origin),
        gate=ScannerGate(directory, floor.clock, settings.origin),
        codes=EnterpriseCodes(
            organizations=organizations,
            statuses=statuses,
            keyring=floor.keyring,
            clock=floor.clock,
            code_format=code_format,
        ),
        stickers=stickers,
        pages=PageMaker(settings.brand, settings.city_offset),
        inspections=Inspections(organizations, scenarios, floor.clock),
        checks=EnterpriseChecks(
            database=floor.database,
            stickers=stickers,
            scenarios=scenarios,
            sources=_http_sources(settings, client) if sources is None else sources,
            clock=floor.clock,
            deadline_seconds=settings.source_deadline_seconds,
            stale_after=settings.source_stale_after,
        ),
        history=CheckHistory(organizations, scenarios, officials),
        code_format=code_format,
        client=client,
    )


def routers(services: EnterpriseServices) -> list[Router]:
    """Every route of these rooms."""
    return [
        scenario_router(services.scenarios),
        scanner_router(services.scanners, services.gate),
        enterprise_router(services.codes, services.stickers, services.pages, services.code_format),
        inspection_router(services.inspections),
        enterprise_check_router(services.checks, services.history),
    ]


def _http_sources(settings: EnterpriseSettings, client: httpx.AsyncClient) -> dict[str, EnterpriseSource]:
    return {name: HttpSource(url, client) for name, url in settings.sources.items()}
