"""A typed number, and the permission to type one. Pure."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request
from auth.documents import DocumentType
from codes.attempts import Allowance
from codes.lines import ONE_LINE
from codes.verification.models import Asked

PER_SCANNER: Final = Allowance(tries=20, seconds=3600)
PER_ORGANIZATION: Final = Allowance(tries=200, seconds=86_400)
"""Enough for a day of broken phones at a counter, too little to look a register through. Right numbers count too."""


class VerifyDocument(Asked, kw_only=True):
    """What staff typed from the document in the holder's hand. No name: nobody learns whether a guess fits one."""

    document_number: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    document_type: DocumentType = "id_card"


class AllowDocuments(Request):
    """The city's permission for one device, in so many of its scenarios, on this ground."""

    scenarios: Annotated[list[int], msgspec.Meta(min_length=1, max_length=100)]
    legal_basis: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=ONE_LINE)]


class DocumentEntry(Model):
    """A row, and as an official reads it."""

    scanner_id: UUID
    scenarios: list[int]
    legal_basis: str
    granted_by: str
    granted_at: datetime
    revoked_at: datetime | None = None
