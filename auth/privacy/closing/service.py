"""Closing an account: what is open is listed, a company hands over first, days to think, then nothing is left to read.

At the end everything of the person is withdrawn as at any end of an account, what the loss of the key would leave
readable is deleted, and the key is destroyed: one transaction, and no way back. The audit log keeps its opaque ids.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.ids import new_id
from auth.errors import IdentityLevelTooLow
from auth.messages.service import Messages
from auth.people.life.errors import AccountNotActive
from auth.people.life.service import PersonLife
from auth.people.ports import EndReason
from auth.people.service import People
from auth.principal import Principal
from auth.privacy.closing import repository
from auth.privacy.closing.errors import CasesOpen, ClosingRunning, ClosingUnknown
from auth.privacy.closing.models import Closing, ClosingView
from auth.privacy.ports import ErasesPersons, ListsOpenCases, OpenCase
from auth.privacy.repository import list_merged
from auth.subject_keys.service import SubjectVault

LOOK_AGAIN: Final = timedelta(days=1)


class AccountClosing:
    """Takes the wish to close, and carries it out when its day has come."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        life: PersonLife,
        messages: Messages,
        subject_vault: SubjectVault,
        clock: Clock,
        cooling: timedelta,
        cases: Sequence[ListsOpenCases],
        erasers: Sequence[ErasesPersons],
    ) -> None:
        self._database = database
        self._people = people
        self._life = life
        self._messages = messages
        self._subject_vault = subject_vault
        self._clock = clock
        self._cooling = cooling
        self._cases = list(cases)
        self._erasers = list(erasers)

    def ask(self, cases: ListsOpenCases) -> None:
        """From now on what `cases` holds open keeps an account open too."""
        self._cases.append(cases)

    def erase_with(self, eraser: ErasesPersons) -> None:
        """From now on `eraser` deletes with every account."""
        self._erasers.append(eraser)

    async def request_closing(self, connection: Connection, principal: Principal) -> ClosingView:
        """The account closes after the days to think. Raises `IdentityLevelTooLow`, `CasesOpen`, `ClosingRunning`."""
        person = await self._people.get_person(connection, principal.subject_id)
        if principal.ial < person.identity_level:
            raise IdentityLevelTooLow(required_ial=person.identity_level, ial=principal.ial)
        open_cases = await self._list_open_cases(connection, person.id)
        if open_cases:
            raise CasesOpen(open_cases=sorted({case.kind for case in open_cases}))
        now = self._clock.now()
        closing = Closing(
            id=new_id(), person_id=person.id, state="cooling", requested_at=now, due_at=now + self._cooling
        )
        if not await repository.insert_closing(connection, closing):
            raise ClosingRunning
        await self._messages.write(connection, person.id, "closing_requested", now)
        await self._record(connection, principal.actor, "closing.requested", closing)
        return _view_of(closing, [])

    async def describe(self, connection: Connection, principal: Principal) -> ClosingView:
        """Where it stands, and what is open now; also before anybody asked."""
        closing = await repository.find_latest(connection, principal.subject_id)
        return _view_of(closing, await self._list_open_cases(connection, principal.subject_id))

    async def cancel(self, connection: Connection, principal: Principal) -> ClosingView:
        """Calls it off. Raises `ClosingUnknown` when there is nothing to call off."""
        now = self._clock.now()
        closing = await repository.mark_cancelled(connection, principal.subject_id, now)
        if closing is None:
            raise ClosingUnknown
        await self._messages.write(connection, principal.subject_id, "closing_cancelled", now)
        await self._record(connection, principal.actor, "closing.cancelled", closing)
        return _view_of(closing, await self._list_open_cases(connection, principal.subject_id))

    async def person_ended(self, connection: Connection, person_id: UUID, reason: EndReason, now: datetime) -> None:
        """A wish of before is called off by a death, which may be a mistake, and by a merge; nobody is told."""
        if reason in {"died", "merged"}:
            closing = await repository.mark_cancelled(connection, person_id, now)
            if closing is not None:
                await self._record(connection, "system", "closing.cancelled", closing)

    async def close_due(self) -> None:
        """Closes every account whose day has come, each in a transaction of its own; the round of a job.

        One that fails holds up no other, and is raised at the end, for the job to log.
        """
        async with self._database.acquire() as connection:
            due = await repository.list_due_ids(connection, self._clock.now())
        failures: list[Exception] = []
        for closing_id in due:
            try:
                async with self._database.transaction() as connection:
                    await self._close(connection, closing_id)
            except Exception as failure:  # noqa: BLE001 - raised below, when the others are done
                failures.append(failure)
        if failures:
            raise failures[0]

    async def erase(self, connection: Connection, person_id: UUID) -> None:
        """Leaves nothing to read of the person, nor of accounts merged into theirs; all of them have ended before."""
        for account_id in (person_id, *await list_merged(connection, person_id)):
            await self._erase(connection, account_id)

    async def _erase(self, connection: Connection, person_id: UUID) -> None:
        now = self._clock.now()
        for eraser in self._erasers:
            await eraser.erase_person(connection, person_id, now)
        await self._subject_vault.forget(connection, person_id)
        await audit.record(
            connection,
            clock_now=now,
            actor="system",
            action="person.erased",
            subject=f"person:{person_id}",
            detail={},
        )

    async def _close(self, connection: Connection, closing_id: UUID) -> None:
        now = self._clock.now()
        closing = await repository.find_due_locked(connection, closing_id, now)
        if closing is None:
            return
        if await self._list_open_cases(connection, closing.person_id):
            await self._block(connection, closing)
            return
        try:
            await self._life.close_account(connection, closing.person_id, actor=f"person:{closing.person_id}")
        except AccountNotActive:  # frozen meanwhile, or ended in another way: whoever froze it has the next word
            await self._block(connection, closing)
            return
        await repository.mark_done(connection, closing.id, now)
        await self.erase(connection, closing.person_id)

    async def _block(self, connection: Connection, closing: Closing) -> None:
        now = self._clock.now()
        await repository.mark_blocked(connection, closing.id, now + LOOK_AGAIN)
        if closing.state != "blocked":
            await self._messages.write(connection, closing.person_id, "closing_blocked", now)

    async def _list_open_cases(self, connection: Connection, person_id: UUID) -> list[OpenCase]:
        return [case for holder in self._cases for case in await holder.list_open_cases(connection, person_id)]

    async def _record(self, connection: Connection, actor: str, action: str, closing: Closing) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"person:{closing.person_id}",
            detail={"closing_id": str(closing.id)},
        )


def _view_of(closing: Closing | None, open_cases: list[OpenCase]) -> ClosingView:
    if closing is None:
        return ClosingView(state="none", requested_at=None, due_at=None, open_cases=open_cases)
    return ClosingView(
        state=closing.state, requested_at=closing.requested_at, due_at=closing.due_at, open_cases=open_cases
    )
