"""One act, one yes: a helper's act goes through once the citizen has confirmed exactly this one, and only once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.ids import new_id
from auth.acts.models import KINDS, OTHER
from auth.mandates import repository as mandates
from auth.mandates.confirmations import repository
from auth.mandates.confirmations.models import (
    STANDS,
    Confirmation,
    ConfirmationList,
    ConfirmationView,
    Decision,
)
from auth.mandates.engine import Authority
from auth.mandates.errors import ConfirmationUnknown, MandateRefused
from auth.mandates.parties import Parties
from auth.mandates.rules import Why
from auth.messages.service import Messages
from auth.principal import Principal

FORGOTTEN_AFTER: Final = timedelta(days=1)


class Confirmations:
    """Asks the citizen, and remembers what they said."""

    def __init__(self, *, parties: Parties, messages: Messages, clock: Clock) -> None:
        self._parties = parties
        self._messages = messages
        self._clock = clock

    async def use(
        self,
        connection: Connection,
        authority: Authority,
        *,
        kind: str,
        detail: Mapping[str, str],
        fingerprint: bytes,
        now: datetime,
    ) -> SuishenError | None:
        """None when the citizen confirmed exactly this act, which uses up their yes; else a refusal to be remembered.

        The refusal's `confirmation_id` is what the citizen reads and decides. Of two calls at once one gets the yes.
        """
        await repository.lock_act(connection, authority.mandate_id)
        found = await repository.find_standing(connection, authority.mandate_id, fingerprint, now)
        if found is None:
            found = await self._ask(connection, authority, kind=kind, detail=detail, fingerprint=fingerprint, now=now)
        if found.decision == "confirmed":
            await repository.mark_used(connection, found.id, now)
            return None
        why = Why.DECLINED if found.decision == "declined" else Why.CONFIRMATION
        return MandateRefused(why, confirmation_id=str(found.id))

    async def list_mine(self, connection: Connection, principal: Principal) -> ConfirmationList:
        """What waits for the caller's word."""
        waiting = await repository.list_waiting(connection, principal.subject_id, self._clock.now())
        return ConfirmationList(items=[await self._view(connection, each) for each in waiting])

    async def decide(
        self, connection: Connection, principal: Principal, confirmation_id: UUID, decision: Decision
    ) -> ConfirmationView:
        """The citizen's own word, once. Raises `ConfirmationUnknown`."""
        now = self._clock.now()
        decided = await repository.mark_decided(connection, confirmation_id, principal.subject_id, now, decision)
        if decided is None:
            raise ConfirmationUnknown
        await audit.record(
            connection,
            clock_now=now,
            actor=principal.actor,
            action=f"act.{decision}",
            subject=principal.subject,
            detail={"mandate_id": str(decided.mandate_id), "kind": decided.kind},
        )
        return await self._view(connection, decided)

    async def forget_expired(self, connection: Connection) -> None:
        """Forgets what was asked a day ago; a periodic job."""
        await repository.delete_expired(connection, self._clock.now() - FORGOTTEN_AFTER)

    async def _ask(
        self,
        connection: Connection,
        authority: Authority,
        *,
        kind: str,
        detail: Mapping[str, str],
        fingerprint: bytes,
        now: datetime,
    ) -> Confirmation:
        asked = Confirmation(
            id=new_id(),
            mandate_id=authority.mandate_id,
            fingerprint=fingerprint,
            kind=kind,
            detail=dict(detail),
            asked_at=now,
            expires_at=now + STANDS,
        )
        await repository.insert_confirmation(connection, asked)
        await self._messages.write(connection, authority.principal_id, "confirmation_asked", now)
        return asked

    async def _view(self, connection: Connection, asked: Confirmation) -> ConfirmationView:
        mandate = await mandates.find_mandate(connection, asked.mandate_id)
        assert mandate is not None
        return ConfirmationView(
            id=asked.id,
            mandate_id=asked.mandate_id,
            agent=await self._parties.name(connection, "person", mandate.agent_id),
            kind=asked.kind,
            text=KINDS.get(asked.kind, OTHER),
            detail=asked.detail,
            asked_at=asked.asked_at,
            expires_at=asked.expires_at,
            decision=asked.decision,
        )
