"""Rows of people and their phones. Knows no plain name or number."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model, convert
from auth.people.errors import PersonUnknown
from auth.people.models import Person
from auth.subject_keys.repository import KEY_OF_PERSON


class Phone(Model):
    """A phone, sealed under the key of the account that it was attached to."""

    person_id: UUID
    phone_index: bytes
    phone_sealed: bytes
    key_sealed: bytes | None


class DocumentOwner(Model):
    """Whose document it is, and what stands in it, sealed under the key of the account that it was told to."""

    person_id: UUID
    """The account that it opens: of a merged one the one that was kept."""
    told_to: UUID
    current: bool
    identity_sealed: bytes
    key_sealed: bytes | None


COLUMNS: Final = f"""
p.id, p.identity_level, p.status, p.created_at, p.identity_sealed, p.verified_at, p.merged_into, {KEY_OF_PERSON}
"""
FIND_PERSON = f"select {COLUMNS} from auth.person p where p.id = $1"  # noqa: S608 - constants of this module


async def get_person(connection: Connection, person_id: UUID) -> Person:
    """The person; raises `PersonUnknown`."""
    row = await connection.fetchrow(FIND_PERSON, person_id)
    if row is None:
        raise PersonUnknown
    return convert(row, Person)


LIST_PEOPLE = f"select {COLUMNS} from auth.person p where p.id = any($1)"  # noqa: S608 - constants of this module


async def list_people(connection: Connection, person_ids: Collection[UUID]) -> list[Person]:
    """Those of them that there are, in no order."""
    return [convert(row, Person) for row in await connection.fetch(LIST_PEOPLE, list(person_ids))]


LIST_ACCOUNTS = f"""
select {COLUMNS} from auth.person p where p.id = $1 or p.merged_into = $1 order by p.id <> $1, p.id
"""  # noqa: S608 - constants of this module


async def list_accounts(connection: Connection, person_id: UUID) -> list[Person]:
    """A person's account, and those merged into it."""
    return [convert(row, Person) for row in await connection.fetch(LIST_ACCOUNTS, person_id)]


FIND_PERSON_BY_PHONE = f"""
select {COLUMNS}
  from auth.phone f
  join auth.person holder on holder.id = f.person_id
  join auth.person p on p.id = coalesce(holder.merged_into, holder.id)
 where f.phone_index = $1
"""  # noqa: S608 - constants of this module


async def find_person_by_phone(connection: Connection, phone_index: bytes) -> Person | None:
    """The person whom this phone opens, if any; of a merged account the one that was kept."""
    row = await connection.fetchrow(FIND_PERSON_BY_PHONE, phone_index)
    return convert(row, Person) if row else None


FIND_DOCUMENT_OWNER = f"""
select coalesce(p.merged_into, p.id) as person_id, p.id as told_to, true as current, p.identity_sealed, {KEY_OF_PERSON}
  from auth.person p where p.document_index = $1
union all
select coalesce(p.merged_into, p.id), p.id, d.state = 'current', d.identity_sealed, {KEY_OF_PERSON}
  from auth.further_document d join auth.person p on p.id = d.person_id where d.document_index = $1
"""  # noqa: S608 - constants of this module


async def find_document_owner(connection: Connection, document_index: bytes) -> DocumentOwner | None:
    """To whom this document belongs, or once belonged, if they have an account."""
    row = await connection.fetchrow(FIND_DOCUMENT_OWNER, document_index)
    return convert(row, DocumentOwner) if row else None


INSERT_PERSON = "insert into auth.person (id, identity_level, status, created_at) values ($1, $2, $3, $4)"


async def insert_person(connection: Connection, person: Person) -> None:
    """A new person, of whom only a phone is known."""
    await connection.execute(INSERT_PERSON, person.id, person.identity_level, person.status, person.created_at)


INSERT_PHONE = "insert into auth.phone (phone_index, person_id, phone_sealed, attached_at) values ($1, $2, $3, $4)"


async def insert_phone(
    connection: Connection, *, phone_index: bytes, person_id: UUID, phone_sealed: bytes, now: datetime
) -> None:
    """Attaches a phone that belongs to nobody yet."""
    await connection.execute(INSERT_PHONE, phone_index, person_id, phone_sealed, now)


LIST_PHONES = f"""
select f.person_id, f.phone_index, f.phone_sealed, {KEY_OF_PERSON}
  from auth.phone f join auth.person p on p.id = f.person_id
 where p.id = $1 or p.merged_into = $1
 order by f.attached_at
"""  # noqa: S608 - constants of this module


async def list_phones(connection: Connection, person_id: UUID) -> list[Phone]:
    """The phones of a person, oldest first; those of accounts merged into theirs too."""
    return [convert(row, Phone) for row in await connection.fetch(LIST_PHONES, person_id)]


MARK_PERSON_VERIFIED = """
update auth.person
   set identity_level = greatest(identity_level, $2), identity_sealed = $3, document_index = $4, verified_at = $5
 where id = $1
"""


async def mark_person_verified(
    connection: Connection,
    person_id: UUID,
    *,
    identity_level: int,
    identity_sealed: bytes,
    document_index: bytes,
    now: datetime,
) -> None:
    """Remembers who the person is; the level never falls by it."""
    await connection.execute(MARK_PERSON_VERIFIED, person_id, identity_level, identity_sealed, document_index, now)
