"""What other rooms and packages say of a person who asks: their part of the copy, what is open, what goes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model, Text


class OpenCase(Model):
    """Something that has to be brought to its end, or handed over, before an account can close."""

    kind: str
    """Which kind of case, by a name that never changes: "responsible_person", "complaint"."""
    id: UUID
    text: Text
    """What it is, and what to do about it."""


class ExportsPersons(Protocol):
    """Whoever keeps something about people."""

    @property
    def export_name(self) -> str:
        """The name of its part in the file."""
        ...

    async def export_person(self, connection: Connection, person_id: UUID) -> Any:
        """All that is kept about this person, opened, as JSON values; an empty list or object when there is nothing."""
        ...


class ListsOpenCases(Protocol):
    """Whoever holds cases that an end of the account would tear."""

    async def list_open_cases(self, connection: Connection, person_id: UUID) -> Sequence[OpenCase]:
        """What is open now."""
        ...


class ErasesPersons(Protocol):
    """Whoever keeps something about people that the loss of their key does not make unreadable by itself."""

    async def erase_person(self, connection: Connection, person_id: UUID, now: datetime) -> None:
        """Deletes it, in the transaction that destroys the key. Called again, it changes nothing more."""
        ...


class KeepsPersons(ListsOpenCases, ErasesPersons, Protocol):
    """A whole package that keeps something about people."""

    @property
    def parts(self) -> Sequence[ExportsPersons]:
        """Its parts of a copy."""
        ...
