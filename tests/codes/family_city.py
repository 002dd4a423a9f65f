"""The city of personal codes with guardians in it: who may show whose code, as identity would say it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.ids import new_id
from app.kit.structs import Model
from codes.counters.wiring import CounterPorts
from codes.envelope.profiles import ES256, Signer
from codes.showing.freezes.models import FreezeCodes, FreezeReason
from codes.showing.grants.models import GrantsView, IssueGrants
from codes.wiring import CodesPorts, build_codes
from tests.codes.personal_city import SETTINGS, City, Person, Phone, from_base64url


class Guardianship(Model):
    """A living mandate."""

    id: UUID
    ends_at: datetime | None


class KnownGuardians:
    """Guardianships in memory, by guardian and child."""

    def __init__(self) -> None:
        self.by_pair: dict[tuple[UUID, UUID], Guardianship] = {}

    def add(self, guardian: Person, child: Person, *, until: datetime | None = None) -> Guardianship:
        mandate = Guardianship(id=new_id(), ends_at=until)
        self.by_pair[guardian.id, child.id] = mandate
        return mandate

    async def find_guardianship(
        self, _connection: Connection, guardian_id: UUID, child_id: UUID, /
    ) -> Guardianship | None:
        return self.by_pair.get((guardian_id, child_id))

    async def may_show(
        self,
        _connection: Connection,
        *,
        mandate_id: UUID | None,
        agent_id: UUID,
        principal_id: UUID,
        scenario: int,
    ) -> bool:
        living = self.by_pair.get((agent_id, principal_id))
        return living is not None and mandate_id in {None, living.id} and scenario > 0

    async def list_child_ids(self, _connection: Connection, guardian_id: UUID, /) -> list[UUID]:
        return [child_id for one, child_id in self.by_pair if one == guardian_id]

    async def list_guardian_ids(self, _connection: Connection, child_id: UUID, /) -> list[UUID]:
        return [guardian_id for guardian_id, one in self.by_pair if one == child_id]


class NamedPeople:
    """Whom a counter finds by name and number, in memory."""

    def __init__(self) -> None:
        self.by_document: dict[tuple[str, str], UUID] = {}

    def add(self, person: Person, name: str = "测试甲") -> dict[str, str]:
        """The document of this person, as an official types it."""
        number = f"1900001990010100{len(self.by_document):02}"
        self.by_document[name, number] = person.id
        return {"name": name, "document_number": number}

    async def find_named(
        self, _connection: Connection, *, name: str, document_type: str, document_number: str
    ) -> UUID | None:
        assert document_type == "id_card"
        return self.by_document.get((name, document_number))


def freezing(city: "FamilyCity", person: Person, reason: FreezeReason = FreezeReason.LOSS) -> FreezeCodes:
    """What an official enters with this person's document in hand."""
    document = city.named.add(person)
    return FreezeCodes(
        name=document["name"],
        document_number=document["document_number"],
        reason=reason,
        explanation="手机遗失，本人到窗口办理",
    )


class Told:
    """Notices in memory."""

    def __init__(self) -> None:
        self.notices: list[tuple[UUID, str]] = []

    async def write(self, _connection: Connection, person_id: UUID, kind: str, _now: datetime, /) -> None:
        self.notices.append((person_id, kind))


class FamilyCity(City):
    """A city in which people have children, and counters at which their codes are frozen."""

    def __init__(self, floor: Floor, **ports: Any) -> None:
        super().__init__(floor)
        self.guardians, self.named, self.told = KnownGuardians(), NamedPeople(), Told()
        joined: dict[str, Any] = {
            "people": self.people,
            "devices": self.devices,
            "organizations": self.organizations,
            "guardians": self.guardians,
            "counter": CounterPorts(people=self.named, families=self.guardians, messages=self.told),
        }
        self.codes = build_codes(floor, SETTINGS, CodesPorts(**(joined | ports)))

    def a_family(self, *, until: datetime | None = None) -> tuple[Phone, Person]:
        """A guardian's phone, and the child."""
        phone, child = Phone(self, self.people.add()), self.people.add()
        self.guardians.add(phone.person, child, until=until)
        return phone, child


def request_for(phone: Phone, child: UUID, keys: list[Any] | None = None, **changes: Any) -> IssueGrants:
    """A signed request for a child's grants; `changes` bend the signed claims."""
    return msgspec.structs.replace(phone.request(keys, **({"sub": str(child)} | changes)), on_behalf_of=child)


async def fetch_for(phone: Phone, child: Person, connection: Connection) -> GrantsView:
    """Eight grants that speak of the child, kept on the guardian's phone."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(8)]
    request = request_for(phone, child.id, keys)
    view = await phone.city.codes.grants.issue(connection, phone.principal, request)
    phone.grants = [
        (from_base64url(given.grant), Signer(profile=ES256, private_key=key))
        for given, key in zip(view.grants, keys, strict=True)
    ]
    return view
