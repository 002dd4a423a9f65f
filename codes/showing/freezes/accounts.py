"""Codes of an account that sleeps, or that ended: nothing of theirs counts, and nothing new is issued.

A frozen account's codes are suspended until it wakes; of one that ended they are void. The mark that this leaves among
the freezes holds up whoever is just issuing, and is no counter's to lift.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.ids import new_id
from auth.people.ports import EndReason
from codes.showing.freezes import repository
from codes.showing.freezes.ports import SuspendsCodes, VoidsCodes


class AccountFreezes:
    """Told by identity, in the transaction in which an account ends or comes back."""

    def __init__(self, *, suspended: Sequence[SuspendsCodes], grants: VoidsCodes) -> None:
        self._suspended = suspended
        self._grants = grants

    async def person_ended(self, connection: Connection, person_id: UUID, reason: EndReason, now: datetime) -> None:
        """Takes out every code of the person, and those that they show for children."""
        await repository.lock_person(connection, person_id)
        await repository.insert_account_mark(connection, new_id(), person_id, now)
        if reason == "frozen":
            for codes in self._suspended:
                await codes.suspend_codes(connection, person_id, now)
        else:
            await self._grants.end_person(connection, person_id, now)

    async def person_returned(self, connection: Connection, person_id: UUID, _reason: EndReason, now: datetime) -> None:
        """Makes what only slept count again, unless a counter froze it besides."""
        await repository.lock_person(connection, person_id)
        await repository.delete_account_mark(connection, person_id)
        if not await repository.has_lasting(connection, person_id):
            for codes in self._suspended:
                await codes.restore_codes(connection, person_id, now)
