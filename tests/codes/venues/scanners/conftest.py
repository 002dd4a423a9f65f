"""Scanners on real tables, with a route of their own to knock at."""

from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Router, post
from litestar.di import Provide
from litestar.params import JSONBody

from app.kit.clock import ManualClock
from app.kit.floor import Floor
from app.kit.http import Injected
from app.kit.structs import Model, Request
from codes.scenarios.catalogue import load_scenarios
from codes.venues.scanners.directory import ScannerDirectory
from codes.venues.scanners.guards import ScannerGate, carry, known_scanner, provide_scanner, scanner
from codes.venues.scanners.models import Scanner
from codes.venues.scanners.routes import scanner_router
from codes.venues.scanners.service import Scanners
from tests.codes.door_city import doors
from tests.codes.enterprise_city import (
    LIBRARY,
    ORIGIN,
    Caller,
    Device,
    KnownOrganizations,
    an_official,
    build_app,
    client_of,
)

__all__ = ["doors"]


class Knock(Request):
    """The body of the test's own route."""

    word: str


class Heard(Model):
    """What that route heard, and from whom."""

    word: str
    scanner: Scanner


@post("/knock", guards=[scanner], status_code=200, sync_to_thread=False)
def knock(data: JSONBody[Knock], calling: Injected[Scanner]) -> Heard:
    return Heard(word=data.word, scanner=calling)


@post("/known", guards=[known_scanner], status_code=200, sync_to_thread=False)
def knock_as_known(data: JSONBody[Knock], calling: Injected[Scanner]) -> Heard:
    return Heard(word=data.word, scanner=calling)


@pytest.fixture
def organizations() -> KnownOrganizations:
    return KnownOrganizations()


@pytest.fixture
def directory(floor: Floor, organizations: KnownOrganizations) -> ScannerDirectory:
    return ScannerDirectory(floor.database, floor.notifications, organizations, floor.clock)


@pytest.fixture
async def city(
    floor: Floor, caller: Caller, directory: ScannerDirectory, organizations: KnownOrganizations
) -> AsyncIterator[httpx.AsyncClient]:
    gate = ScannerGate(directory, floor.clock, ORIGIN)
    scanners = Scanners(organizations, load_scenarios(), floor.clock, ORIGIN)
    knocking = Router(
        "/",
        route_handlers=[knock, knock_as_known],
        dependencies={"calling": Provide(provide_scanner, sync_to_thread=False)},
        opt=carry(gate),
    )
    async with client_of(build_app(floor, [scanner_router(scanners, gate), knocking], caller)) as client:
        yield client


@pytest.fixture
async def device(city: httpx.AsyncClient, caller: Caller, clock: ManualClock) -> Device:
    """An enrolled scanner of the library."""
    device = Device(clock)
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    answer = await city.post("/v1/scanners", json=device.enrolment())
    assert answer.status_code == 201, answer.text
    device.id = answer.json()["id"]
    caller.principal = None
    return device
