"""What taking a log needs of the rooms around it. Shapes only."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from app.kit.database import Connection
from codes.venues.scanners.models import Scanner
from codes.verdict import Reason


class HoldsBack(Protocol):
    """Limits against trying codes out, also by logs that nobody saw being made."""

    async def begin_log(self, connection: Connection, scanner: Scanner, now: datetime, /) -> datetime | None:
        """Until when this device may bring no log, or None; then no other log of it is taken meanwhile."""
        ...

    async def end_log(
        self, connection: Connection, scanner: Scanner, reasons: Iterable[Reason], now: datetime, /
    ) -> None:
        """Takes note of what the entries that are new came to, in the transaction of the log."""
        ...
