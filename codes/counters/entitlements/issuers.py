"""Issuers in memory, so that a scan does not ask the database who may entitle; forgotten the moment one changes.

Believes its memory only while the notifications are heard.
"""

from datetime import datetime, timedelta
from typing import Final

from app.kit.clock import Clock
from app.kit.database import Connection, Notifications
from codes.counters.entitlements import repository
from codes.counters.entitlements.models import Issuer

CHANNEL: Final = "codes_entitlement_issuer"
REMEMBERED_FOR: Final = timedelta(seconds=60)
HEARD_WITHIN_SECONDS: Final = 1.0


class IssuerDirectory:
    """Every living issuer, as of at most a second ago."""

    def __init__(self, notifications: Notifications, clock: Clock) -> None:
        self._notifications = notifications
        self._clock = clock
        self._known: tuple[datetime, list[Issuer]] | None = None
        self._changes = 0
        notifications.on(CHANNEL, self._forget)

    async def list_issuers(self, connection: Connection) -> list[Issuer]:
        """All of them, by namespace."""
        now = self._clock.now()
        if self._known is not None and self._is_fresh(self._known[0], now):
            return self._known[1]
        changes = self._changes
        issuers = await repository.list_issuers(connection)
        # A change that was told while we read may not be in what we read.
        self._known = (now, issuers) if changes == self._changes else None
        return issuers

    def _is_fresh(self, read_at: datetime, now: datetime) -> bool:
        return now - read_at <= REMEMBERED_FOR and self._notifications.healthy_within(HEARD_WITHIN_SECONDS)

    def _forget(self, _payload: str | None) -> None:
        self._changes += 1
        self._known = None
