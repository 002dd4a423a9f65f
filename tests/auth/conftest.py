"""Identity at its edge: a small application of its routers alone, real registries on loopback, phones that sign."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.di import Provide

from app.kit import idempotency
from app.kit.database import Connection, Database
from app.kit.floor import Floor
from app.kit.outbox import Outbox
from app.problems import HANDLERS
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth, dependencies, routers
from tests.auth.phones import ISSUER, Phone


@pytest.fixture
def auth_settings(registries_url: str) -> AuthSettings:
    return AuthSettings(
        issuer=ISSUER,
        population_registry_url=registries_url,
        enterprise_registry_url=registries_url,
        face_service_url=registries_url,
    )


@pytest.fixture
async def auth(floor: Floor, auth_settings: AuthSettings) -> AsyncIterator[AuthServices]:
    services = build_auth(floor, auth_settings)
    yield services
    await services.close()


@pytest.fixture
async def client(floor: Floor, auth: AuthServices) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(floor, auth) as opened:
        yield opened


@pytest.fixture
def phone(client: httpx.AsyncClient, floor: Floor) -> Phone:
    """An anonymous phone of 19900000001."""
    return Phone(client, floor.outbox.deliver_due, number="19900000001")


@pytest.fixture
def new_phone(client: httpx.AsyncClient, floor: Floor) -> Callable[[str], Phone]:
    return lambda number: Phone(client, floor.outbox.deliver_due, number=number)


@pytest.fixture
async def race_floor(race_database: Database, floor: Floor) -> Floor:
    """The same floor over a real pool, for real commits."""
    return Floor(
        database=race_database,
        notifications=floor.notifications,
        clock=floor.clock,
        vault=floor.vault,
        keyring=floor.keyring,
        outbox=Outbox(race_database, floor.vault, floor.clock),
    )


@pytest.fixture
async def race_client(race_floor: Floor, auth_settings: AuthSettings) -> AsyncIterator[httpx.AsyncClient]:
    services = build_auth(race_floor, auth_settings)
    async with open_client(race_floor, services) as opened:
        yield opened
    await services.close()


@contextlib.asynccontextmanager
async def open_client(floor: Floor, services: AuthServices) -> AsyncIterator[httpx.AsyncClient]:
    application: Any = build_test_application(floor, services)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=ISSUER) as opened:
        yield opened


def build_test_application(floor: Floor, services: AuthServices) -> Litestar:
    async def connection() -> AsyncGenerator[Connection, None]:
        async with floor.database.transaction() as opened:
            yield opened

    fixed: dict[str, Any] = {"clock": floor.clock, "vault": floor.vault, "keyring": floor.keyring}
    provided = {name: Provide(_always(value), sync_to_thread=False) for name, value in fixed.items()}
    return Litestar(
        route_handlers=routers(services),
        middleware=[services.middleware],
        exception_handlers=HANDLERS,
        dependencies=provided
        | dependencies()
        | {"connection": Provide(connection), "once": Provide(idempotency.once_for)},
        openapi_config=None,
        logging_config=None,
    )


def _always(value: Any) -> Callable[[], Any]:
    return lambda: value
