"""Remembers which services a citizen uses, without a write for every call. Loses at most the last second in a crash."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Database
from gateway.home import repository

KNOWN_FOR: Final = timedelta(hours=1)
KEPT_FOR: Final = timedelta(days=90)
MOST_KNOWN: Final = 200_000


class Usage:
    """Notes uses in memory; a job writes the new ones together, once a second."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._noted: dict[tuple[UUID, str], datetime] = {}
        self._waiting: dict[tuple[UUID, str], datetime] = {}

    def note(self, subject_id: UUID, app_id: str) -> None:
        """The subject used the service now. Written when it was not within the last hour."""
        now, key = self._clock.now(), (subject_id, app_id)
        noted = self._noted.get(key)
        if noted is not None and now - noted < KNOWN_FOR:
            return
        if len(self._noted) >= MOST_KNOWN:
            self._noted.clear()
        self._noted[key] = self._waiting[key] = now

    async def write(self) -> None:
        """Writes what waits; what could not be written waits on."""
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        try:
            async with self._database.transaction() as connection:
                await repository.insert_usages(
                    connection, [(subject_id, app_id, at) for (subject_id, app_id), at in waiting.items()]
                )
        except BaseException:
            self._waiting = waiting | self._waiting
            raise

    async def forget(self) -> None:
        """Deletes uses older than 90 days: they have served their purpose."""
        async with self._database.transaction() as connection:
            await repository.delete_old_usage(connection, self._clock.now() - KEPT_FOR)
