"""Two accounts of one human being: when an official may make them one. Pure."""

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request
from auth.people.life.models import NamedPerson
from auth.people.models import Identity, Person

TICKET_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
TICKET_LENGTH: Final = 8
TICKET_SECONDS: Final = 600

Ticket = Annotated[str, Meta(pattern=rf"^[{TICKET_LETTERS}]{{{TICKET_LENGTH}}}$(?!\n)")]
WhyNot: TypeAlias = Literal["one_account", "not_active", "kept_unnamed", "different_people"]


class MergeTicket(Model):
    """What the holder shows at the counter, to say that the account they are signed in to is theirs too."""

    ticket: str
    expires_in_seconds: int


class MergeAccounts(Request):
    """The account that stays, by its document; the one that ends, by its own document or by a ticket shown from it."""

    kept: NamedPerson
    merged: NamedPerson | Ticket
    holder_checked: bool = False


class UndoMerge(Request):
    """It was a mistake: whose accounts they are was checked again."""

    holder_checked: bool = False


class Merge(Model):
    """A row. `repointed` are accounts that had been merged into the merged one, `mandates` what followed it."""

    id: UUID
    kept_id: UUID
    merged_id: UUID
    repointed: list[UUID]
    mandates: list[UUID]
    merged_at: datetime
    merged_by: UUID
    organization_id: UUID
    undone_at: datetime | None = None


class MergeView(Model):
    """A merge as counters see it."""

    id: UUID
    display_name: str | None
    merged_at: datetime
    undone_at: datetime | None


class MergeList(Model):
    """A page, newest first."""

    items: list[MergeView]
    next: UUID | None


class Account(Model):
    """As much of an account as the rule needs."""

    person: Person
    identity: Identity | None


def why_not(kept: Account, merged: Account) -> WhyNot | None:
    """Why these two may not become one; None when they may.

    Whoever is born on another day, or has another ID number, is somebody else, whatever a counter believes.
    """
    if kept.person.id == merged.person.id:
        return "one_account"
    if kept.person.status != "active" or merged.person.status != "active":
        return "not_active"
    if kept.identity is None:
        return "kept_unnamed"
    return "different_people" if merged.identity and _differ(kept.identity, merged.identity) else None


def _differ(one: Identity, other: Identity) -> bool:
    if one.document_type == other.document_type == "id_card":
        return one.document_number != other.document_number
    return one.birth_date is not None and other.birth_date is not None and one.birth_date != other.birth_date
