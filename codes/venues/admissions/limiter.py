"""Counts what one device and one organization do, and makes them wait when it is too much.

A stop is in the audit log and in the list that administrators read; it outlasts the window in which it was earned.
The organization's total is what is committed: scans under way at that moment, one for each connection at most, may
still pass.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from app.kit import audit
from app.kit.database import Connection
from codes.venues.admissions import repository
from codes.venues.admissions.models import Counted, Limit, Stop
from codes.venues.admissions.ports import RaisesAlerts
from codes.verification.ports import Scans

KEPT: Final = timedelta(days=1)
TOLD_AT_THE_OFFICE: Final = ("scanner_admin",)
TOLD_IN_THE_CITY: Final = ("security_admin",)

log = structlog.get_logger()


class Limiter:
    """Holds devices and organizations against `limits`."""

    def __init__(self, limits: Mapping[Counted, Limit]) -> None:
        self._limits = limits
        self._alerts: RaisesAlerts | None = None

    def alert_through(self, alerts: RaisesAlerts) -> None:
        """From now on officials are told of every stop, in its transaction."""
        self._alerts = alerts

    async def count(
        self, connection: Connection, scanner: Scans, what: Counted, now: datetime, *, times: int = 1
    ) -> None:
        """So many more of `what`, in the caller's transaction; stops whoever is at the limit now."""
        limit = self._limits[what]
        window = limit.window_of(now)
        own = await repository.count(connection, scanner.id, scanner.organization_id, what, window, times=times)
        together = await repository.total(connection, scanner.organization_id, what, window)
        stop = Stop(
            subject=scanner.id,
            what=what,
            scope="scanner",
            organization_id=scanner.organization_id,
            counted=own,
            since=now,
            until=now + timedelta(seconds=limit.seconds),
        )
        if own >= limit.scanner:
            await self._stop(connection, stop)
        if together >= limit.organization:
            everybody = {"subject": scanner.organization_id, "scope": "organization", "counted": together}
            await self._stop(connection, msgspec.structs.replace(stop, **everybody))

    async def is_stopped(self, connection: Connection, scanner: Scans, what: Counted, now: datetime) -> bool:
        """Whether the device or its organization has to wait before more of `what`."""
        standing = await repository.find_standing(connection, scanner.id, scanner.organization_id, (what,), now)
        return standing.stopped_by is not None

    async def forget(self, connection: Connection, now: datetime) -> None:
        """Deletes what no window needs any more; a periodic job."""
        await repository.delete_old(connection, now - KEPT)

    async def _stop(self, connection: Connection, stop: Stop) -> None:
        if not await repository.insert_stop(connection, stop):
            return
        subject = f"{stop.scope}:{stop.subject}"
        log.warning("scanner.stopped", subject=subject, what=stop.what, counted=stop.counted)
        await audit.record(
            connection,
            clock_now=stop.since,
            actor="system",
            action="scanner.stopped",
            subject=subject,
            detail={"what": stop.what, "counted": stop.counted, "until": stop.until.isoformat()},
        )
        if self._alerts is not None:
            await self._alerts.raise_alert(
                connection,
                f"{stop.scope}_stopped",
                subject=subject,
                now=stop.since,
                organization_id=stop.organization_id,
                roles=TOLD_AT_THE_OFFICE,
                city_roles=TOLD_IN_THE_CITY,
            )
