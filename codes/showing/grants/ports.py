"""What granting needs of the rest of the house."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.kit.database import Connection
from auth.devices.models import Device


class FindsDevices(Protocol):
    """The enrolled phones."""

    async def get_device(self, connection: Connection, device_id: UUID) -> Device:
        """The device as it stands now; raises `DeviceUnknown`."""
        ...

    async def get_device_for_share(self, connection: Connection, device_id: UUID) -> Device:
        """As `get_device`; nobody revokes it before the caller's transaction ends."""
        ...


class KnownPerson(Protocol):
    """As much of a person as granting needs."""

    @property
    def identity_level(self) -> int: ...


class FindsPeople(Protocol):
    """The people whose phones these are."""

    async def get_person(self, connection: Connection, person_id: UUID, /) -> KnownPerson:
        """The person; raises identity's own error when there is none."""
        ...


class KnownGuardianship(Protocol):
    """As much of a mandate as granting needs."""

    @property
    def id(self) -> UUID: ...

    @property
    def ends_at(self) -> datetime | None: ...


class FindsGuardians(Protocol):
    """Who may show codes for which children; identity's engine of mandates."""

    async def find_guardianship(
        self, connection: Connection, guardian_id: UUID, child_id: UUID, /
    ) -> KnownGuardianship | None:
        """The living mandate, or None; nobody ends it before the caller's transaction ends."""
        ...

    async def may_show(
        self, connection: Connection, *, mandate_id: UUID | None, agent_id: UUID, principal_id: UUID, scenario: int
    ) -> bool:
        """Whether this person's code, shown by this agent, counts in this scenario now; by this mandate if named."""
        ...
