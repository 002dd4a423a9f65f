"""A mandate: who may act for whom, in what part, since when and until when, proved by what. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final, Literal, TypeAlias, get_args
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request
from auth.documents import DocumentType

OrganizationMandateKind: TypeAlias = Literal["responsible_person", "administrator", "agent"]
MandateKind: TypeAlias = Literal[
    "responsible_person",
    "administrator",
    "agent",
    "guardian",
    "adult_guardian",
    "family",
    "assisted",
    "proxy",
    "volunteer",
]
PrincipalType: TypeAlias = Literal["organization", "person"]
OwnWord: TypeAlias = Literal["agreed", "refused"]

Item: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$(?!\n)")]
ScenarioNumber: TypeAlias = Annotated[int, Meta(ge=101, le=999)]
AppId: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]{0,127}$(?!\n)")]
MOST_NAMED: Final = 32

ORGANIZATION_KINDS: Final[frozenset[MandateKind]] = frozenset(get_args(OrganizationMandateKind))
GUARDIAN_KINDS: Final[frozenset[MandateKind]] = frozenset({"guardian", "adult_guardian"})
OWN_WORD_AT: Final = 14
ADULT: Final = 18


class Scope(Model):
    """In what part somebody acts. None: all that the principal may; an empty list: nothing of the sort."""

    items: Annotated[tuple[Item, ...], Meta(max_length=MOST_NAMED)] | None = None
    """Items of business, as counters and mini-apps name them."""
    scenarios: Annotated[tuple[ScenarioNumber, ...], Meta(max_length=MOST_NAMED)] | None = None
    """Where the principal's code may be shown."""
    apps: Annotated[tuple[AppId, ...], Meta(max_length=MOST_NAMED)] | None = None
    """Mini-apps that may be called."""


EVERYTHING: Final = Scope()


class Mandate(Model):
    """What is stored. The agent is a person; the principal an organization or another person.

    A row never changes but to end, to be stopped, or by a child's own word: another scope is another mandate.
    """

    id: UUID
    principal_type: PrincipalType
    principal_id: UUID
    agent_id: UUID
    kind: MandateKind
    role: str
    proof: str
    starts_at: datetime
    ends_at: datetime | None = None
    parent_id: UUID | None = None
    depth: int = 1
    items: tuple[str, ...] | None = None
    scenarios: tuple[int, ...] | None = None
    apps: tuple[str, ...] | None = None
    may_delegate: bool = False
    given_by: UUID | None = None
    """The person who gave it; None where a registry or a counter did."""
    sponsor_id: UUID | None = None
    """The organization that answers for a helper or a volunteer."""
    own_word_from: datetime | None = None
    """The fourteenth birthday of a child."""
    own_word: OwnWord | None = None
    stops: tuple[str, ...] = ()
    """Why it does not count for now."""
    revoked_at: datetime | None = None
    revoked_reason: str | None = None

    def lives(self, now: datetime) -> bool:
        """Whether it may be acted on at `now`."""
        return self.revoked_at is None and not self.stops and self.in_its_time(now)

    def in_its_time(self, now: datetime) -> bool:
        """Whether `now` is between its start and its end."""
        return self.starts_at <= now and (self.ends_at is None or now < self.ends_at)

    @property
    def scope(self) -> Scope:
        """In what part the agent acts."""
        return Scope(items=self.items, scenarios=self.scenarios, apps=self.apps)

    @property
    def principal(self) -> str:
        """The principal as it stands in the audit log."""
        return f"{self.principal_type}:{self.principal_id}"


class AddChild(Request):
    """What a guardian says of a child; not believed before the population registry confirmed that they are theirs."""

    name: str
    document_number: str
    document_type: DocumentType = "id_card"


class ChildView(Model):
    """A child as their guardian sees them: masked, since screens are looked at over shoulders."""

    id: UUID
    """Whom codes are asked for: `on_behalf_of`."""
    mandate_id: UUID
    display_name: str | None
    document: str | None
    since: datetime
    until: datetime


def birthday_of(born: date, age: int, city_offset: timedelta) -> datetime:
    """The city's midnight, in UTC, that begins this birthday; as in `age_on`, 29 February becomes 1 March."""
    try:
        birthday = born.replace(year=born.year + age)
    except ValueError:
        birthday = date(born.year + age, 3, 1)
    return datetime.combine(birthday, time(), UTC) - city_offset


def adulthood_of(born: date, city_offset: timedelta) -> datetime:
    """When a guardianship ends by itself."""
    return birthday_of(born, ADULT, city_offset)
