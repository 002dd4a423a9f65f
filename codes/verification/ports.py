"""What a verification needs of the rest of the house. Shapes only."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model
from codes.envelope.claims import Kind

SubjectType: TypeAlias = Literal["person", "organization"]


class Holder(Model):
    """Whom a code speaks of."""

    subject_type: SubjectType
    subject_id: UUID


class KnownPerson(Protocol):
    """As much of a person as a verdict needs."""

    @property
    def identity_level(self) -> int: ...

    @property
    def status(self) -> str: ...


class FindsPeople(Protocol):
    """People, and what may be said of them."""

    async def get_person(self, connection: Connection, person_id: UUID, /) -> KnownPerson:
        """The person; raises identity's own error when there is none."""
        ...

    async def disclose(
        self, connection: Connection, person_id: UUID, attributes: frozenset[str], /
    ) -> Mapping[str, str | bool]:
        """The named attributes, no more; what is not known is left out."""
        ...


class FindsStaticCodes(Protocol):
    """The register of codes that hang on walls."""

    async def find_holder(self, connection: Connection, kind: Kind, cti: bytes, /) -> Holder | None:
        """Whom the code with this pointer speaks of, or None when there is no such code."""
        ...


class FindsEntitlements(Protocol):
    """Who is entitled to what: kept by departments, told as short names such as `library.reader`."""

    async def list_entitlements(self, connection: Connection, person_id: UUID, scenario: int, /) -> list[str]:
        """The entitlements that matter in this scenario."""
        ...


class Scans(Protocol):
    """Who scans, as `codes.scanners` shows a device whose signature held."""

    @property
    def id(self) -> UUID: ...

    @property
    def organization_id(self) -> UUID: ...

    @property
    def organization_name(self) -> str: ...

    @property
    def site_id(self) -> UUID: ...

    @property
    def site_name(self) -> str: ...

    @property
    def device_name(self) -> str: ...

    def refusal_of(self, scenario: int, /) -> Any:
        """The `Reason` why it may not ask in this scenario, or None."""
        ...
