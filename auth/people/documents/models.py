"""Several documents of one human being: what a new one is to those that are known. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from app.kit.structs import Model, Request
from auth.documents import DocumentType, same_name
from auth.people.life.models import NamedPerson
from auth.people.models import Identity

DocumentState: TypeAlias = Literal["current", "former"]
Change: TypeAlias = Literal["same", "added", "renewed", "renamed"]


class ShowDocument(NamedPerson):
    """One more document of mine, or what replaced one; not believed before the population registry confirmed it."""


class RecordDocument(Request):
    """A document in front of an official, of somebody known by another one. Face and documents were compared."""

    holder: NamedPerson
    document: NamedPerson
    holder_checked: bool = False


class ConfirmPerson(Request):
    """Somebody whose face and document an official compared.

    What waits and is shown by the phone before the official (its id, as a picture to scan) waits no longer; whatever
    else waits for this person may be a thief's, and goes on waiting.
    """

    holder: NamedPerson
    holder_checked: bool = False
    recovery_id: UUID | None = None
    device_id: UUID | None = None


class FurtherDocument(Model):
    """A row. `identity_sealed` opens with the key of `person_id`, to whom it was told."""

    document_index: bytes
    person_id: UUID
    identity_sealed: bytes
    key_sealed: bytes | None
    state: DocumentState
    added_at: datetime


class KnownDocument(Model):
    """A document of a person, opened. The first one of an account stands in the account itself."""

    identity: Identity
    told_to: UUID
    """The account that it was told to: the person's own, or one merged into theirs."""
    first: bool
    state: DocumentState
    added_at: datetime | None


class DocumentView(Model):
    """A document as its holder sees it: masked, since screens are looked at over shoulders."""

    document_type: DocumentType
    document_number: str
    name: str
    main: bool
    """The one that the city calls the holder by."""
    state: DocumentState
    added_at: datetime | None


class DocumentChanged(Model):
    """What the document was to those known before."""

    change: Change


def judge(known: Iterable[KnownDocument], shown: Identity) -> tuple[Change, KnownDocument | None]:
    """What `shown` is, and which document it replaces or renames.

    The same number under another name is a changed name. The same kind with another number replaces the one that was
    current, since nobody holds two of a kind. A replaced document that is shown again is no news.
    """
    documents = list(known)
    for document in documents:
        if _number_of(document.identity) == _number_of(shown):
            unchanged = document.state == "former" or same_name(document.identity.name, shown.name)
            return ("same" if unchanged else "renamed"), document
    for document in documents:
        if document.state == "current" and document.identity.document_type == shown.document_type:
            return "renewed", document
    return "added", None


def _number_of(identity: Identity) -> tuple[DocumentType, str]:
    return identity.document_type, identity.document_number
