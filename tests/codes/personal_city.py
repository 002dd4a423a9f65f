"""A city with one library, a hotel and citizens in memory; phones and scanners that use the real routes and tables."""

import base64
import secrets
from collections.abc import Collection, Mapping
from typing import Any, Literal
from uuid import UUID

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.ids import new_id
from app.kit.structs import Model
from auth.devices.errors import DeviceUnknown
from auth.devices.models import Device, DeviceState
from auth.documents import DocumentType
from auth.people.errors import PersonUnknown
from auth.people.models import Identity
from codes.envelope.presentation import Presentation, encode_presentation
from codes.envelope.profiles import ES256, Signer
from codes.settings import CodesSettings
from codes.showing.grants.models import GrantsView, IssueGrants
from codes.venues.scanners.models import Scanner
from codes.wiring import CodesPorts, CodesServices, build_codes
from tests.codes.enterprise_city import LIBRARY, ORIGIN, KnownOrganizations, a_principal, jwk_of

SETTINGS = CodesSettings(origin=ORIGIN)
FULL_FACTS: Mapping[str, str | bool] = {
    "display_name": "测*甲",
    "full_name": "测试甲",
    "phone_tail": "0001",
    "id_number": "190000199001010011",
    "age_over_18": True,
    "identity_level": "2",
}


class Person(Model):
    """As identity would describe them."""

    id: UUID
    identity_level: int = 2
    status: str = "active"


class KnownPeople:
    """People in memory; says what it was asked to disclose. All share one name; documents are given to them."""

    def __init__(self) -> None:
        self.by_id: dict[UUID, Person] = {}
        self.by_document: dict[str, UUID] = {}
        self.asked: list[frozenset[str]] = []
        self.facts = FULL_FACTS

    def add(self, **facts: Any) -> Person:
        person = Person(id=new_id(), **facts)
        self.by_id[person.id] = person
        return person

    async def get_person(self, _connection: Connection, person_id: UUID, /) -> Person:
        if person_id not in self.by_id:
            raise PersonUnknown
        return self.by_id[person_id]

    async def find_people(self, _connection: Connection, person_ids: Collection[UUID], /) -> dict[UUID, Person]:
        return {person_id: self.by_id[person_id] for person_id in person_ids if person_id in self.by_id}

    async def disclose(
        self, _connection: Connection, _person_id: UUID, attributes: frozenset[str], /
    ) -> dict[str, str | bool]:
        self.asked.append(attributes)
        return {name: value for name, value in self.facts.items() if name in attributes}

    async def find_owner(self, _connection: Connection, identity: Identity, /) -> UUID | None:
        return self.by_document.get(identity.document_number)

    async def find_named(
        self, _connection: Connection, *, name: str, document_type: DocumentType, document_number: str
    ) -> UUID | None:
        assert document_type == "id_card"
        return self.by_document.get(document_number) if name == FULL_FACTS["full_name"] else None


class KnownDevices:
    """Enrolled phones in memory."""

    def __init__(self) -> None:
        self.by_id: dict[UUID, Device] = {}

    async def get_device(self, _connection: Connection, device_id: UUID) -> Device:
        if device_id not in self.by_id:
            raise DeviceUnknown
        return self.by_id[device_id]

    async def get_device_for_share(self, connection: Connection, device_id: UUID) -> Device:
        return await self.get_device(connection, device_id)

    def change(self, device_id: UUID, state: DeviceState) -> None:
        self.by_id[device_id] = msgspec.structs.replace(self.by_id[device_id], state=state)


class Phone:
    """A phone of one person: holds the enrolled key, asks for grants, shows codes."""

    def __init__(self, city: "City", person: Person) -> None:
        self.city = city
        self.person = person
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = new_id()
        self.principal = a_principal("person", subject_id=person.id, device_id=self.id)
        self.grants: list[tuple[bytes, Signer]] = []
        city.devices.by_id[self.id] = Device(
            id=self.id, person_id=person.id, public_key=self.key.public_key(), state="active"
        )

    def request(self, made: list[ec.EllipticCurvePrivateKey] | None = None, **changes: Any) -> IssueGrants:
        """A signed request; `changes` bend a claim, the header's `typ`, or the signing `key`."""
        made = [ec.generate_private_key(ec.SECP256R1()) for _ in range(8)] if made is None else made
        signing, typ = changes.pop("key", self.key), changes.pop("typ", "grant-request+jwt")
        claims = {
            "iss": str(self.id),
            "aud": ORIGIN,
            "iat": int(self.city.clock.now().timestamp()),
            "jti": secrets.token_urlsafe(16),
            "keys": [jwk_of(key) for key in made],
        } | changes
        return IssueGrants(request=jwt.encode(claims, signing, algorithm="ES256", headers={"typ": typ}))

    async def fetch(self, connection: Connection) -> GrantsView:
        """Eight grants, kept with their keys."""
        keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(8)]
        view = await self.city.codes.grants.issue(connection, self.principal, self.request(keys))
        for given, key in zip(view.grants, keys, strict=True):
            self.grants.append((from_base64url(given.grant), Signer(profile=ES256, private_key=key)))
        return view

    def show(self, scenario: int = 301, *, grant: int = 0, age: int = 5, **payload: Any) -> str:
        """The text of a code that was signed `age` seconds ago."""
        data, signer = self.grants[grant]
        iat = int(self.city.clock.now().timestamp()) - age
        content = Presentation(iat=iat, scenario=scenario, **payload)
        code_format = SETTINGS.code_format
        return encode_presentation(data, content, signer, code_format.environment, code_format.prefix)


class City:
    """The codes on a floor of tests, with everybody else in memory."""

    def __init__(self, floor: Floor) -> None:
        self.clock, self.vault = floor.clock, floor.vault
        self.people, self.devices, self.organizations = KnownPeople(), KnownDevices(), KnownOrganizations()
        ports = CodesPorts(people=self.people, devices=self.devices, organizations=self.organizations)
        self.codes: CodesServices = build_codes(floor, SETTINGS, ports)

    async def a_phone(self, connection: Connection, **facts: Any) -> Phone:
        """A new citizen's phone, with its first grants."""
        phone = Phone(self, self.people.add(**facts))
        await phone.fetch(connection)
        return phone


def a_scanner(*scenarios: int, state: Literal["active", "suspended", "revoked"] = "active", **facts: Any) -> Scanner:
    """A device of the library's, enrolled for `scenarios`."""
    defaults: dict[str, Any] = {
        "id": new_id(),
        "organization_id": LIBRARY,
        "organization_name": "演示图书馆",
        "site_id": new_id(),
        "site_name": "总馆",
        "device_name": "一号闸机",
        "scenarios": frozenset(scenarios or (301, 302)),
        "state": state,
    }
    return Scanner(**(defaults | facts))


def from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
