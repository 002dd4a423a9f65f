"""A consent: one person, one department, one purpose, named fields, until withdrawn. And the rules that it obeys."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from app.kit.errors import SuishenError
from app.kit.structs import Model, Request
from auth.consents.errors import FieldsBeyondText, NotByConsent, SeparateConsentNeeded, TextOutdated
from auth.consents.texts import SENSITIVE_FIELDS, ConsentText, RegisteredPurpose

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.:-]{0,63}$(?!\n)")]


class Consent(Model):
    """What is stored. A changed consent is a new one; the old one is withdrawn by it."""

    id: UUID
    person_id: UUID
    department_id: UUID
    purpose: str
    fields: tuple[str, ...]
    text_version: str
    granted_at: datetime
    separate: bool
    """Whether it was asked for in a question of its own."""
    guardian_id: UUID | None = None
    """Who gave it, for a child under fourteen."""
    expires_at: datetime | None = None
    withdrawn_at: datetime | None = None

    def covers(self, text: ConsentText) -> bool:
        """Whether it was given to exactly these words, and for every field that they name."""
        return self.text_version == text.version and set(text.fields) <= set(self.fields)


class GrantConsent(Request):
    """What the citizen allows: to which department, for which purpose, which fields, having read which text.

    `separate` says that nothing else was asked for in the same question; sensitive fields need it.
    """

    department_id: UUID
    purpose: Name
    fields: Annotated[list[Name], Meta(min_length=1, max_length=32)]
    text_version: Annotated[str, Meta(min_length=1, max_length=64)]
    separate: bool = False
    expires_in_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class ShownConsent(Model):
    """What somebody agreed to, with the words that they read where those are known."""

    department_id: UUID
    purpose: str
    fields: tuple[str, ...]
    text: ConsentText | None
    text_version: str
    separate: bool = False


class ConsentView(Model):
    """A consent as the citizen reads it."""

    id: UUID
    department_id: UUID
    department_name: str
    purpose: str
    fields: list[str]
    text_version: str
    text: ConsentText | None
    """The words that were read; null for words that only a phone of that day knew."""
    given_by: Literal["self", "guardian"]
    separate: bool
    granted_at: datetime
    expires_at: datetime | None
    withdrawn_at: datetime | None


class ConsentRequest(Model):
    """What a child under fourteen would like to use. A row of the present, which a guardian ends by deciding."""

    id: UUID
    child_id: UUID
    department_id: UUID
    purpose: str
    fields: tuple[str, ...]
    sensitive: bool
    text_version: str
    asked_at: datetime
    expires_at: datetime


class ConsentRequestView(Model):
    """The same as the guardian reads it. To allow it, send purpose, fields and version back as a consent."""

    id: UUID
    department_id: UUID
    department_name: str
    purpose: str
    fields: list[str]
    text_version: str
    text: ConsentText | None
    separate: bool
    """Whether it has to be asked for alone."""
    asked_at: datetime
    expires_at: datetime


def refuse_grant(grant: GrantConsent, registered: RegisteredPurpose | None) -> SuishenError | None:
    """Why this is no consent, or None. What nobody registered is judged by its fields alone.

    In this order: another basis, other words, other fields, a sensitive field among others (PIPL, 13, 14 and 29).
    """
    apart = not SENSITIVE_FIELDS.isdisjoint(grant.fields)
    if registered is not None:
        if registered.basis != "consent":
            return NotByConsent(basis=registered.basis)
        if grant.text_version != registered.text.version:
            return TextOutdated(text_version=registered.text.version)
        if not set(grant.fields) <= set(registered.text.fields):
            return FieldsBeyondText()
        return SeparateConsentNeeded() if registered.text.asked_apart and not grant.separate else None
    mixed = apart and not SENSITIVE_FIELDS.issuperset(grant.fields)
    return SeparateConsentNeeded() if mixed or (apart and not grant.separate) else None
