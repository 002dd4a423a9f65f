"""Publishing and suspending are live within two seconds on every worker: real commits, real notifications."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from app.kit.database import Database, Notifications, notify
from app.kit.jobs import Job, JobRunner
from gateway.routing import CHANNEL, ROUND_SECONDS, RouteTable
from miniapps.releases.models import PublishedApp
from tests.gateway.publications import LIBRARY, published


@contextlib.asynccontextmanager
async def worker(dsn: str, apps: list[PublishedApp], *, listens: bool) -> AsyncIterator[RouteTable]:
    """What each worker does: a table, a listener and the periodic job."""

    async def list_published() -> list[PublishedApp]:
        return list(apps)

    table, notifications = RouteTable(list_published), Notifications(dsn)
    if listens:
        notifications.on(CHANNEL, table.mark_stale)
    await notifications.open()
    runner = JobRunner([Job(name="snapshot", every_seconds=ROUND_SECONDS, run=table.refresh_when_due)])
    runner.start()
    try:
        yield table
    finally:
        await runner.stop()
        await notifications.close()


async def until(table: RouteTable, *, there: bool) -> float:
    started = time.monotonic()
    async with asyncio.timeout(5):
        while (LIBRARY in table.snapshot.apps) is not there:
            await asyncio.sleep(0.01)
    return time.monotonic() - started


async def test_release_is_live_on_every_worker_within_two_seconds(race_dsn: str, race_database: Database) -> None:
    apps: list[PublishedApp] = []
    async with (
        worker(race_dsn, apps, listens=True) as first,
        worker(race_dsn, apps, listens=True) as second,
        worker(race_dsn, apps, listens=False) as deaf,
    ):
        for there in (True, False):
            apps[:] = [published()] if there else []
            async with race_database.transaction() as connection:
                await notify(connection, CHANNEL, LIBRARY)
            spent = await asyncio.gather(*(until(table, there=there) for table in (first, second, deaf)))
            assert max(spent) < 2
            assert max(spent[:2]) < 1
