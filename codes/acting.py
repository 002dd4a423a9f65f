"""Whoever does something here in somebody else's name: it goes into the log that they read, with the deed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from app.kit.database import Connection
from auth.principal import Principal


class RecordsActs(Protocol):
    """Identity's log of acts."""

    async def record(
        self,
        connection: Connection,
        *,
        principal_id: UUID,
        principal_type: Literal["organization", "person"],
        agent_id: UUID,
        mandate_id: UUID,
        kind: str,
        detail: Mapping[str, str] | None = None,
        now: datetime,
    ) -> None:
        """Written if and only if the caller's transaction commits; the principal is told."""
        ...


class ActLog:
    """Writes acts of those who have a mandate; what people do for themselves is no act for another."""

    def __init__(self, acts: RecordsActs | None = None) -> None:
        self._acts = acts

    async def note(self, connection: Connection, principal: Principal, kind: str, now: datetime, **detail: str) -> None:
        """`principal` did this for the organization that their session speaks for."""
        if self._acts is None or principal.subject_type != "organization" or principal.mandate_id is None:
            return
        await self._acts.record(
            connection,
            principal_id=principal.subject_id,
            principal_type="organization",
            agent_id=principal.person_id,
            mandate_id=principal.mandate_id,
            kind=kind,
            detail=detail,
            now=now,
        )

    async def note_for_person(
        self,
        connection: Connection,
        *,
        person_id: UUID,
        agent_id: UUID,
        mandate_id: UUID,
        kind: str,
        now: datetime,
    ) -> None:
        """`agent_id` did this for another person, from their own session."""
        if self._acts is not None:
            await self._acts.record(
                connection,
                principal_id=person_id,
                principal_type="person",
                agent_id=agent_id,
                mandate_id=mandate_id,
                kind=kind,
                now=now,
            )
