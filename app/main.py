"""The front door: composes the whole product out of its packages and decides nothing itself."""

import asyncio
import contextlib
import itertools
import os
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

import structlog
from litestar import Litestar
from litestar.di import Provide
from litestar.types import ASGIApp

from app import health
from app.api_document import describe
from app.kit import idempotency
from app.kit.bodies import StrictRequest
from app.kit.clock import Clock, SystemClock
from app.kit.database import Connection, Database, Notifications
from app.kit.floor import Floor
from app.kit.jobs import Job, JobRunner
from app.kit.keyring import PURPOSES, Keyring
from app.kit.logs import set_up_logs
from app.kit.metrics import METRICS
from app.kit.outbox import Outbox
from app.kit.request_ids import with_request_id
from app.kit.sealer import CHECKPOINTS, Sealer
from app.kit.vault import Vault
from app.metrics import directory_of, watch_floor
from app.packages import Packages, build_packages
from app.problems import DATABASE_AWAY, HANDLERS
from app.settings import Settings, read_settings
from app.web import routes as web
from app.web.guarding import guard_without_copies
from app.web.providing import provide_in_turn
from app.web.reference import Reference

log = structlog.get_logger()

LARGEST_BODY = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class House:
    """The composed product: what stands inside it, and the ASGI application that lets people in."""

    settings: Settings
    floor: Floor
    sealer: Sealer
    packages: Packages
    litestar: Litestar
    asgi: ASGIApp


def create_app() -> ASGIApp:
    """What a worker process serves, by the settings in its environment."""
    settings = read_settings(os.environ)
    set_up_logs(settings.log_format)
    return build_house(settings).asgi


def build_house(settings: Settings, *, database: Database | None = None, clock: Clock | None = None) -> House:
    """Composes everything. Nothing is opened before the application's lifespan begins."""
    floor = build_floor(settings, database=database, clock=clock)
    sealer = Sealer(floor.database, floor.keyring, floor.clock, settings.data_directory / CHECKPOINTS)
    packages = build_packages(floor, settings)
    watch_floor(floor)
    litestar = _build_litestar(
        settings, floor, packages, [*_own_jobs(floor, sealer), *_metrics_jobs(floor, settings), *packages.jobs]
    )
    asgi = packages.wrap(with_request_id(packages.before(litestar)))
    return House(settings=settings, floor=floor, sealer=sealer, packages=packages, litestar=litestar, asgi=asgi)


def build_floor(settings: Settings, *, database: Database | None = None, clock: Clock | None = None) -> Floor:
    """The floor, unopened; also what the command line stands on."""
    clock = clock or SystemClock()
    database = database or Database(settings.database_url, max_size=_connections_of_a_worker(settings))
    vault = Vault(settings.master_key_bytes)
    notifications = Notifications(settings.database_url)
    keyring = Keyring(database, vault, clock, environment=settings.environment)
    outbox = Outbox(database, vault, clock)
    keyring.listen(notifications)
    outbox.listen(notifications)
    return Floor(
        database=database,
        notifications=notifications,
        clock=clock,
        vault=vault,
        keyring=keyring,
        outbox=outbox,
        environment=settings.environment,
    )


def _connections_of_a_worker(settings: Settings) -> int:
    return max(4, min(20, 60 // settings.workers))


def _own_jobs(floor: Floor, sealer: Sealer) -> list[Job]:
    return [
        Job(name="keyring.refresh", every_seconds=1, run=floor.keyring.refresh),
        Job(name="outbox.deliver", every_seconds=0, run=floor.outbox.deliver_when_due),
        Job(name="outbox.forget", every_seconds=3600, run=floor.outbox.forget_failed),
        Job(name="audit.seal", every_seconds=1, run=sealer.seal),
        Job(name="audit.checkpoint", every_seconds=15, run=sealer.export_checkpoint),
        Job(
            name="idempotency.forget",
            every_seconds=300,
            run=lambda: idempotency.forget_expired(floor.database, floor.clock),
        ),
    ]


def _metrics_jobs(floor: Floor, settings: Settings) -> list[Job]:
    if not settings.metrics_listen:
        return []
    directory = directory_of(settings)

    async def write() -> None:
        METRICS.write(directory)

    return [
        Job(name="metrics.write", every_seconds=1, run=write),
        Job(name="metrics.outbox", every_seconds=5, run=floor.outbox.measure),
    ]


def _build_litestar(settings: Settings, floor: Floor, packages: Packages, jobs: list[Job]) -> Litestar:
    guard_without_copies()
    provide_in_turn()
    reference = Reference(brand=settings.brand_zh)
    litestar = Litestar(
        route_handlers=[health.router, web.router(settings, reference), *packages.routers],
        lifespan=[lambda _app: _lifespan(floor, packages, jobs)],
        middleware=packages.middleware,
        exception_handlers=HANDLERS,
        dependencies=_dependencies(settings, floor) | packages.dependencies,
        request_class=StrictRequest,
        request_max_body_size=LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
    )
    reference.describes(lambda: describe(litestar, title=f"{settings.brand_zh} {settings.brand_en}"))
    return litestar


@contextlib.asynccontextmanager
async def _lifespan(floor: Floor, packages: Packages, jobs: list[Job]) -> AsyncIterator[None]:
    runner = JobRunner(jobs)
    await _open_when_possible(floor, packages)
    runner.start()
    try:
        yield
    finally:
        await runner.stop()
        for close in packages.closers:
            await close()
        await floor.notifications.close()
        await floor.database.close()


async def _open_when_possible(floor: Floor, packages: Packages) -> None:
    """Lets nobody in before the worker knows keys and what has ended; waits for a database that is away.

    A worker that gave up instead would take the healthy ones with it: granian ends a server whose workers cannot start.
    """
    for wait in itertools.chain((0.2, 0.5, 1.0), itertools.repeat(2.0)):
        try:
            await floor.database.open()
            async with floor.database.transaction() as connection:
                await floor.keyring.ensure(connection, PURPOSES)
            for open_package in packages.openers:
                await open_package()
            break
        except DATABASE_AWAY as error:
            log.warning("database.awaited", error=type(error).__name__)
            await floor.database.close()
            await asyncio.sleep(wait)
    await floor.notifications.open()


def _dependencies(settings: Settings, floor: Floor) -> dict[str, Provide]:
    async def connection() -> AsyncGenerator[Connection, None]:
        # One request, one transaction: commits after the handler and before the first byte; an exception rolls back.
        async with floor.database.transaction() as opened:
            yield opened

    fixed: dict[str, Any] = {
        "settings": settings,
        "pulse": health.Pulse(floor.database, floor.notifications),
        "clock": floor.clock,
        "vault": floor.vault,
        "keyring": floor.keyring,
    }
    provided = {name: Provide(_always(value), sync_to_thread=False) for name, value in fixed.items()}
    return provided | idempotency.dependencies() | {"connection": Provide(connection)}


def _always(value: Any) -> Any:
    return lambda: value
