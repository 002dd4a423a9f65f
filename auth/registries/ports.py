"""The state's own registers, as identity needs them: they answer yes or no, and what goes with a yes."""

from datetime import date
from typing import Annotated, Literal, Protocol, TypeAlias

from msgspec import Meta

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


class SamePersonAnswer(Model):
    """What the population registry says to two documents, both of which somebody claims to hold.

    A match means that both were issued to one human being, under these names, and that the second one is valid.
    """

    match: bool


class Death(Model):
    """One death, as the population registry publishes it to those who must act on it."""

    name: str
    document_type: DocumentType
    document_number: str


class DeathsAnswer(Model):
    """Deaths that were entered after a cursor; `next` is the cursor behind the last of them."""

    items: Annotated[list[Death], Meta(max_length=100)]
    next: Annotated[str, Meta(max_length=128)]


class EnterpriseChange(Model):
    """An enterprise whose entry changed, as it stands now."""

    credit_code: str
    status: Literal["active", "suspended", "closed"]


class ChangesAnswer(Model):
    """Entries that changed after a cursor; `next` is the cursor behind the last of them."""

    items: Annotated[list[EnterpriseChange], Meta(max_length=100)]
    next: Annotated[str, Meta(max_length=128)]


class FaceAnswer(Model):
    """What the face service says to evidence that its own program took of a living face, for one challenge."""

    match: bool


class PersonNamed(Model):
    """A person as a registry asks for them."""

    name: str
    document_type: DocumentType
    document_number: str


class NetworkAnswer(Model):
    """What the platform of network identities (网号, 网证) says to a credential; without a match nothing else."""

    match: bool
    network_number: Annotated[str, Meta(max_length=64)] = ""
    verified_by: Literal["name", "face"] = "name"
    """How well the platform knows the holder of this number."""
    holder: PersonNamed | None = None
    """Their document, when they agreed in the national app that the city be told it."""

    def __post_init__(self) -> None:
        if self.match and not self.network_number:
            raise ValueError("A match names the number.")


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


class DocumentRegistry(Protocol):
    """Raises `RegistryUnavailable` when it cannot answer; never called inside a transaction."""

    async def check_same_person(self, *, known: PersonNamed, claimed: PersonNamed) -> SamePersonAnswer:
        """Whether both documents were issued to one human being, and the claimed one is valid."""
        ...


class DeathRegistry(Protocol):
    """Raises `RegistryUnavailable` when it cannot answer; never called inside a transaction."""

    async def list_deaths(self, after: str) -> DeathsAnswer:
        """Deaths entered after the cursor, oldest first; "" is the beginning."""
        ...


class EnterpriseChanges(Protocol):
    """Raises `RegistryUnavailable` when it cannot answer; never called inside a transaction."""

    async def list_changes(self, after: str) -> ChangesAnswer:
        """Entries that changed after the cursor, oldest first; "" is the beginning."""
        ...


class FaceService(Protocol):
    """Raises `RegistryUnavailable` when it cannot answer; never called inside a transaction."""

    async def check_face(self, *, holder: PersonNamed, challenge: str, evidence: str) -> FaceAnswer:
        """Whether the face in `evidence`, taken alive for this `challenge`, is the one on the holder's document."""
        ...


class NetworkIdentity(Protocol):
    """Raises `RegistryUnavailable` when it cannot answer; never called inside a transaction."""

    async def check_credential(self, *, network_number: str, credential: str, challenge: str) -> NetworkAnswer:
        """Whether this credential is the number's, for this challenge, and was not shown before."""
        ...

    async def collect_credential(self, *, challenge: str, number: str) -> NetworkAnswer:
        """Who scanned the picture of this challenge and is shown this number to type."""
        ...
