"""What a citizen must be asked before a client gets its code, and what they have allowed it.

A consent is per department and purpose; the purpose is the scope's name, and for the sign-in itself `openid:{client}`.
Statute and contract are bases of their own and are never dressed up as consent: they are told, not asked.
"""

import hashlib
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model
from auth.consents.models import GrantConsent
from auth.consents.service import Consents
from auth.principal import Principal
from auth.provider.clients.models import OPENID, Client, ClientScope

LONGEST_PURPOSE: Final = 64


class Question(Model):
    """What is to be asked and told on the consent page; `asked` are the scopes that stand or fall with consent."""

    must_ask: bool
    asked: tuple[ClientScope, ...]
    told: tuple[ClientScope, ...]


def login_purpose(client_id: str) -> str:
    """The purpose of a consent to sign in at one client."""
    purpose = f"{OPENID}:{client_id}"
    if len(purpose) <= LONGEST_PURPOSE:
        return purpose
    return f"{OPENID}:{hashlib.sha256(client_id.encode()).hexdigest()[:32]}"


class ConsentDesk:
    """Reads and writes the consents that sign-on stands on, through the one service that keeps them."""

    def __init__(self, consents: Consents) -> None:
        self._consents = consents

    async def question(
        self, connection: Connection, client: Client, person_id: UUID, scopes: frozenset[str]
    ) -> Question:
        """What to ask. An optional scope that was declined is not asked for again until its text changes."""
        wanted = [scope for scope in client.scopes if scope.name in scopes]
        login = await self._consents.find_active(
            connection, person_id, client.organization_id, login_purpose(client.client_id)
        )
        missing = [scope for scope in wanted if not await self._allows(connection, client, person_id, scope)]
        read_before = login is not None and login.text_version == client.text_version
        return Question(
            must_ask=login is None or any(scope.required or not read_before for scope in missing),
            asked=tuple(missing),
            told=tuple(scope for scope in wanted if scope.basis != "consent"),
        )

    async def allowed_scopes(
        self, connection: Connection, client: Client, person_id: UUID, scopes: frozenset[str]
    ) -> frozenset[str] | None:
        """Those of `scopes` that have their basis now; None when the citizen does not sign in here (any more)."""
        purpose = login_purpose(client.client_id)
        if await self._consents.find_active(connection, person_id, client.organization_id, purpose) is None:
            return None
        allowed = {
            scope.name
            for scope in client.scopes
            if scope.name in scopes and await self._allows(connection, client, person_id, scope)
        }
        return frozenset(allowed) | (scopes & {OPENID})

    async def allowed_fields(
        self, connection: Connection, client: Client, person_id: UUID, scopes: frozenset[str]
    ) -> dict[str, frozenset[str]]:
        """The fields that may be told, by scope; of a scope with consent only those that the consent names."""
        fields: dict[str, frozenset[str]] = {}
        for scope in client.scopes:
            if scope.name not in scopes:
                continue
            if scope.basis != "consent":
                fields[scope.name] = frozenset(scope.fields)
                continue
            consent = await self._consents.find_active(connection, person_id, client.organization_id, scope.name)
            if consent is not None:
                fields[scope.name] = frozenset(scope.fields) & frozenset(consent.fields)
        return fields

    async def grant(
        self, connection: Connection, client: Client, principal: Principal, agreed: tuple[ClientScope, ...]
    ) -> None:
        """Writes down what the citizen agreed to: the sign-in, and each scope by itself."""
        await self._grant(connection, client, principal, login_purpose(client.client_id), (OPENID,))
        for scope in agreed:
            await self._grant(connection, client, principal, scope.name, scope.fields or (OPENID,))

    async def _grant(
        self, connection: Connection, client: Client, principal: Principal, purpose: str, fields: tuple[str, ...]
    ) -> None:
        grant = GrantConsent(
            department_id=client.organization_id,
            purpose=purpose,
            fields=list(fields),
            text_version=client.text_version,
        )
        await self._consents.grant_consent(connection, principal, grant)

    async def _allows(self, connection: Connection, client: Client, person_id: UUID, scope: ClientScope) -> bool:
        if scope.basis != "consent":
            return True
        consent = await self._consents.find_active(connection, person_id, client.organization_id, scope.name)
        return consent is not None and set(scope.fields) <= set(consent.fields)
