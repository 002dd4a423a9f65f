"""Looks up what a citizen allowed a department, scope by scope; the purpose of a consent is the scope's name."""

from collections.abc import Collection, Mapping
from typing import Protocol
from uuid import UUID

from app.kit.database import Connection, Database
from auth.consents.models import Consent
from auth.principal import Principal
from gateway.policy import ConsentGiven
from gateway.snapshot import CompiledApp


class KnownConsents(Protocol):
    """Where consents are kept."""

    async def find_in_force(
        self, connection: Connection, subject_id: UUID, department_id: UUID, purposes: Collection[str]
    ) -> Mapping[str, Consent]:
        """The consents in force now among these purposes, by purpose; read from the primary."""
        ...


class ConsentLookup:
    """One question to the primary; nothing is remembered, so a withdrawal counts at the next call on every worker."""

    def __init__(self, database: Database, consents: KnownConsents) -> None:
        self._database = database
        self._consents = consents

    async def find_consents(
        self, principal: Principal, app: CompiledApp, scopes: Mapping[str, str]
    ) -> Mapping[str, ConsentGiven]:
        """The active consents among `scopes` that were given to the words of today, by scope name.

        Only a person consents: nobody does for an organization.
        """
        if principal.subject_type != "person":
            return {}
        async with self._database.acquire() as connection:
            found = await self._consents.find_in_force(connection, principal.subject_id, app.organization_id, scopes)
        return {
            name: ConsentGiven(id=consent.id, fields=frozenset(consent.fields))
            for name, consent in found.items()
            if consent.text_version == scopes[name]
        }
