"""The state's own registers, as identity needs them: they answer yes or no, and what goes with a yes."""

from datetime import date
from typing import Literal, Protocol, TypeAlias

from app.kit.structs import Model
from auth.documents import DocumentType

ResponsibleRole: TypeAlias = Literal["法定代表人", "执行事务合伙人", "负责人", "经营者"]


class PersonAnswer(Model):
    """What the population registry says to a name and a number."""

    match: bool
    birth_date: date | None = None


class EnterpriseAnswer(Model):
    """What the enterprise registry says to a credit code and the person who claims to answer for it.

    Without a match nothing else is told: a caller cannot search for names with it.
    """

    match: bool
    name: str = ""
    role: ResponsibleRole | None = None
    status: Literal["active", "suspended", "closed"] = "active"

    def __post_init__(self) -> None:
        if self.match and not (self.name and self.role):
            raise ValueError("A match names the enterprise and the role.")


class GuardianshipAnswer(Model):
    """What the population registry says to two people, one of whom claims to be the other's guardian.

    A match means that all three hold: both names belong to their numbers, and the one is the guardian of the other.
    Which of these does not hold is not told: a caller cannot search for children with it.
    """

    match: bool
    birth_date: date | None = None
    """The child's."""


class PersonNamed(Model):
    """A person as a registry asks for them."""

    name: str
    document_type: DocumentType
    document_number: str


class GuardianshipRegistry(Protocol):
    """Raises `RegistryUnavailable` when it cannot answer; never called inside a transaction."""

    async def check_guardian(self, *, guardian: PersonNamed, child: PersonNamed) -> GuardianshipAnswer:
        """Whether `guardian` is the guardian of `child`."""
        ...


class PopulationRegistry(Protocol):
    """Raises `RegistryUnavailable` when it cannot answer; never called inside a transaction."""

    async def check_person(self, *, name: str, document_type: DocumentType, document_number: str) -> PersonAnswer:
        """Whether this name and this number belong together."""
        ...


class EnterpriseRegistry(Protocol):
    """Raises `RegistryUnavailable` when it cannot answer; never called inside a transaction."""

    async def check_responsible_person(self, *, credit_code: str, name: str, document_number: str) -> EnterpriseAnswer:
        """Whether this person answers for this enterprise."""
        ...
