"""Who may change what opens an account: the one rule for passkeys, phones and whatever else is a way in.

Fresh, and as sure as the city can be: while the person has a device or a passkey that could confirm it, a code sent to
a phone is not enough, because a number may have a new holder. That nobody acts for another here, the guard says.
"""

from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection
from auth.assurance import FRESH_SECONDS, KEY, ONE_TIME_CODE, PHONE_ONLY, find_shortfall
from auth.devices.service import Devices
from auth.login.upstream.repository import list_links
from auth.people.models import Person
from auth.people.service import People
from auth.principal import Principal


class Standing:
    """Judges the caller before a change of credentials."""

    def __init__(self, *, people: People, devices: Devices, clock: Clock) -> None:
        self._people = people
        self._devices = devices
        self._clock = clock

    async def require(self, connection: Connection, principal: Principal) -> None:
        """Raises `StepUpRequired` with what to do."""
        aal = KEY if await self._has_key(connection, principal) else ONE_TIME_CODE
        now = self._clock.now()
        shortfall = find_shortfall(principal, aal=aal, within_seconds=FRESH_SECONDS, now=now)
        if shortfall is not None:
            raise shortfall

    async def is_sure(self, connection: Connection, principal: Principal) -> bool:
        """Whether the session is as sure of the person as the city is; staff always are."""
        return principal.subject_type == "official" or await self._people.is_known_to(connection, principal)

    def require_fresh(self, principal: Principal) -> None:
        """For what must go quickly, such as reporting a loss; raises `StepUpRequired`."""
        now = self._clock.now()
        shortfall = find_shortfall(principal, aal=ONE_TIME_CODE, within_seconds=FRESH_SECONDS, now=now)
        if shortfall is not None:
            raise shortfall

    async def is_known_by_more(self, connection: Connection, person_id: UUID) -> bool:
        """Whether the city knows the person by more than their phones: a name, a device, a passkey, another house."""
        return await self.is_more_than_a_phone(connection, await self._people.get_person(connection, person_id))

    async def is_more_than_a_phone(self, connection: Connection, person: Person) -> bool:
        """The same for who has read the person already."""
        return (
            person.identity_level > PHONE_ONLY
            or await self._devices.guards(connection, person.id)
            or bool(await list_links(connection, person.id))
        )

    async def _has_key(self, connection: Connection, principal: Principal) -> bool:
        if principal.subject_type == "official" or not await self.is_sure(connection, principal):
            return True
        return await self._devices.guards(connection, principal.subject_id)
