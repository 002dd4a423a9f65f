"""Coming back to an account that is known by name, with a number, that name and its document, and nothing else.

All three may be a thief's, so it waits: the holder is told wherever they are reached, can stop it from any session that
knows them, and whoever freezes the account stops it too. A face, another house or a counter needs no wait.
"""

from datetime import datetime, timedelta
from math import ceil
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.structs import Text
from auth.assurance import ONE_TIME_CODE, find_shortfall
from auth.messages.service import Messages
from auth.people.ports import EndReason
from auth.people.recoveries import repository
from auth.people.recoveries.errors import RecoveryUnknown, RecoveryWaits
from auth.people.recoveries.models import RECENT_SECONDS, USABLE, Recovery, RecoveryView
from auth.principal import Principal
from auth.sessions.service import Sessions
from auth.settings import AuthSettings

STOPPED: Final = "recovery_stopped"
HOUR: Final = timedelta(hours=1)


class Recoveries:
    """Lets them wait, be used once, and be stopped."""

    def __init__(self, *, sessions: Sessions, messages: Messages, clock: Clock, settings: AuthSettings) -> None:
        self._sessions = sessions
        self._messages = messages
        self._clock = clock
        self._wait = timedelta(seconds=settings.further_device_wait_seconds)

    async def use(self, connection: Connection, principal: Principal) -> RecoveryWaits | None:
        """None when a wait is over, which is used up by this; else until when it waits, from now if it did not yet.

        The caller holds the person and has had name and document confirmed. Raises `StepUpRequired` when the code was
        shown too long ago.
        """
        now, person_id = self._clock.now(), principal.subject_id
        waiting = await repository.find_recovery(connection, person_id, now)
        if waiting is None:
            waiting = await self._begin(connection, principal, now)
        if waiting.due_at > now:
            return _waits(waiting, now)
        shortfall = find_shortfall(principal, aal=ONE_TIME_CODE, within_seconds=RECENT_SECONDS, now=now)
        if shortfall is not None:
            raise shortfall
        await repository.delete_recovery(connection, person_id)
        await self.tell_of_return(connection, person_id)
        await self._record(connection, principal.actor, "person.recovered", person_id, waiting.id)
        return None

    async def tell_of_return(self, connection: Connection, person_id: UUID) -> None:
        """Tells the holder that somebody on an unseen device was taken for them."""
        await self._messages.write(connection, person_id, "account_recovered", self._clock.now())

    async def list_waiting(self, connection: Connection, person_id: UUID) -> list[RecoveryView]:
        """What waits for the person, or may be used: one at most."""
        found = await repository.find_recovery(connection, person_id, self._clock.now())
        return [] if found is None else [_view_of(found)]

    async def stop(self, connection: Connection, principal: Principal, recovery_id: UUID) -> RecoveryView:
        """The holder objects: it is over, and the session that asked ends. Raises `RecoveryUnknown`."""
        stopped = await repository.delete_recovery(connection, principal.subject_id, recovery_id)
        if stopped is None:
            raise RecoveryUnknown
        session = await self._sessions.find_living(connection, stopped.session_id)
        if session is not None:
            await self._sessions.end_one(connection, session, actor=principal.actor, reason=STOPPED)
        await self._messages.write(connection, principal.subject_id, "recovery_stopped", self._clock.now())
        await self._record(connection, principal.actor, "person.recovery_stopped", stopped.person_id, stopped.id)
        return _view_of(stopped)

    async def hasten(self, connection: Connection, person_id: UUID, recovery_id: UUID, *, actor: str) -> bool:
        """The person stands at a counter and shows this one on their phone: it waits no longer. False: none such."""
        due = await repository.mark_due(connection, person_id, recovery_id, self._clock.now())
        if due:
            await self._record(connection, actor, "person.recovery_hastened", person_id, recovery_id)
        return due

    async def person_ended(self, connection: Connection, person_id: UUID, _reason: EndReason, _now: datetime) -> None:
        """Whoever froze or ended the account objected to everything."""
        await repository.delete_recovery(connection, person_id)

    async def forget(self, connection: Connection) -> None:
        """Forgets what nobody used in time; part of a periodic job."""
        await repository.delete_expired(connection, self._clock.now())

    async def _begin(self, connection: Connection, principal: Principal, now: datetime) -> Recovery:
        due_at = now + self._wait
        recovery = Recovery(
            id=new_id(),
            person_id=principal.subject_id,
            session_id=principal.session_id,
            asked_at=now,
            due_at=due_at,
            expires_at=due_at + USABLE,
        )
        await repository.delete_recovery(connection, principal.subject_id)  # one that nobody used in time
        await repository.insert_recovery(connection, recovery)
        await self._messages.write(connection, principal.subject_id, "recovery_begun", now)
        await self._record(connection, principal.actor, "person.recovery_begun", principal.subject_id, recovery.id)
        return recovery

    async def _record(
        self, connection: Connection, actor: str, action: str, person_id: UUID, recovery_id: UUID
    ) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"person:{person_id}",
            detail={"recovery_id": str(recovery_id)},
        )


def _waits(recovery: Recovery, now: datetime) -> RecoveryWaits:
    left = recovery.due_at - now
    hours = ceil(left / HOUR)
    said = Text(zh=f"还要等待约 {hours} 小时。", en=f"Another {hours} hours or so.")
    return RecoveryWaits(said, retry_after=ceil(left.total_seconds()), due_at=recovery.due_at, recovery_id=recovery.id)


def _view_of(recovery: Recovery) -> RecoveryView:
    return RecoveryView(
        id=recovery.id, asked_at=recovery.asked_at, due_at=recovery.due_at, expires_at=recovery.expires_at
    )
