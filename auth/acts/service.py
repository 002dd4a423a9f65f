"""The log of what was done in somebody's name: written with the deed, read by whoever it was done for.

They are told as well, at most once a day for each mandate and kind of act, so that a log is read and not feared.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.listing import cut
from auth.acts import repository
from auth.acts.models import KINDS, OTHER, Act, ActList, ActView
from auth.mandates import repository as mandates
from auth.mandates.models import PrincipalType
from auth.messages.service import Messages
from auth.people.service import People

TOLD_AGAIN_AFTER: Final = timedelta(days=1)


class Acts:
    """Writes and lists acts."""

    def __init__(self, *, people: People, messages: Messages) -> None:
        self._people = people
        self._messages = messages

    async def record(
        self,
        connection: Connection,
        *,
        principal_id: UUID,
        principal_type: PrincipalType,
        agent_id: UUID,
        mandate_id: UUID,
        kind: str,
        detail: Mapping[str, str] | None = None,
        now: datetime,
        at_most_every: timedelta | None = None,
    ) -> None:
        """Writes down what `agent_id` did in the principal's name, if and only if the caller's transaction commits.

        `kind` is a stable word (`auth.acts.models.KINDS` has the texts); `detail` has nothing personal in it. With
        `at_most_every` an act that is written down already, with the same detail, is not written again so soon.
        """
        detail = dict(detail or {})
        if at_most_every is not None and await repository.has_like(
            connection, mandate_id, kind, detail, now - at_most_every
        ):
            return
        told_lately = await repository.has_since(connection, mandate_id, kind, now - TOLD_AGAIN_AFTER)
        act = Act(
            id=new_id(),
            principal_type=principal_type,
            principal_id=principal_id,
            agent_id=agent_id,
            mandate_id=mandate_id,
            kind=kind,
            detail=detail,
            at=now,
        )
        await repository.insert_act(connection, act)
        await audit.record(
            connection,
            clock_now=now,
            actor=f"person:{agent_id}",
            action=f"act.{kind}",
            subject=f"{principal_type}:{principal_id}",
            detail={"mandate_id": str(mandate_id), **act.detail},
        )
        if not told_lately:
            await self._tell(connection, act)

    async def list_acts(self, connection: Connection, principal_id: UUID, *, after: UUID | None, limit: int) -> ActList:
        """What was done in this principal's name, newest first. Who may read it is the caller's to check."""
        rows, following = cut(await repository.list_acts(connection, principal_id, after, limit + 1), limit)
        names = {agent_id: await self._name_of(connection, agent_id) for agent_id in {row.agent_id for row in rows}}
        return ActList(items=[_view_of(row, names[row.agent_id]) for row in rows], next=following)

    async def _tell(self, connection: Connection, act: Act) -> None:
        """The person, and a ward's other guardians; for an organization whoever answers for it."""
        if act.principal_type == "organization":
            responsible = await mandates.find_responsible_id(connection, act.principal_id)
            readers = {responsible} if responsible is not None else set()
            notice = "acted_for_organization"
        else:
            readers = {act.principal_id, *await mandates.list_guardians(connection, act.principal_id, act.at)}
            notice = "acted_in_your_name"
        for reader in sorted(readers - {act.agent_id}):
            await self._messages.write(connection, reader, notice, act.at)

    async def _name_of(self, connection: Connection, person_id: UUID) -> str | None:
        told = await self._people.disclose(connection, person_id, frozenset({"display_name"}))
        name = told.get("display_name")
        return name if isinstance(name, str) else None


def _view_of(act: Act, agent: str | None) -> ActView:
    return ActView(
        id=act.id,
        kind=act.kind,
        text=KINDS.get(act.kind, OTHER),
        agent=agent,
        agent_id=act.agent_id,
        mandate_id=act.mandate_id,
        detail=act.detail,
        at=act.at,
    )
