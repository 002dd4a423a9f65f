"""Looking another person up: asked of them and approved, or by a law that was registered. Rules; pure."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request
from auth.people.life.models import NamedPerson
from auth.principal import SubjectType

Attribute: TypeAlias = Literal["display_name", "full_name", "phone_tail", "id_number", "age_over_18", "identity_level"]
LookupState: TypeAlias = Literal["pending", "approved", "denied", "answered"]
Decision: TypeAlias = Literal["approved", "denied"]

ANSWER_WITHIN: Final = timedelta(hours=24)
READ_WITHIN: Final = timedelta(minutes=10)
"""After an approval; then the asker has to ask again."""

Line = Annotated[
    str,
    Meta(min_length=2, max_length=200, pattern=r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?(?![\s\S])"),
]
Attributes = Annotated[list[Attribute], Meta(min_length=1, max_length=6)]


class AskLookup(Request):
    """Whom I mean, what I want to know of them, and what for: they read it, and decide."""

    person: NamedPerson
    attributes: Attributes
    purpose: Line


class DecideLookup(Request):
    """The answer of whoever is asked."""

    decision: Decision


class RegisterBasis(Request):
    """A law by which a department looks people up without asking them, and how much of them it may see."""

    organization_id: UUID
    purpose: Line
    legal_basis: Line
    attributes: Attributes
    days: Annotated[int, Meta(ge=1, le=366)] = 365


class LookUpByLaw(Request):
    """Whom, by which basis, and in which case; the person reads all three."""

    basis_id: UUID
    person: NamedPerson
    case: Line


class Basis(Model):
    """A row."""

    id: UUID
    organization_id: UUID
    purpose: str
    legal_basis: str
    attributes: list[Attribute]
    registered_by: UUID
    registered_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None

    def lives(self, now: datetime) -> bool:
        """Whether somebody may be looked up by it."""
        return self.ended_at is None and now < self.expires_at


class Lookup(Model):
    """A row. Without `subject_id` nobody was found; `purpose_sealed` opens with the key of the subject."""

    id: UUID
    subject_id: UUID | None
    requester_type: SubjectType
    requester_id: UUID
    agent_id: UUID | None
    organization_id: UUID | None
    basis_id: UUID | None
    attributes: list[Attribute]
    purpose_sealed: bytes
    state: LookupState
    requested_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
    read_at: datetime | None = None

    def may_be_read(self, now: datetime) -> bool:
        """Whether the asker may see what they asked for, at this moment."""
        return self.state == "approved" and now < self.expires_at

    def may_be_decided(self, now: datetime) -> bool:
        """Whether the person asked may still say yes or no."""
        return self.state == "pending" and now < self.expires_at

    def shown_to_asker(self, now: datetime) -> Literal["pending", "approved", "over"]:
        """A denial looks like silence, and silence like nobody: the asker learns nothing from either."""
        if self.may_be_read(now):
            return "approved"
        until = self.requested_at + ANSWER_WITHIN
        return "pending" if self.state in {"pending", "denied"} and now < until else "over"


class AskedView(Model):
    """A look-up as whoever asked sees it. `attributes` are there while it may be read."""

    id: UUID
    state: Literal["pending", "approved", "over"]
    expires_at: datetime
    attributes: dict[str, str | bool] | None = None


class LookedUp(Model):
    """What was asked for by a registered basis."""

    id: UUID
    attributes: dict[str, str | bool]


class LookupView(Model):
    """A look at me: who, what, what for, by which law or at whose word, and when it was seen."""

    id: UUID
    requester: str
    requester_type: SubjectType
    purpose: str
    legal_basis: str | None
    attributes: list[Attribute]
    state: Literal["pending", "approved", "denied", "answered", "expired"]
    requested_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    read_at: datetime | None


class LookupList(Model):
    """A page, newest first."""

    items: list[LookupView]
    next: UUID | None


class BasisView(Model):
    """A registered basis."""

    id: UUID
    organization_id: UUID
    purpose: str
    legal_basis: str
    attributes: list[Attribute]
    registered_at: datetime
    expires_at: datetime
    ended_at: datetime | None


class BasisList(Model):
    """A page, oldest first."""

    items: list[BasisView]
    next: UUID | None
