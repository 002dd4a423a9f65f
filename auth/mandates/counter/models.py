"""What a counter records: mandates by a court's decision or by a word said in person; custody disputes."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from app.kit.structs import Model, Request
from auth.mandates.offers.models import Lasts
from auth.mandates.parties import DocumentHolder, NamedScope

Reference: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100)]


class RecordMandate(Request):
    """A guardian of an adult without capacity, by the court's decision; or what an elder says at the counter.

    `reference` is the decision's or the statement's number; it is kept sealed.
    """

    kind: Literal["adult_guardian", "family"]
    principal: DocumentHolder
    agent: DocumentHolder
    reference: Reference
    lasts_seconds: Lasts
    documents_checked: Literal[True]
    scope: NamedScope = msgspec.field(default_factory=NamedScope)


class EndMandate(Request):
    """The decision was lifted, or the principal says so at the counter."""

    kind: Literal["adult_guardian", "family", "guardian"]
    principal: DocumentHolder
    agent: DocumentHolder
    documents_checked: Literal[True]


class StopGuardians(Request):
    """Custody is disputed: nobody acts for this child until it is decided."""

    ward: DocumentHolder
    documents_checked: Literal[True]


class SettleCustody(Request):
    """Who has custody now; the others' guardianships end."""

    ward: DocumentHolder
    guardians: Annotated[list[DocumentHolder], Meta(max_length=4)]
    documents_checked: Literal[True]


class GuardiansStopped(Model):
    """How many mandates do not count for now."""

    stopped: int


class CustodySettled(Model):
    """How many guardianships count again."""

    kept: int
