"""What admissions need of the rest of the house. Shapes only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.kit.database import Connection


class RaisesAlerts(Protocol):
    """The message centre, as far as it tells officials."""

    async def raise_alert(
        self,
        connection: Connection,
        kind: str,
        *,
        subject: str,
        now: datetime,
        organization_id: UUID | None = None,
        roles: Sequence[str] = (),
        city_roles: Sequence[str] = (),
    ) -> None:
        """Tells officials of the organization with one of `roles`, and those anywhere with one of `city_roles`."""
        ...
