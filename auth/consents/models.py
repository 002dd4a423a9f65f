"""A consent: one person, one department, one purpose, named fields, until withdrawn."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request

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
    expires_at: datetime | None = None
    withdrawn_at: datetime | None = None


class GrantConsent(Request):
    """What the citizen allows: to which department, for which purpose, which fields, having read which text."""

    department_id: UUID
    purpose: Name
    fields: Annotated[list[Name], Meta(min_length=1, max_length=32)]
    text_version: Annotated[str, Meta(min_length=1, max_length=64)]
    expires_in_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class ConsentView(Model):
    """A consent as the citizen reads it."""

    id: UUID
    department_id: UUID
    department_name: str
    purpose: str
    fields: list[str]
    text_version: str
    granted_at: datetime
    expires_at: datetime | None
    withdrawn_at: datetime | None
