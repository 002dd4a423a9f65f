"""What paper codes need of the rest of the house. Shapes only."""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from app.kit.database import Connection
from auth.documents import DocumentType


class NamesPeople(Protocol):
    """People by their documents, and the two facts that stand on paper."""

    async def disclose(
        self, connection: Connection, person_id: UUID, attributes: frozenset[str], /
    ) -> Mapping[str, str | bool]:
        """The named attributes, no more; what is not known is left out."""
        ...

    async def find_named(
        self, connection: Connection, *, name: str, document_type: DocumentType, document_number: str
    ) -> UUID | None:
        """The person to whom both name and number belong, or None."""
        ...
