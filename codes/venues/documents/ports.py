"""What typed documents need of the rest of the house. Shapes only."""

from typing import Protocol
from uuid import UUID

from app.kit.database import Connection
from auth.people.models import Identity


class FindsOwners(Protocol):
    """Whose document this is."""

    async def find_owner(self, connection: Connection, identity: Identity, /) -> UUID | None:
        """The person with the document of `identity`, whose name plays no part; or None."""
        ...
