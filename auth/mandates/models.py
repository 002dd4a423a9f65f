"""A mandate: who may act for whom, in what part, since when, proved by what. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from uuid import UUID

from app.kit.structs import Model, Request
from auth.documents import DocumentType

MandateKind = Literal["responsible_person", "guardian"]
PrincipalType = Literal["organization", "person"]

ADULT: Final = 18


class Mandate(Model):
    """What is stored. The agent is a person; the principal an organization, or the child of a guardian."""

    id: UUID
    principal_type: PrincipalType
    principal_id: UUID
    agent_id: UUID
    kind: MandateKind
    role: str
    proof: str
    starts_at: datetime
    ends_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_reason: str | None = None

    def lives(self, now: datetime) -> bool:
        """Whether it may be acted on at `now`."""
        return self.revoked_at is None and self.starts_at <= now and (self.ends_at is None or now < self.ends_at)

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


def adulthood_of(born: date, city_offset: timedelta) -> datetime:
    """The city's midnight, in UTC, that begins the eighteenth birthday; as in `age_on`, 29 February becomes 1 March."""
    try:
        birthday = born.replace(year=born.year + ADULT)
    except ValueError:
        birthday = date(born.year + ADULT, 3, 1)
    return datetime.combine(birthday, time(), UTC) - city_offset
