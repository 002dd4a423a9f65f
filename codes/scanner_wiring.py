"""Puts the rooms around scanners together: devices, operators, and who may scan at this moment."""

from dataclasses import dataclass

from litestar import Router

from app.kit.floor import Floor
from codes.admissions.limiter import Limiter
from codes.admissions.models import LIMITS
from codes.admissions.routes import admission_router
from codes.admissions.service import Admissions
from codes.enterprise_ports import FindsOrganizations
from codes.operators.routes import operator_router
from codes.operators.service import Operators
from codes.scanners.directory import ScannerDirectory
from codes.scanners.guards import ScannerGate
from codes.scanners.routes import scanner_router
from codes.scanners.service import Scanners
from codes.scenarios.catalogue import Scenarios


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
