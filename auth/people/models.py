"""A natural person: one row per human being, whatever phone they call from."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from app.kit.structs import Model, Request
from auth.documents import DocumentType

NAME_CHECKED = 2
FACE_CHECKED = 3

PersonStatus = Literal["active", "frozen", "deceased", "closed", "merged"]


class Person(Model):
    """What is stored. `identity_sealed` opens to an `Identity`, with the person's own key."""

    id: UUID
    identity_level: int
    status: PersonStatus
    created_at: datetime
    identity_sealed: bytes | None = None
    verified_at: datetime | None = None
    key_sealed: bytes | None = None
    merged_into: UUID | None = None
    """The account that was kept, when this one turned out to be the same human being's."""


class Identity(Model):
    """Who a person is by their document; exists opened only in memory."""

    name: str
    document_type: DocumentType
    document_number: str
    birth_date: date | None = None


class VerifyRealName(Request):
    """What the citizen says of themself; not believed before the population registry confirmed it."""

    name: str
    document_number: str
    document_type: DocumentType = "id_card"


class PersonView(Model):
    """A person as they see themself: masked, since screens are looked at over shoulders.

    In a session of level 1 name, document and date are null.
    """

    id: UUID
    identity_level: int
    display_name: str | None
    document: str | None
    phones: list[str]
    verified_at: datetime | None
