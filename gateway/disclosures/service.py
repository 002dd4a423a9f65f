"""Gives a department the fields it was granted, and writes that down in the same transaction: no record, no fields."""

from collections.abc import Mapping
from typing import Any, Final, Protocol
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.ids import new_id
from auth.attributes import ORGANIZATION, PERSON
from auth.guards import REAL_NAME
from auth.principal import Principal
from auth.provider.ports import Told
from gateway.disclosures import repository
from gateway.disclosures.models import Disclosure, DisclosureList, DisclosureView
from gateway.policy import GrantedScope
from gateway.snapshot import CompiledApp

UNPROVEN_FIELDS: Final = frozenset({"identity_level"})


class People(Protocol):
    """Where natural persons are described."""

    async def disclose(
        self, connection: Connection, person_id: UUID, attributes: frozenset[str]
    ) -> dict[str, str | bool]:
        """The named attributes as far as they are known."""
        ...


class Organization(Protocol):
    """What may be told of an organization: both are public in the enterprise register."""

    @property
    def name(self) -> str:
        """Its registered name."""
        ...

    @property
    def credit_code(self) -> str:
        """Its unified social credit code."""
        ...


class Organizations(Protocol):
    """Where organizations are described."""

    async def get_organization(self, connection: Connection, organization_id: UUID) -> Organization:
        """The organization."""
        ...


class Disclosures:
    """The one place where fields of a citizen leave for a department."""

    def __init__(self, database: Database, clock: Clock, *, people: People, organizations: Organizations) -> None:
        self._database = database
        self._clock = clock
        self._people = people
        self._organizations = organizations

    async def disclose(
        self, principal: Principal, app: CompiledApp, granted: tuple[GrantedScope, ...]
    ) -> Mapping[str, Any]:
        """The granted fields that are known. Officials are never described; who somebody is, only at level 2."""
        fields = _tellable(principal) & {field for grant in granted for field in grant.fields}
        if not fields:
            return {}
        async with self._database.transaction() as connection:
            values = await self._read(connection, principal, fields)
            if values:
                await repository.insert_disclosure(connection, self._record(principal, app, granted, sorted(values)))
            return values

    async def record_told(self, connection: Connection, told: Told) -> None:
        """Writes down what the identity provider told a client, in its transaction."""
        await repository.insert_disclosure(
            connection,
            Disclosure(
                id=new_id(),
                subject_id=told.person_id,
                agent_id=None,
                app_id=told.client_id,
                organization_id=told.organization_id,
                scopes=told.scopes,
                fields=told.fields,
                bases=told.bases,
                disclosed_at=self._clock.now(),
            ),
        )

    async def list_disclosures(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> DisclosureList:
        """Who was told what about the caller."""
        found = await repository.list_disclosures(connection, principal.subject_id, after=after, limit=limit + 1)
        more = str(found[limit - 1].id) if len(found) > limit else None
        return DisclosureList(items=[_view(disclosure) for disclosure in found[:limit]], next=more)

    async def _read(self, connection: Connection, principal: Principal, fields: frozenset[str]) -> dict[str, Any]:
        if principal.subject_type == "person":
            return dict(await self._people.disclose(connection, principal.subject_id, fields))
        organization = await self._organizations.get_organization(connection, principal.subject_id)
        return {name: getattr(organization, name) for name in fields}

    def _record(
        self, principal: Principal, app: CompiledApp, granted: tuple[GrantedScope, ...], fields: list[str]
    ) -> Disclosure:
        telling = [grant for grant in granted if not set(grant.fields).isdisjoint(fields)]
        return Disclosure(
            id=new_id(),
            subject_id=principal.subject_id,
            agent_id=principal.agent_id,
            app_id=app.app_id,
            organization_id=app.organization_id,
            scopes=[grant.scope.name for grant in telling],
            fields=fields,
            bases=[grant.scope.basis for grant in telling],
            disclosed_at=self._clock.now(),
        )


def _tellable(principal: Principal) -> frozenset[str]:
    if principal.subject_type == "organization":
        return ORGANIZATION
    if principal.subject_type != "person":
        return frozenset()
    # A phone number alone (a recycled one, a borrowed device) opens a session of its account, not its owner's identity.
    return PERSON if principal.ial >= REAL_NAME else UNPROVEN_FIELDS


def _view(disclosure: Disclosure) -> DisclosureView:
    return DisclosureView(
        id=disclosure.id,
        app_id=disclosure.app_id,
        organization_id=disclosure.organization_id,
        scopes=disclosure.scopes,
        fields=disclosure.fields,
        bases=disclosure.bases,
        disclosed_at=disclosure.disclosed_at,
    )
