"""The city's own runs: those that developers asked for in the sandbox, and every night each live mini-app.

A run is claimed by whichever worker is free, made with no transaction open, and written down with its alert in one.
Refuses to write anywhere: on live it reads or is refused, and speaks of no citizen.
"""

from datetime import date, datetime, timedelta, timezone
from typing import Final

import structlog

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.ids import new_id
from app.kit.keyring import Keyring
from miniapps.conformance import repository
from miniapps.conformance.models import ConformanceReport
from miniapps.conformance.ports import OpensNetworks
from miniapps.conformance.records import Run
from miniapps.conformance.running import BackendSilent, examine
from miniapps.conformance.service import Conformance
from miniapps.manifest import decode_canonical
from miniapps.registry import repository as apps
from miniapps.releases import repository as versions
from miniapps.releases.models import PublishedApp, Version
from miniapps.releases.service import Releases
from miniapps.sandbox.keys import issuer_of_sandbox, live_keys, sandbox_keys
from miniapps.tellers import Tellers

log = structlog.get_logger()

CITY_TIME: Final = timezone(timedelta(hours=8))
NIGHT_BEGINS, NIGHT_ENDS = 2, 5
LOST_AFTER: Final = timedelta(minutes=10)
KEPT_FOR: Final = timedelta(days=90)
ALERT: Final = "miniapp_conformance_failed"


class Rounds:
    """Makes the runs that are due."""

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        clock: Clock,
        issuer: str,
        releases: Releases,
        conformance: Conformance,
        tellers: Tellers,
        opens_network: OpensNetworks,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._issuer = issuer
        self._releases = releases
        self._conformance = conformance
        self._tellers = tellers
        self._opens_network = opens_network

    async def plan_night(self) -> None:
        """Owes each live mini-app one run, once a night; forgets nights long ago. A periodic job."""
        night = night_of(self._clock.now())
        if night is None:
            return
        async with self._database.transaction() as connection:
            for published in await self._releases.list_published(connection):
                if published.state == "active" and published.manifest.backend is not None:
                    await self._owe(connection, published, night)
            await repository.delete_old(connection, self._clock.now() - KEPT_FOR)

    async def make_due(self) -> None:
        """Makes every run that is due, one after the other; a periodic job."""
        while (run := await self._claim()) is not None:
            await self._make(run)

    async def _owe(self, connection: Connection, published: PublishedApp, night: date) -> None:
        version = await versions.get_version(connection, published.app_id, published.version_code)
        run = Run(
            id=new_id(),
            version_id=version.id,
            app_id=published.app_id,
            version_code=published.version_code,
            environment="live",
            night=night,
            asked_at=self._clock.now(),
            asked_by=None,
        )
        await repository.insert_run(connection, run)

    async def _claim(self) -> Run | None:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            return await repository.claim_run(connection, now, now - LOST_AFTER)

    async def _make(self, run: Run) -> None:
        async with self._database.acquire() as connection:
            version = await versions.get_version(connection, run.app_id, run.version_code)
        try:
            report = await self._examine(run, version)
        except BackendSilent as silent:
            await self._end(run, version, None, trouble=str(silent))
        except Exception as error:  # noqa: BLE001 - one that the kit cannot read must not stop the others, nor come back
            log.warning("conformance.failed", app_id=run.app_id, error=type(error).__name__)
            await self._end(run, version, None, trouble="kit-failed")
        else:
            await self._end(run, version, report, trouble=None)

    async def _examine(self, run: Run, version: Version) -> ConformanceReport:
        backend = decode_canonical(version.manifest).backend
        assert backend is not None
        live = run.environment == "live"
        url = backend.base_url.live if live else backend.base_url.sandbox
        assert url is not None
        async with self._opens_network() as network:
            return await examine(
                version.manifest,
                manifest_hash=version.manifest_hash.hex(),
                backend=url,
                issuer=self._issuer if live else issuer_of_sandbox(self._issuer),
                keys=live_keys(self._keyring) if live else sandbox_keys(self._keyring),
                network=network,
                environment=run.environment,
                now=self._clock.now,
            )

    async def _end(self, run: Run, version: Version, report: ConformanceReport | None, *, trouble: str | None) -> None:
        now, failed = self._clock.now(), report is None or report.outcome == "failed"
        async with self._database.transaction() as connection:
            kept = report and await self._conformance.keep(
                connection, version, report, made_by="city", recorded_by=run.asked_by
            )
            await repository.mark_run_ended(
                connection, run.id, now, trouble=trouble, report_id=kept.id if kept else None
            )
            await audit.record(
                connection,
                clock_now=now,
                actor="system",
                action="miniapp.conformance_run",
                subject=f"miniapp:{run.app_id}",
                detail={
                    "code": run.version_code,
                    "environment": run.environment,
                    "outcome": report.outcome if report else trouble,
                },
            )
            if failed and run.environment == "live":
                await self._alert(connection, run, now)

    async def _alert(self, connection: Connection, run: Run, now: datetime) -> None:
        app = await apps.get_app(connection, run.app_id)
        await self._tellers.alert(connection, ALERT, app_id=run.app_id, now=now, organization_id=app.organization_id)


def night_of(now: datetime) -> date | None:
    """Which night it is in the city, None by day."""
    here = now.astimezone(CITY_TIME)
    return here.date() if NIGHT_BEGINS <= here.hour < NIGHT_ENDS else None
