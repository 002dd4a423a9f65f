"""Where a citizen is at home and how their pages look, as they chose: remembered, and known on every worker at once.

Asked at every call to a department, so it is kept in memory for a minute; a change is told by NOTIFY. Refuses places
that the city does not have.
"""

import time
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection, Database, notify
from app.kit.structs import Model
from auth.principal import Principal
from gateway.home import repository
from gateway.home.models import UNCHOSEN, Choice, ChooseHome
from miniapps.zones.errors import ZoneUnknown
from miniapps.zones.models import ZoneTree

CHANNEL: Final = "gateway_home_choice"
KNOWN_SECONDS: Final = 60.0
MOST_KNOWN: Final = 100_000


class _Known(Model):
    choice: Choice
    until: float


class Choices:
    """Everybody's choices."""

    def __init__(self, database: Database, clock: Clock, zones: ZoneTree) -> None:
        self._database = database
        self._clock = clock
        self._zones = zones
        self._known: dict[UUID, _Known] = {}
        self._generation = 0

    async def find_choice(self, subject_id: UUID) -> Choice:
        """What the subject chose, or what holds for who chose nothing. Holds no connection afterwards."""
        known = self._recall(subject_id)
        if known is not None:
            return known
        async with self._database.acquire() as connection:
            return await self.find_choice_in(connection, subject_id)

    async def find_choice_in(self, connection: Connection, subject_id: UUID) -> Choice:
        """The same, for whoever holds a connection already."""
        known = self._recall(subject_id)
        if known is not None:
            return known
        generation = self._generation
        choice = await repository.find_choice(connection, subject_id) or UNCHOSEN
        if choice.zone is not None and choice.zone not in self._zones:  # the city's map was drawn anew since
            choice = Choice(zone=None, profile=choice.profile)
        if generation == self._generation:  # else it may have changed between the reading and now
            self._keep(subject_id, choice)
        return choice

    async def choose(self, connection: Connection, principal: Principal, wanted: ChooseHome) -> Choice:
        """Remembers the subject's choice in place of the one before; raises `ZoneUnknown`."""
        if wanted.zone is not None and wanted.zone not in self._zones:
            raise ZoneUnknown(zone=wanted.zone)
        choice = Choice(zone=wanted.zone, profile=wanted.profile)
        await repository.insert_choice(connection, principal.subject_id, choice, self._clock.now())
        await notify(connection, CHANNEL, str(principal.subject_id))
        self.forget(str(principal.subject_id))
        return choice

    def forget(self, subject_id: str | None) -> None:
        """The subject chose anew somewhere. None: one may have been missed, so everybody is asked for again."""
        self._generation += 1
        if subject_id is None:
            self._known.clear()
        else:
            self._known.pop(UUID(subject_id), None)

    def _recall(self, subject_id: UUID) -> Choice | None:
        known = self._known.get(subject_id)
        return known.choice if known is not None and time.monotonic() < known.until else None

    def _keep(self, subject_id: UUID, choice: Choice) -> None:
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[subject_id] = _Known(choice=choice, until=time.monotonic() + KNOWN_SECONDS)
