"""What the public page needs of each kind of code that hangs on a wall or is shown to an enterprise. Shapes only."""

from typing import Protocol

from app.kit.database import Connection
from codes.stickers.models import Description


class DescribesCodes(Protocol):
    """The register of one kind of code. It reads and never writes: nobody who looks leaves a trace."""

    async def describe(self, connection: Connection, cti: bytes, /) -> Description | None:
        """What the code with this pointer stands for, in whatever state; None when there is no such code."""
        ...
