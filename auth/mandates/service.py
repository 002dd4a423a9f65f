"""Who may act for whom: the responsible person of an organization and the guardian of a child, by a registry's word."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from auth.mandates import repository
from auth.mandates.models import Mandate, MandateKind
from auth.mandates.ports import MandateListener
from auth.messages.service import Messages
from auth.messages.texts import MessageKind
from auth.sessions.service import Sessions

ENDED: Final[dict[MandateKind, MessageKind]] = {
    "responsible_person": "mandate_ended",
    "guardian": "guardianship_ended",
}


class Mandates:
    """Gives, finds and ends mandates."""

    def __init__(self, *, sessions: Sessions, messages: Messages, clock: Clock) -> None:
        self._sessions = sessions
        self._messages = messages
        self._clock = clock
        self._listeners: list[MandateListener] = []

    def tell(self, listener: MandateListener) -> None:
        """From now on `listener` is told of every mandate that somebody ends, in its transaction."""
        self._listeners.append(listener)

    async def appoint_responsible(
        self, connection: Connection, *, organization_id: UUID, person_id: UUID, role: str
    ) -> Mandate:
        """The mandate of the person whom the registry names; a predecessor's ends with all its sessions.

        The caller holds a lock on the organization.
        """
        present = await repository.find_responsible(connection, organization_id)
        if present is not None and present.agent_id == person_id:
            return present
        if present is not None:
            await self._end(connection, present, reason="replaced", actor="system")
        mandate = Mandate(
            id=new_id(),
            principal_type="organization",
            principal_id=organization_id,
            agent_id=person_id,
            kind="responsible_person",
            role=role,
            proof="enterprise_registry",
            starts_at=self._clock.now(),
        )
        await repository.insert_mandate(connection, mandate)
        await self._messages.write(connection, person_id, "organization_claimed", mandate.starts_at)
        await self._record(connection, mandate, "mandate.given", f"person:{person_id}")
        return mandate

    async def appoint_guardian(
        self, connection: Connection, *, guardian_id: UUID, child_id: UUID, ends_at: datetime
    ) -> Mandate:
        """The mandate of a guardian whom the registry confirmed; both are told. Appointing again changes nothing.

        The caller holds a lock on the child's document.
        """
        present = await repository.find_guardianship(connection, guardian_id, child_id)
        if present is not None:
            return present
        mandate = Mandate(
            id=new_id(),
            principal_type="person",
            principal_id=child_id,
            agent_id=guardian_id,
            kind="guardian",
            role="监护人",
            proof="population_registry",
            starts_at=self._clock.now(),
            ends_at=ends_at,
        )
        await repository.insert_mandate(connection, mandate)
        await self._messages.write(connection, guardian_id, "child_added", mandate.starts_at)
        await self._messages.write(connection, child_id, "guardian_added", mandate.starts_at)
        await self._record(connection, mandate, "mandate.given", f"person:{guardian_id}")
        return mandate

    async def end_guardianship(self, connection: Connection, *, guardian_id: UUID, child_id: UUID) -> Mandate | None:
        """Ends it before its time, at the guardian's wish, with everything given by it; None when there is none."""
        mandate = await repository.find_guardianship(connection, guardian_id, child_id)
        if mandate is None or not mandate.lives(self._clock.now()):
            return None
        await self._end(connection, mandate, reason="ended_by_guardian", actor=f"person:{guardian_id}")
        await self._messages.write(connection, child_id, "guardian_removed", self._clock.now())
        return mandate

    async def list_mandates(self, connection: Connection, person_id: UUID, kind: MandateKind) -> list[Mandate]:
        """The living mandates of a person, of one kind."""
        return await repository.list_of_agent(connection, person_id, kind, self._clock.now())

    async def list_guardians(self, connection: Connection, child_id: UUID) -> list[UUID]:
        """Who is the guardian of this person now."""
        return await repository.list_guardians(connection, child_id, self._clock.now())

    async def find_mandate(
        self, connection: Connection, person_id: UUID, principal_id: UUID, kind: MandateKind
    ) -> Mandate | None:
        """The living mandate of this kind by which this person acts for this principal, if any.

        It cannot end before the caller's transaction does, so that its end finds what was done by it.
        """
        return await repository.find_of_agent_for_share(connection, person_id, principal_id, kind, self._clock.now())

    async def _end(self, connection: Connection, mandate: Mandate, *, reason: str, actor: str) -> None:
        now = self._clock.now()
        await repository.mark_revoked(connection, mandate.id, now, reason)
        await self._sessions.end_sessions_of_mandate(connection, mandate.id, actor=actor)
        for listener in self._listeners:
            await listener.mandate_ended(connection, mandate.id, now)
        await self._messages.write(connection, mandate.agent_id, ENDED[mandate.kind], now)
        await self._record(connection, mandate, "mandate.ended", actor)

    async def _record(self, connection: Connection, mandate: Mandate, action: str, actor: str) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=mandate.principal,
            detail={"mandate_id": str(mandate.id), "agent": f"person:{mandate.agent_id}", "kind": mandate.kind},
        )
