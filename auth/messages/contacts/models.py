"""A trusted contact: somebody whom a person chose to be told beside them, and who agreed to it."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request

ToldOf: TypeAlias = Literal["urgent", "important"]
"""Urgent notices alone, or important ones too."""
ContactState: TypeAlias = Literal["invited", "active", "declined", "ended"]


class TrustedContact(Model):
    """A row. The contact is known by the phone that was invited, and by who accepted with that phone."""

    id: UUID
    person_id: UUID
    phone_index: bytes
    told_of: ToldOf
    state: ContactState
    invited_at: datetime
    expires_at: datetime
    phone_sealed: bytes | None = None
    contact_id: UUID | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None


class InviteContact(Request):
    """Whom to invite, by their phone, and what they will be told of."""

    phone: Annotated[str, Meta(min_length=1, max_length=32)]
    told_of: ToldOf = "urgent"


class DecideInvitation(Request):
    """The invited person's answer."""

    decision: Literal["accepted", "declined"]


class ContactView(Model):
    """A trusted contact as the person sees them; the name only once the contact agreed."""

    id: UUID
    phone: str | None
    display_name: str | None
    told_of: ToldOf
    state: ContactState
    invited_at: datetime
    expires_at: datetime
    answered_at: datetime | None


class ContactList(Model):
    """Those invited and those who agreed, oldest first; `next` is always null, since there are few."""

    items: list[ContactView]
    next: str | None = None


class TrustView(Model):
    """Somebody who trusts the reader, or asks to; by their masked name."""

    id: UUID
    display_name: str | None
    told_of: ToldOf
    state: ContactState
    invited_at: datetime
    expires_at: datetime


class TrustEnded(Model):
    """It is over."""

    ended: bool = True


class TrustList(Model):
    """All of them, oldest first; `next` is always null, since there are few."""

    items: list[TrustView]
    next: str | None = None
