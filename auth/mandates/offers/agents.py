"""Who may give a mandate and who may take one, and how the one who is asked is found without being revealed."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.vault import Vault
from auth.documents import age_on, document_number_is_valid, normalize_document_number, normalize_name
from auth.errors import IdentityLevelTooLow
from auth.mandates import repository
from auth.mandates.errors import AgentOutOfForm, MandateRefused
from auth.mandates.models import ADULT, MandateKind
from auth.mandates.offers.models import Asked
from auth.mandates.parties import DocumentHolder
from auth.mandates.rules import Why
from auth.people.models import NAME_CHECKED, Identity
from auth.people.service import People

INDEX_PURPOSE: Final = "mandate-agent"
ELDER: Final = 60


class Agents:
    """Finds people by a keyed index of their name and document."""

    def __init__(self, *, people: People, vault: Vault, clock: Clock, city_offset: timedelta) -> None:
        self._people = people
        self._vault = vault
        self._clock = clock
        self._city_offset = city_offset

    async def find_or_index(self, connection: Connection, named: DocumentHolder) -> Asked:
        """Whoever has this name and number, known here or not yet; raises `AgentOutOfForm`."""
        name, number = normalize_name(named.name), normalize_document_number(named.document_number)
        if name is None or not document_number_is_valid(named.document_type, number):
            raise AgentOutOfForm
        person_id = await self._people.find_named(
            connection, name=name, document_type=named.document_type, document_number=number
        )
        if person_id is not None:
            return Asked(index=await self.index_of(connection, person_id), person_id=person_id)
        stranger = Identity(name=name, document_type=named.document_type, document_number=number)
        return Asked(index=self._index(stranger))

    async def index_of(self, connection: Connection, person_id: UUID) -> bytes:
        """The index of somebody who is known here; raises `IdentityLevelTooLow` before their real-name check."""
        return self._index(await self._identity(connection, person_id))

    async def find_named(self, connection: Connection, named: DocumentHolder) -> UUID | None:
        """Whoever has this name and number, if they are known here."""
        return await self._people.find_named(
            connection,
            name=named.name,
            document_type=named.document_type,
            document_number=named.document_number,
        )

    async def require_of_age(self, connection: Connection, person_id: UUID) -> None:
        """An agent is of age; raises `MandateRefused`."""
        if not self._is(await self._identity(connection, person_id), ADULT):
            raise MandateRefused(Why.AGE)

    async def require_own_master(self, connection: Connection, person_id: UUID, kind: MandateKind) -> None:
        """Whoever gives a mandate of their own is of age and under nobody's guardianship; raises `MandateRefused`.

        `family` is for elders: it lasts longer than what others give.
        """
        await self.require_age_for(connection, person_id, kind)
        if await repository.list_guardians(connection, person_id, self._clock.now()):
            raise MandateRefused(Why.UNDER_GUARDIANSHIP)

    async def require_age_for(self, connection: Connection, person_id: UUID, kind: MandateKind) -> None:
        """Whoever is acted for by such a mandate has the age for it; raises `MandateRefused`."""
        if not self._is(await self._identity(connection, person_id), ELDER if kind == "family" else ADULT):
            raise MandateRefused(Why.AGE)

    async def _identity(self, connection: Connection, person_id: UUID) -> Identity:
        identity = await self._people.find_identity(connection, person_id)
        if identity is None:
            raise IdentityLevelTooLow(required_ial=NAME_CHECKED, ial=1)
        return identity

    def _is(self, identity: Identity, age: int) -> bool:
        """Whether somebody is this old; of a document without a date nobody knows, and an adult is supposed."""
        if identity.birth_date is None:
            return age <= ADULT
        return age_on((self._clock.now() + self._city_offset).date(), born=identity.birth_date) >= age

    def _index(self, identity: Identity) -> bytes:
        said = f"{identity.document_type}:{identity.document_number}:{identity.name}"
        return self._vault.blind_index(INDEX_PURPOSE, said)
