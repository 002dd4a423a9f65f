"""Looks up what a citizen allowed a department, scope by scope; the purpose of a consent is the scope's name."""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from app.kit.database import Connection, Database
from auth.consents.models import Consent
from auth.principal import Principal
from gateway.policy import ConsentGiven
from gateway.snapshot import CompiledApp


class KnownConsents(Protocol):
    """Where consents are kept."""

    async def find_active(
        self, connection: Connection, subject_id: UUID, department_id: UUID, purpose: str
    ) -> Consent | None:
        """The consent in force now, if any."""
        ...


class ConsentLookup:
    """One short use of the database; nothing is remembered, so a withdrawal counts at the next call."""

    def __init__(self, database: Database, consents: KnownConsents) -> None:
        self._database = database
        self._consents = consents

    async def find_consents(
        self, principal: Principal, app: CompiledApp, scopes: frozenset[str]
    ) -> Mapping[str, ConsentGiven]:
        """The active consents among `scopes`, by scope name. Only a person consents, and only for themself."""
        if principal.subject_type != "person":
            return {}
        given: dict[str, ConsentGiven] = {}
        async with self._database.acquire() as connection:
            for scope in sorted(scopes):
                consent = await self._consents.find_active(connection, principal.subject_id, app.organization_id, scope)
                if consent is not None:
                    given[scope] = ConsentGiven(id=consent.id, fields=frozenset(consent.fields))
        return given
