"""A small city around the registry: two departments, their staff, and a network policy that obeys the test."""

from datetime import UTC, datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.errors import NotFound, SuishenError
from app.kit.ids import new_id
from app.kit.structs import Model, Text
from auth.principal import Principal
from tests.miniapps.documents import ORG_CODE

LIBRARY = UUID(int=1)
HOTLINE = UUID(int=2)
CLOSED = UUID(int=3)
PLATFORM = UUID(int=9)


class KnownOrganization(Model):
    id: UUID
    name: str
    credit_code: str
    status: str = "active"


class KnownOrganizations:
    """Organizations that are simply there."""

    _known = {  # noqa: RUF012 - never changed
        LIBRARY: KnownOrganization(id=LIBRARY, name="演示图书馆", credit_code=ORG_CODE),
        HOTLINE: KnownOrganization(id=HOTLINE, name="演示热线", credit_code="19"),
        CLOSED: KnownOrganization(id=CLOSED, name="已注销", credit_code="19", status="closed"),
    }

    async def get_organization(self, _connection: Connection, organization_id: UUID) -> KnownOrganization:
        if organization_id not in self._known:
            raise NotFound
        return self._known[organization_id]


class AddressRefused(SuishenError):
    status = 422
    slug = "test-address-refused"


class ObedientPolicy:
    """Allows everything until the test says otherwise."""

    def __init__(self) -> None:
        self.refused_spellings: set[str] = set()
        self.unreachable: set[str] = set()
        self.asked: list[str] = []

    def check(self, url: str) -> None:
        if url in self.refused_spellings:
            raise AddressRefused(Text(zh="不允许", en="Not allowed"))

    async def check_reachable(self, url: str) -> None:
        self.asked.append(url)
        if url in self.unreachable:
            raise AddressRefused(Text(zh="内网", en="Leads inside"))


def official(*roles: str, organization_id: UUID = LIBRARY) -> Principal:
    """A member of staff."""
    return Principal(
        subject_type="official",
        subject_id=new_id(),
        session_id=new_id(),
        client_id="staff-console",
        authenticated_at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC),
        roles=frozenset(roles),
        organization_id=organization_id,
    )


def person() -> Principal:
    """A citizen."""
    return Principal(
        subject_type="person",
        subject_id=new_id(),
        session_id=new_id(),
        client_id="citizen-app",
        authenticated_at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC),
        ial=3,
    )
