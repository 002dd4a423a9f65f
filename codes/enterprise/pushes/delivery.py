"""Puts pushes into the lists of their audience, a part at a time, so that a large one holds nobody up."""

from typing import Final

from app.kit.clock import Clock
from app.kit.database import Database
from codes.enterprise.pushes import repository

AT_ONCE: Final = 500
"""Enterprises in one transaction."""


class Delivery:
    """A periodic job of every worker: each takes another push, and two never deliver the same one."""

    def __init__(self, database: Database, clock: Clock, at_once: int = AT_ONCE) -> None:
        self._database = database
        self._clock = clock
        self._at_once = at_once

    async def deliver_due(self) -> None:
        """Delivers until nothing is on its way that is free. What a killed worker began, the next one goes on with."""
        while await self._deliver_part():
            pass

    async def _deliver_part(self) -> bool:
        """One transaction; False when there was nothing to do. A withdrawal waits for it, then stops the rest."""
        async with self._database.transaction() as connection:
            push_id = await repository.lock_sending(connection)
            if push_id is None:
                return False
            now = self._clock.now()
            if await repository.mark_delivered(connection, push_id, now, self._at_once) < self._at_once:
                await repository.mark_sent(connection, push_id, now)
            return True
