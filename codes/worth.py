"""Who may read what a person's own records say: not everybody who holds the person's number."""

from typing import Protocol
from uuid import UUID

from app.kit.database import Connection
from auth.errors import IdentityLevelTooLow
from auth.principal import Principal


class KnownPerson(Protocol):
    """As much of a person as this rule needs."""

    @property
    def identity_level(self) -> int: ...


class KnowsLevels(Protocol):
    """How sure the city is of a person."""

    async def get_person(self, connection: Connection, person_id: UUID, /) -> KnownPerson:
        """The person; raises identity's own error when there is none."""
        ...


async def require_worth(levels: KnowsLevels, connection: Connection, principal: Principal) -> None:
    """The session belongs to an enrolled device, or is as sure as the person is; raises `IdentityLevelTooLow`.

    Numbers are recycled: whoever has one, on a phone that was not seen before, is not yet the person.
    """
    if principal.device_id is not None:
        return
    person = await levels.get_person(connection, principal.subject_id)
    if principal.ial < person.identity_level:
        raise IdentityLevelTooLow(required_ial=person.identity_level, ial=principal.ial)
