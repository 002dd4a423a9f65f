"""What others do when a device is no longer trusted."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.kit.database import Connection


class DeviceListener(Protocol):
    """Told inside the transaction that revokes a device: what it writes holds if and only if the revocation does."""

    async def device_revoked(self, connection: Connection, device_id: UUID, now: datetime) -> None:
        """Withdraws whatever was given to this device."""
        ...
