"""What paper codes need of the rest of the house. Shapes only."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

from app.kit.database import Connection
from auth.documents import DocumentType

Notice: TypeAlias = Literal["paper_code_issued", "paper_code_voided"]


class TellsPeople(Protocol):
    """The message centre."""

    async def write(self, connection: Connection, person_id: UUID, kind: Notice, now: datetime, /) -> None:
        """Tells the person, if and only if the caller's transaction commits."""
        ...


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
