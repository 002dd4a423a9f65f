"""What several rooms need of identity: organizations and officials. Shapes only."""

from typing import Protocol
from uuid import UUID

from app.kit.database import Connection


class KnownOrganization(Protocol):
    """As much of an organization as a code may show: its registered facts."""

    @property
    def id(self) -> UUID: ...

    @property
    def name(self) -> str: ...

    @property
    def credit_code(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def status(self) -> str: ...


class FindsOrganizations(Protocol):
    """The register of organizations, which identity keeps."""

    async def get_organization(self, connection: Connection, organization_id: UUID, /) -> KnownOrganization:
        """The organization; raises identity's own error when there is none."""
        ...

    async def find_by_credit_code(self, connection: Connection, credit_code: str, /) -> KnownOrganization | None:
        """The organization with this 18-character code, or None."""
        ...


class NamesOfficials(Protocol):
    """Members of staff, as an enterprise may know those who come to it."""

    async def display_name(self, connection: Connection, official_id: UUID, /) -> str:
        """The name that the official's account shows; empty when there is none."""
        ...
