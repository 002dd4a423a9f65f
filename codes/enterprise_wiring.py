"""Puts together what happens between officers and enterprises: tasks, their codes at the door, checks."""

from dataclasses import dataclass
from datetime import timedelta

import httpx
from litestar import Router

from app.kit.floor import Floor
from codes.arrivals.codes import InspectionCodes
from codes.arrivals.notices import Notices
from codes.arrivals.routes import arrival_router
from codes.arrivals.service import Arrivals
from codes.enterprise_checks.http_source import HttpSource
from codes.enterprise_checks.records import CheckHistory
from codes.enterprise_checks.routes import enterprise_check_router
from codes.enterprise_checks.service import EnterpriseChecks
from codes.enterprise_checks.sources import SourceDesk
from codes.enterprise_ports import FindsOrganizations, NamesOfficials
from codes.enterprises.reading import StickerReader
from codes.inspections.routes import inspection_router
from codes.inspections.service import Inspections
from codes.registers.catalogue import Registers, load_registers
from codes.registers.routes import register_router
from codes.scenarios.catalogue import Scenarios
from codes.settings import CodesSettings
from codes.status.service import Statuses
from codes.stickers.reading import CodeReader


@dataclass(frozen=True, kw_only=True)
class EnterpriseServices:
    """The rooms between officers and enterprises. `notices` describes an officer's code to any camera."""

    registers: Registers
    inspections: Inspections
    inspection_codes: InspectionCodes
    notices: Notices
    arrivals: Arrivals
    checks: EnterpriseChecks
    check_history: CheckHistory


def build_enterprise(
    floor: Floor,
    settings: CodesSettings,
    *,
    organizations: FindsOrganizations,
    officials: NamesOfficials | None,
    scenarios: Scenarios,
    statuses: Statuses,
    reader: CodeReader,
    stickers: StickerReader,
    client: httpx.AsyncClient,
) -> EnterpriseServices:
    """These rooms on this floor. Raises `RegistersInvalid` when the file of registers contradicts itself."""
    registers = load_registers(settings.enterprise_sources)
    inspection_codes = InspectionCodes(
        statuses=statuses, keyring=floor.keyring, clock=floor.clock, code_format=settings.code_format
    )
    notices = Notices(organizations=organizations, officials=officials, scenarios=scenarios, registers=registers)
    desk = SourceDesk(
        {name: HttpSource(url, client) for name, url in settings.enterprise_sources.items()},
        registers,
        deadline_seconds=settings.source_deadline_seconds,
        stale_after=timedelta(seconds=settings.source_stale_seconds),
    )
    return EnterpriseServices(
        registers=registers,
        inspections=Inspections(
            organizations=organizations,
            scenarios=scenarios,
            registers=registers,
            codes=inspection_codes,
            clock=floor.clock,
        ),
        inspection_codes=inspection_codes,
        notices=notices,
        arrivals=Arrivals(codes=reader, notices=notices, scenarios=scenarios, clock=floor.clock),
        checks=EnterpriseChecks(
            database=floor.database, stickers=stickers, scenarios=scenarios, desk=desk, clock=floor.clock
        ),
        check_history=CheckHistory(organizations, scenarios, officials),
    )


def enterprise_routers(services: EnterpriseServices) -> list[Router]:
    """Every route between officers and enterprises."""
    return [
        register_router(services.registers),
        inspection_router(services.inspections),
        arrival_router(services.inspection_codes, services.arrivals),
        enterprise_check_router(services.checks, services.check_history),
    ]
