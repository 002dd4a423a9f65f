"""Parts of a copy that are plain rows: what stands in a table about a person, without what is sealed."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.kit.database import Connection

MOST_ROWS: Final = 10_000
"""A part is cut there, newest rows first: a copy must fit into memory. The lists of the API go on beyond it."""


@dataclass(frozen=True, kw_only=True)
class RowsPart:
    """One query with the person's id as `$1`, and how many rows at most as `$2`."""

    export_name: str
    query: str

    async def export_person(self, connection: Connection, person_id: UUID) -> Any:
        """The rows, each as an object by the names of its columns."""
        return [dict(row) for row in await connection.fetch(self.query, person_id, MOST_ROWS)]
