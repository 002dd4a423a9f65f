"""A message centre and a keeper of consents that write down what they are told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.kit.database import Connection


@dataclass
class Centre:
    """What officials and citizens were told, and which consents were there to end."""

    alerts: list[tuple[str, str]] = field(default_factory=list)
    messages: list[tuple[UUID, str]] = field(default_factory=list)
    consents: dict[str, list[UUID]] = field(default_factory=dict)

    async def raise_alert(
        self,
        _connection: Connection,
        kind: str,
        *,
        subject: str,
        now: datetime,  # noqa: ARG002 - the port's
        organization_id: UUID | None = None,  # noqa: ARG002 - the port's
        roles: Sequence[str] = (),  # noqa: ARG002 - the port's
        city_roles: Sequence[str] = (),  # noqa: ARG002 - the port's
    ) -> None:
        self.alerts.append((kind, subject))

    async def write(self, _connection: Connection, person_id: UUID, kind: str, _now: datetime) -> None:
        self.messages.append((person_id, kind))

    async def end_purpose(
        self,
        _connection: Connection,
        _department_id: UUID,
        purpose: str,
        *,
        actor: str,  # noqa: ARG002 - the port's
        limit: int,
    ) -> list[UUID]:
        waiting = self.consents.get(purpose, [])
        ended, self.consents[purpose] = waiting[:limit], waiting[limit:]
        return ended

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.alerts]
