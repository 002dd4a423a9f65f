"""Who may act for whom. One kind so far: the responsible person of an organization, by the registry's word."""

from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from auth.mandates import repository
from auth.mandates.models import Mandate
from auth.messages.service import Messages
from auth.sessions.service import Sessions


class Mandates:
    """Gives, finds and ends mandates."""

    def __init__(self, *, sessions: Sessions, messages: Messages, clock: Clock) -> None:
        self._sessions = sessions
        self._messages = messages
        self._clock = clock

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
            await self._end(connection, present, "replaced")
        mandate = Mandate(
            id=new_id(),
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

    async def list_mandates(self, connection: Connection, person_id: UUID) -> list[Mandate]:
        """The living mandates of a person."""
        return await repository.list_of_agent(connection, person_id, self._clock.now())

    async def find_mandate(self, connection: Connection, person_id: UUID, organization_id: UUID) -> Mandate | None:
        """The living mandate by which this person acts for this organization, if any.

        It cannot end before the caller's transaction does, so that its end finds what was done by it.
        """
        return await repository.find_of_agent_for_share(connection, person_id, organization_id, self._clock.now())

    async def _end(self, connection: Connection, mandate: Mandate, reason: str) -> None:
        now = self._clock.now()
        await repository.mark_revoked(connection, mandate.id, now, reason)
        await self._sessions.end_sessions_of_mandate(connection, mandate.id, actor="system")
        await self._messages.write(connection, mandate.agent_id, "mandate_ended", now)
        await self._record(connection, mandate, "mandate.ended", "system")

    async def _record(self, connection: Connection, mandate: Mandate, action: str, actor: str) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"organization:{mandate.principal_id}",
            detail={"mandate_id": str(mandate.id), "agent": f"person:{mandate.agent_id}", "kind": mandate.kind},
        )
