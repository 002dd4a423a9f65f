"""The two sides of a mandate as people see them: registered names of organizations, masked names of people."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from msgspec import Meta

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.structs import Model, Request
from auth.documents import DocumentType
from auth.mandates.models import (
    MOST_NAMED,
    AppId,
    Item,
    Mandate,
    MandateKind,
    OwnWord,
    PrincipalType,
    ScenarioNumber,
    Scope,
)
from auth.organizations.service import Organizations
from auth.people.service import People

MandateState: TypeAlias = Literal["active", "waiting", "stopped", "over", "ended"]


class DocumentHolder(Request):
    """Somebody by what stands on their document, as the one who names them knows it."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    document_number: Annotated[str, Meta(min_length=1, max_length=64)]
    document_type: DocumentType = "id_card"


class NamedScope(Request):
    """In what part. A list that is left out means all that the giver may; an empty one means nothing of the sort."""

    items: Annotated[list[Item], Meta(max_length=MOST_NAMED)] | None = None
    scenarios: Annotated[list[ScenarioNumber], Meta(max_length=MOST_NAMED)] | None = None
    apps: Annotated[list[AppId], Meta(max_length=MOST_NAMED)] | None = None

    def as_scope(self) -> Scope:
        """The same, in order and each name once."""
        return Scope(
            items=None if self.items is None else tuple(sorted(set(self.items))),
            scenarios=None if self.scenarios is None else tuple(sorted(set(self.scenarios))),
            apps=None if self.apps is None else tuple(sorted(set(self.apps))),
        )


class PartyView(Model):
    """One side of a mandate."""

    type: PrincipalType
    id: UUID
    name: str | None


class MandateView(Model):
    """A mandate as both sides read it."""

    id: UUID
    kind: MandateKind
    state: MandateState
    role: str
    principal: PartyView
    agent: PartyView
    scope: Scope
    may_delegate: bool
    proof: str
    parent_id: UUID | None
    sponsor: PartyView | None
    starts_at: datetime
    ends_at: datetime | None
    own_word: OwnWord | None
    revoked_at: datetime | None


class MandateList(Model):
    """Newest first; `next` is the `after` of the following page."""

    items: list[MandateView]
    next: UUID | None


class Parties:
    """Names the sides."""

    def __init__(self, *, people: People, organizations: Organizations, clock: Clock) -> None:
        self._people = people
        self._organizations = organizations
        self._clock = clock

    async def name(self, connection: Connection, party_type: PrincipalType, party_id: UUID) -> PartyView:
        """An organization by its registered name, a person by their masked one."""
        if party_type == "organization":
            organization = await self._organizations.get_organization(connection, party_id)
            return PartyView(type=party_type, id=party_id, name=organization.name)
        told = await self._people.disclose(connection, party_id, frozenset({"display_name"}))
        name = told.get("display_name")
        return PartyView(type=party_type, id=party_id, name=name if isinstance(name, str) else None)

    async def view(self, connection: Connection, mandate: Mandate) -> MandateView:
        """The mandate with both sides named."""
        sponsor = mandate.sponsor_id
        return MandateView(
            id=mandate.id,
            kind=mandate.kind,
            state=state_of(mandate, self._clock.now()),
            role=mandate.role,
            principal=await self.name(connection, mandate.principal_type, mandate.principal_id),
            agent=await self.name(connection, "person", mandate.agent_id),
            scope=mandate.scope,
            may_delegate=mandate.may_delegate,
            proof=mandate.proof,
            parent_id=mandate.parent_id,
            sponsor=None if sponsor is None else await self.name(connection, "organization", sponsor),
            starts_at=mandate.starts_at,
            ends_at=mandate.ends_at,
            own_word=mandate.own_word,
            revoked_at=mandate.revoked_at,
        )


def state_of(mandate: Mandate, now: datetime) -> MandateState:
    """In one word."""
    if mandate.revoked_at is not None:
        return "ended"
    if not mandate.in_its_time(now):
        return "waiting" if now < mandate.starts_at else "over"
    return "stopped" if mandate.stops else "active"
