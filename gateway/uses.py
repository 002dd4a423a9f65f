"""Who used which service lately, and which release serves somebody: for ratings and scorecards. Reads, never writes."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from gateway.home.choices import Choices
from gateway.routing import RouteTable
from gateway.snapshot import choose

FIND_LAST_USE = "select last_used_at from gateway.usage where subject_id = $1 and app_id = $2"
COUNT_USERS = "select count(*) from gateway.usage where app_id = $1 and last_used_at > $2"


class ServiceUses:
    """The port of `miniapps`, on what the gateway knows."""

    def __init__(self, table: RouteTable, choices: Choices) -> None:
        self._table = table
        self._choices = choices

    async def find_last_use(self, connection: Connection, subject_id: UUID, app_id: str) -> datetime | None:
        """When the subject last used the service, to the hour; None when that is long ago or never was."""
        used_at: datetime | None = await connection.fetchval(FIND_LAST_USE, subject_id, app_id)
        return used_at

    async def find_release(self, connection: Connection, subject_id: UUID, app_id: str) -> UUID | None:
        """The release that serves the subject now."""
        entry = self._table.snapshot.entries.get(app_id)
        if entry is None:
            return None
        zone = (await self._choices.find_choice_in(connection, subject_id)).zone if entry.asks_zone else None
        served = choose(entry, subject_id, zone)
        return None if served is None else served.release_id

    async def count_users(self, connection: Connection, app_id: str, since: datetime) -> int:
        """How many subjects used it since then."""
        return int(await connection.fetchval(COUNT_USERS, app_id, since))
