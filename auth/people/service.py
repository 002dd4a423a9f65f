"""What is known of a person, and how much of it leaves: sealed at rest, opened only for what is asked."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Final
from uuid import UUID

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.masking import mask_document, mask_name, mask_phone
from app.kit.vault import Vault
from auth.attributes import PERSON as TELLABLE_OF_A_PERSON
from auth.documents import DocumentType, age_on, normalize_document_number, normalize_name, same_name
from auth.locks import lock_key
from auth.people import repository
from auth.people.models import NAME_CHECKED, Identity, Person, PersonView
from auth.principal import Principal
from auth.subject_keys.service import SubjectVault

PHONE_PURPOSE: Final = "phone"
DOCUMENT_PURPOSE: Final = "document"
IDENTITY_PURPOSE: Final = "person-identity"
ADULT: Final = 18


class People:
    """Finds, registers and describes people."""

    def __init__(self, vault: Vault, subject_vault: SubjectVault, clock: Clock, *, city_offset: timedelta) -> None:
        self._vault = vault
        self._subject_vault = subject_vault
        self._clock = clock
        self._city_offset = city_offset

    async def get_person(self, connection: Connection, person_id: UUID) -> Person:
        """The person; raises `PersonUnknown`."""
        return await repository.get_person(connection, person_id)

    async def find_people(self, connection: Connection, person_ids: Collection[UUID]) -> dict[UUID, Person]:
        """Those of them that there are, in one round trip."""
        return {person.id: person for person in await repository.list_people(connection, person_ids)}

    async def is_known_to(self, connection: Connection, principal: Principal) -> bool:
        """Whether the caller's session is as sure of the person as the city is; on an unseen device it is not."""
        person = await repository.get_person(connection, principal.subject_id)
        return not principal.unproven and principal.ial >= person.identity_level

    async def find_or_register(self, connection: Connection, phone: str) -> Person:
        """The person whom a proved phone opens; a new one when it opens nobody. One, also when asked twice at once."""
        index = self.phone_index(phone)
        await lock_key(connection, index)
        found = await repository.find_person_by_phone(connection, index)
        return found or await self._register(connection, phone, index)

    async def find_id_by_phone_index(self, connection: Connection, phone_index: bytes) -> UUID | None:
        """Whom a phone opens, if anybody; see `phone_index`."""
        person = await repository.find_person_by_phone(connection, phone_index)
        return person.id if person else None

    async def disclose(
        self, connection: Connection, person_id: UUID, attributes: frozenset[str]
    ) -> dict[str, str | bool]:
        """The named attributes, no more; what is not known of this person is left out.

        The caller answers for the legal basis and for the record that the citizen reads.
        """
        if unknown := attributes - TELLABLE_OF_A_PERSON:
            raise ValueError(f"No such attributes: {sorted(unknown)}")
        person = await repository.get_person(connection, person_id)
        disclosed: dict[str, str | bool] = {}
        if "identity_level" in attributes:
            disclosed["identity_level"] = str(person.identity_level)
        if "phone_tail" in attributes and (phones := await self._phones(connection, person)):
            disclosed["phone_tail"] = phones[0][-4:]
        if (identity := self._identity_of(person)) is not None:
            disclosed |= _facts_of(identity, attributes, (self._clock.now() + self._city_offset).date())
        return disclosed

    async def describe(
        self, connection: Connection, person_id: UUID, *, ial: int, phone: str | None = None
    ) -> PersonView:
        """The person as they see themself in a session of level `ial`.

        A session that does not know a named person's name is shown only `phone`, which was just used: a recycled number
        tells its new holder nothing of the old one.
        """
        person = await repository.get_person(connection, person_id)
        if ial < min(person.identity_level, NAME_CHECKED):
            return _view_of(person, None, [phone] if phone else [])
        phones = await self._phones(connection, person)
        return _view_of(person, self._identity_of(person), phones)

    async def find_identity(self, connection: Connection, person_id: UUID) -> Identity | None:
        """Who the person is by their document, or None before the real-name check."""
        return self._identity_of(await repository.get_person(connection, person_id))

    async def list_accounts(self, connection: Connection, person_id: UUID) -> list[tuple[Person, Identity | None]]:
        """A person's account and those merged into it, each with what stands in its first document."""
        accounts = await repository.list_accounts(connection, person_id)
        return [(account, self._identity_of(account)) for account in accounts]

    async def find_owner(self, connection: Connection, identity: Identity) -> UUID | None:
        """Whose document this is. The document stays locked, so that no second account takes it meanwhile."""
        index = self.document_index(identity)
        await lock_key(connection, index)
        owner = await repository.find_document_owner(connection, index)
        return owner.person_id if owner else None

    async def find_named(
        self, connection: Connection, *, name: str, document_type: DocumentType, document_number: str
    ) -> UUID | None:
        """The person to whom name and number belong, as they stand on one of their documents that is not replaced.

        None tells no more than that.
        """
        normalized = normalize_name(name)
        if normalized is None:
            return None
        number = normalize_document_number(document_number)
        asked = Identity(name=normalized, document_type=document_type, document_number=number)
        owner = await repository.find_document_owner(connection, self.document_index(asked))
        if owner is None or not owner.current:
            return None
        known = self.open_identity(owner.told_to, owner.identity_sealed, owner.key_sealed)
        return owner.person_id if same_name(known.name, normalized) else None

    async def register_known(self, connection: Connection, identity: Identity, *, actor: str) -> UUID:
        """A person of whom a document is known and no phone, such as a child.

        Called after a registry confirmed the identity and `find_owner` found nobody.
        """
        person = Person(id=new_id(), identity_level=1, status="active", created_at=self._clock.now())
        await repository.insert_person(connection, person)
        await self.confirm_identity(connection, person.id, identity)
        await audit.record(
            connection,
            clock_now=person.created_at,
            actor=actor,
            action="person.registered",
            subject=f"person:{person.id}",
            detail={"known_by": "document"},
        )
        return person.id

    async def register_unnamed(self, connection: Connection, *, known_by: str) -> UUID:
        """A person of whom neither document nor phone is known: another house vouches for them and tells no more."""
        person = Person(id=new_id(), identity_level=1, status="active", created_at=self._clock.now())
        await repository.insert_person(connection, person)
        subject = f"person:{person.id}"
        await audit.record(
            connection,
            clock_now=person.created_at,
            actor=subject,
            action="person.registered",
            subject=subject,
            detail={"known_by": known_by},
        )
        return person.id

    async def confirm_identity(self, connection: Connection, person_id: UUID, identity: Identity) -> None:
        """Remembers who the person is; called after a registry confirmed it and `find_owner` found nobody else."""
        await repository.mark_person_verified(
            connection,
            person_id,
            identity_level=NAME_CHECKED,
            identity_sealed=await self.seal_identity(connection, person_id, identity),
            document_index=self.document_index(identity),
            now=self._clock.now(),
        )

    def phone_index(self, phone: str) -> bytes:
        """What finds a phone, given in its 11 digits."""
        return self._vault.blind_index(PHONE_PURPOSE, phone)

    def document_index(self, identity: Identity) -> bytes:
        """What finds a document."""
        return self._vault.blind_index(DOCUMENT_PURPOSE, f"{identity.document_type}:{identity.document_number}")

    async def seal_identity(self, connection: Connection, person_id: UUID, identity: Identity) -> bytes:
        """What stands in a document, under the person's own key."""
        encoded = msgspec.json.encode(identity)
        return await self._subject_vault.seal(connection, person_id, IDENTITY_PURPOSE, encoded, context=person_id.bytes)

    def open_identity(self, person_id: UUID, sealed: bytes, key_sealed: bytes | None) -> Identity:
        """Opens what `seal_identity` sealed; raises `VaultError` when it was sealed for another person."""
        opened = self._subject_vault.open_with(key_sealed, person_id, IDENTITY_PURPOSE, sealed, context=person_id.bytes)
        return msgspec.json.decode(opened, type=Identity)

    def _identity_of(self, person: Person) -> Identity | None:
        if person.identity_sealed is None:
            return None
        return self.open_identity(person.id, person.identity_sealed, person.key_sealed)

    async def list_phones(self, connection: Connection, person_id: UUID) -> list[str]:
        """The person's phones in full, oldest first: for the message centre, which sends to them."""
        return await self._phones(connection, await repository.get_person(connection, person_id))

    async def _phones(self, connection: Connection, person: Person) -> list[str]:
        return [
            self._subject_vault.open_with(
                phone.key_sealed, phone.person_id, PHONE_PURPOSE, phone.phone_sealed, context=phone.phone_index
            ).decode()
            for phone in await repository.list_phones(connection, person.id)
        ]

    async def _register(self, connection: Connection, phone: str, index: bytes) -> Person:
        now = self._clock.now()
        person = Person(id=new_id(), identity_level=1, status="active", created_at=now)
        sealed = await self._subject_vault.seal(connection, person.id, PHONE_PURPOSE, phone.encode(), context=index)
        await repository.insert_person(connection, person)
        await repository.insert_phone(connection, phone_index=index, person_id=person.id, phone_sealed=sealed, now=now)
        subject = f"person:{person.id}"
        await audit.record(
            connection, clock_now=now, actor=subject, action="person.registered", subject=subject, detail={}
        )
        return person


def _view_of(person: Person, identity: Identity | None, phones: list[str]) -> PersonView:
    return PersonView(
        id=person.id,
        identity_level=person.identity_level,
        display_name=mask_name(identity.name) if identity else None,
        document=mask_document(identity.document_number) if identity else None,
        phones=[mask_phone(phone) for phone in phones],
        verified_at=person.verified_at if identity else None,
    )


def _facts_of(identity: Identity, attributes: frozenset[str], today: date) -> dict[str, str | bool]:
    facts: dict[str, str | bool] = {
        "display_name": mask_name(identity.name),
        "full_name": identity.name,
        "id_number": identity.document_number,
    }
    if identity.birth_date is not None:
        facts["age_over_18"] = age_on(today, born=identity.birth_date) >= ADULT
    return {name: value for name, value in facts.items() if name in attributes}
