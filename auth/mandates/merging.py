"""Mandates of somebody who had two accounts: they follow to the one that is kept, and back should it be a mistake."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from auth.mandates import repository
from auth.mandates.service import ACCOUNT_FROZEN
from auth.sessions.service import Sessions

# Not where the kept account has the same already, or would act for itself: those end with the merged account.
MOVE_HELD: Final = """
update auth.mandate m set agent_id = $2
 where m.agent_id = $1 and m.revoked_at is null and m.principal_id <> $2
   and not exists (select from auth.mandate o
                    where o.agent_id = $2 and o.principal_id = m.principal_id and o.kind = m.kind
                      and o.revoked_at is null)
returning m.id
"""
MOVE_GIVEN: Final = """
update auth.mandate m set principal_id = $2
 where m.principal_type = 'person' and m.principal_id = $1 and m.revoked_at is null and m.agent_id <> $2
   and not exists (select from auth.mandate o
                    where o.principal_id = $2 and o.agent_id = m.agent_id and o.kind = m.kind
                      and o.revoked_at is null)
returning m.id
"""
MOVE_HELD_BACK: Final = """
update auth.mandate set agent_id = $1, stops = array_remove(stops, $4)
 where id = any($3) and agent_id = $2 and revoked_at is null
"""
MOVE_GIVEN_BACK: Final = """
update auth.mandate set principal_id = $1, stops = array_remove(stops, $4)
 where id = any($3) and principal_id = $2 and revoked_at is null
"""


class MandatesFollow:
    """Told by `auth.people.merging`, in its transaction."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def person_merged(
        self, connection: Connection, merged_id: UUID, kept_id: UUID, _now: datetime
    ) -> Sequence[UUID]:
        """What the merged account held and gave goes on; who acts for it signs in to the kept one."""
        await self._lock(connection, merged_id, kept_id)
        held = [row["id"] for row in await connection.fetch(MOVE_HELD, merged_id, kept_id)]
        given = [row["id"] for row in await connection.fetch(MOVE_GIVEN, merged_id, kept_id)]
        await self._end_sessions(connection, given)
        return [*held, *given]

    async def person_unmerged(
        self, connection: Connection, merged_id: UUID, kept_id: UUID, moved: Sequence[UUID], _now: datetime
    ) -> None:
        """What moved goes back, and whoever acts by it begins anew. A freeze of the kept account stops it no more."""
        await self._lock(connection, merged_id, kept_id)
        stop = f"{ACCOUNT_FROZEN}:{kept_id}"
        await connection.execute(MOVE_HELD_BACK, merged_id, kept_id, list(moved), stop)
        await connection.execute(MOVE_GIVEN_BACK, merged_id, kept_id, list(moved), stop)
        await self._end_sessions(connection, moved)

    async def _lock(self, connection: Connection, merged_id: UUID, kept_id: UUID) -> None:
        found = [
            mandate
            for person_id in (merged_id, kept_id)
            for mandate in await repository.list_of_person(connection, person_id)
        ]
        for principal_id in sorted({mandate.principal_id for mandate in found} | {merged_id, kept_id}):
            await repository.lock_tree(connection, principal_id)

    async def _end_sessions(self, connection: Connection, mandates: Sequence[UUID]) -> None:
        for mandate_id in sorted(mandates):
            await self._sessions.end_sessions_of_mandate(connection, mandate_id, actor="system")
