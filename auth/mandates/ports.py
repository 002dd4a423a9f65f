"""What others do when a mandate ends."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.kit.database import Connection


class MandateListener(Protocol):
    """Told inside the transaction that ends a mandate: what it writes holds if and only if the end does."""

    async def mandate_ended(self, connection: Connection, mandate_id: UUID, now: datetime) -> None:
        """Withdraws whatever was given by this mandate."""
        ...
