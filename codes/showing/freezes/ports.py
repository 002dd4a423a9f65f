"""What freezing needs of the rest of the house. Shapes only."""

from datetime import datetime
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

from app.kit.database import Connection
from auth.documents import DocumentType

Notice: TypeAlias = Literal[
    "codes_frozen", "codes_unfrozen", "child_codes_frozen", "child_codes_unfrozen", "freeze_upheld"
]


class FindsNamedPeople(Protocol):
    """People by what stands on the document in front of an official."""

    async def find_named(
        self, connection: Connection, *, name: str, document_type: DocumentType, document_number: str
    ) -> UUID | None:
        """The person to whom both name and number belong, or None."""
        ...


class TellsPeople(Protocol):
    """The message centre."""

    async def write(self, connection: Connection, person_id: UUID, kind: Notice, now: datetime, /) -> None:
        """Tells the person, if and only if the caller's transaction commits."""
        ...


class FindsFamilies(Protocol):
    """Whose freezes a guardian reads beside their own, and who is told of a child's."""

    async def list_child_ids(self, connection: Connection, guardian_id: UUID, /) -> list[UUID]:
        """The children for whom this person may act now."""
        ...

    async def list_guardian_ids(self, connection: Connection, child_id: UUID, /) -> list[UUID]:
        """Who may act for this person now."""
        ...


class SuspendsCodes(Protocol):
    """One family of codes that offline verifiers accept without asking: it must be taken out where they look."""

    async def suspend_codes(self, connection: Connection, person_id: UUID, now: datetime, /) -> None:
        """Takes out every living code of this person; what is void stays void. The caller has locked the person."""
        ...

    async def restore_codes(self, connection: Connection, person_id: UUID, now: datetime, /) -> None:
        """Undoes `suspend_codes`; what was voided meanwhile stays void."""
        ...


class VoidsCodes(Protocol):
    """Every code of a person, of whatever kind."""

    async def end_person(self, connection: Connection, person_id: UUID, now: datetime, /) -> tuple[int, int]:
        """Voids them all, also those that the person shows for children; how many grants and how many others."""
        ...
