"""An offer: a mandate that waits for its agent to take it."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta

from app.kit.structs import Model, Request
from auth.mandates.models import MandateKind, OwnWord, PrincipalType, Scope
from auth.mandates.parties import DocumentHolder, NamedScope, PartyView
from auth.mandates.rules import Terms

Decision: TypeAlias = Literal["accepted", "declined"]
OfferState: TypeAlias = Literal["accepted", "declined", "withdrawn"]
Badge: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9]{8}$(?!\n)")]
LASTS_AT_MOST: Final = 3 * 366 * 86_400
Lasts: TypeAlias = Annotated[int, Meta(ge=60, le=LASTS_AT_MOST)]
Role: TypeAlias = Annotated[str, Meta(max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]

STANDS: Final = timedelta(days=14)
STANDS_BESIDE: Final = timedelta(minutes=10)
"""An offer to a helper who is there."""
BESIDE: Final[frozenset[MandateKind]] = frozenset({"assisted", "volunteer"})


class Offer(Model):
    """A row. Whom it is for is known by a keyed index of name and document."""

    id: UUID
    principal_type: PrincipalType
    principal_id: UUID
    kind: MandateKind
    role: str
    parent_id: UUID | None
    items: tuple[str, ...] | None
    scenarios: tuple[int, ...] | None
    apps: tuple[str, ...] | None
    may_delegate: bool
    sponsor_id: UUID | None
    given_by: UUID
    agent_index: bytes
    starts_at: datetime
    ends_at: datetime | None
    lasts_seconds: int | None
    offered_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
    decision: OfferState | None = None
    mandate_id: UUID | None = None

    @property
    def scope(self) -> Scope:
        """In what part."""
        return Scope(items=self.items, scenarios=self.scenarios, apps=self.apps)

    def stands(self, now: datetime) -> bool:
        """Whether it can still be decided."""
        return self.decided_at is None and now < self.expires_at


class Asked(Model):
    """Who is asked: by a keyed index, and by their id where they are known here already."""

    index: bytes
    person_id: UUID | None = None


class Draft(Model):
    """What is offered, before it stands."""

    principal_type: PrincipalType
    principal_id: UUID
    kind: MandateKind
    role: str
    scope: Scope
    lasts_seconds: int | None
    may_delegate: bool
    parent_id: UUID | None
    agent: Asked
    sponsor_id: UUID | None = None

    def as_offer(self, offer_id: UUID, *, given_by: UUID, now: datetime, expires_at: datetime) -> Offer:
        """The row."""
        return Offer(
            id=offer_id,
            principal_type=self.principal_type,
            principal_id=self.principal_id,
            kind=self.kind,
            role=self.role,
            parent_id=self.parent_id,
            items=self.scope.items,
            scenarios=self.scope.scenarios,
            apps=self.scope.apps,
            may_delegate=self.may_delegate,
            sponsor_id=self.sponsor_id,
            given_by=given_by,
            agent_index=self.agent.index,
            starts_at=now,
            ends_at=None,
            lasts_seconds=self.lasts_seconds,
            offered_at=now,
            expires_at=expires_at,
        )

    def terms(self, now: datetime) -> Terms:
        """What the mandate would be if it were taken at once."""
        ends_at = None if self.lasts_seconds is None else now + timedelta(seconds=self.lasts_seconds)
        return Terms(kind=self.kind, scope=self.scope, starts_at=now, ends_at=ends_at, may_delegate=self.may_delegate)


class OfferStaffMandate(Request):
    """An administrator or an agent (经办人) of the organization, by name and document."""

    kind: Literal["administrator", "agent"]
    agent: DocumentHolder
    scope: NamedScope = msgspec.field(default_factory=NamedScope)
    role: Role = ""
    lasts_seconds: Lasts | None = None
    """From acceptance on; left out: until somebody ends it."""
    may_delegate: bool = False


class OfferMandate(Request):
    """Somebody who may act for me: `family` for an elder, `proxy` (代办), or a helper by the badge that they wear.

    `under` passes on a mandate that I hold, where it may be passed on.
    """

    kind: Literal["family", "proxy", "assisted", "volunteer"]
    lasts_seconds: Lasts
    scope: NamedScope = msgspec.field(default_factory=NamedScope)
    agent: DocumentHolder | None = None
    badge: Badge | None = None
    under: UUID | None = None
    may_delegate: bool = False


class DecideOffer(Request):
    """What the one who was asked says."""

    decision: Decision


class SayOwnWord(Request):
    """A child's yes or no, from the fourteenth birthday on."""

    word: OwnWord


class OfferView(Model):
    """An offer as both sides read it. To the giver it never says whether there is such a person."""

    id: UUID
    kind: MandateKind
    state: Literal["open", "expired", "accepted", "declined", "withdrawn"]
    role: str
    principal: PartyView
    scope: Scope
    may_delegate: bool
    sponsor: PartyView | None
    lasts_seconds: int | None
    offered_at: datetime
    expires_at: datetime
    mandate_id: UUID | None


class OfferList(Model):
    """Open offers, newest first; all of them, so `next` is always null."""

    items: list[OfferView]
    next: str | None = None
