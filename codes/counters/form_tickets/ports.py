"""What form tickets need of the rest of the house. Shapes only."""

from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from app.kit.database import Connection
from codes.scenarios.models import Scenario
from codes.verdict import Reason
from codes.verification.ports import Holder


class StandsBehind(Protocol):
    """Whether a holder's codes count now, and what may be said of them: `codes.verification.holders`."""

    async def standing(self, connection: Connection, holder: Holder, scenario: Scenario, now: datetime) -> Reason:
        """OK, or why not."""
        ...

    async def disclose(
        self, connection: Connection, holder: Holder, attributes: frozenset[str], *, scenario: int, asked_by: UUID
    ) -> dict[str, Any]:
        """The named attributes that are known."""
        ...


class TellsPeople(Protocol):
    """The message centre."""

    async def write(
        self, connection: Connection, person_id: UUID, kind: Literal["form_prefilled"], now: datetime, /
    ) -> None:
        """Tells the person, if and only if the caller's transaction commits."""
        ...


class Redeems(Protocol):
    """The scanner at a counter, as `codes.venues.scanners` shows a device whose signature held."""

    @property
    def id(self) -> UUID: ...

    @property
    def organization_id(self) -> UUID: ...

    @property
    def actor(self) -> str: ...

    def refusal_of(self, scenario: int, /) -> Any:
        """The `Reason` why it may not ask in this scenario, or None."""
        ...
