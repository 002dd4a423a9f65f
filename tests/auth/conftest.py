"""Identity at its edge: a small application of its routers alone, real registries on loopback, phones that sign."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, ClassVar

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
from auth.wiring import AuthServices, build_auth, dependencies, provided, routers
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


class Door:
    """An application of identity's routers. What stands behind it changes from test to test: building one takes as long
    as ten tests.
    """

    idle: ClassVar[dict[frozenset[str], list["Door"]]] = {}
    """Those that nobody uses now, by what is provided: without a demo inbox there is no route to it."""

    def __init__(self, floor: Floor, services: AuthServices) -> None:
        self._given: dict[str, Any] = {}
        self._middleware = services.middleware
        self.lead_to(floor, services)
        self.application = self._build(services)

    def lead_to(self, floor: Floor, services: AuthServices) -> None:
        self._floor = floor
        self._given.update(provided(services))
        self._middleware._authenticator = services.authenticator

    def _build(self, services: AuthServices) -> Any:
        async def connection() -> AsyncGenerator[Connection, None]:
            async with self._floor.database.transaction() as opened:
                yield opened

        of_floor = {name: Provide(self._of_floor(name), sync_to_thread=False) for name in ("clock", "vault", "keyring")}
        return Litestar(
            route_handlers=routers(services, self._given),
            middleware=[self._middleware],
            exception_handlers=HANDLERS,
            dependencies=of_floor | dependencies() | idempotency.dependencies() | {"connection": Provide(connection)},
            openapi_config=None,
            logging_config=None,
        )

    def _of_floor(self, name: str) -> Callable[[], Any]:
        return lambda: getattr(self._floor, name)


@contextlib.asynccontextmanager
async def open_client(floor: Floor, services: AuthServices) -> AsyncIterator[httpx.AsyncClient]:
    """A client before these services; two of them at once stand before doors of their own."""
    idle = Door.idle.setdefault(frozenset(provided(services)), [])
    if idle:
        door = idle.pop()
        door.lead_to(floor, services)
    else:
        door = Door(floor, services)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door.application), base_url=ISSUER) as opened:
        yield opened
    idle.append(door)
