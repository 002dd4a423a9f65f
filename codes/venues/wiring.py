"""Puts the rooms around scanners together: devices, operators, and who may scan at this moment."""

from dataclasses import dataclass

from litestar import Router

from app.kit.floor import Floor
from codes.enterprise_ports import FindsOrganizations
from codes.scenarios.catalogue import Scenarios
from codes.venues.admissions.limiter import Limiter
from codes.venues.admissions.models import LIMITS
from codes.venues.admissions.routes import admission_router
from codes.venues.admissions.service import Admissions
from codes.venues.operators.routes import operator_router
from codes.venues.operators.service import Operators
from codes.venues.scanners.directory import ScannerDirectory
from codes.venues.scanners.guards import ScannerGate
from codes.venues.scanners.routes import scanner_router
from codes.venues.scanners.service import Scanners


@dataclass(frozen=True, kw_only=True)
class ScannerServices:
    """Everything around scanners."""

    scanners: Scanners
    gate: ScannerGate
    operators: Operators
    admissions: Admissions
    limiter: Limiter


def build_scanners(
    floor: Floor, *, organizations: FindsOrganizations, scenarios: Scenarios, origin: str
) -> ScannerServices:
    """The rooms around scanners on this floor."""
    limiter = Limiter(LIMITS)
    directory = ScannerDirectory(floor.database, floor.notifications, organizations, floor.clock)
    return ScannerServices(
        scanners=Scanners(organizations, scenarios, floor.clock, origin),
        gate=ScannerGate(directory, floor.clock, origin),
        operators=Operators(floor.vault, limiter, floor.clock),
        admissions=Admissions(limiter),
        limiter=limiter,
    )


def scanner_routers(services: ScannerServices) -> list[Router]:
    """Every route around scanners."""
    return [
        scanner_router(services.scanners, services.gate),
        operator_router(services.operators, services.gate),
        admission_router(services.admissions),
    ]
