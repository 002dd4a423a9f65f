"""Rows of people and their phones. Knows no plain name or number."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model, convert
from auth.people.errors import PersonUnknown
from auth.people.models import Person
from auth.subject_keys.repository import KEY_OF_PERSON


class Phone(Model):
    """A phone of a person, sealed."""

    phone_index: bytes
    phone_sealed: bytes


FIND_PERSON = f"""
select p.id, p.identity_level, p.status, p.created_at, p.identity_sealed, p.verified_at, {KEY_OF_PERSON}
  from auth.person p where p.id = $1
"""  # noqa: S608 - a constant


async def get_person(connection: Connection, person_id: UUID) -> Person:
    """The person; raises `PersonUnknown`."""
    row = await connection.fetchrow(FIND_PERSON, person_id)
    if row is None:
        raise PersonUnknown
    return convert(row, Person)


FIND_PERSON_BY_PHONE = f"""
select p.id, p.identity_level, p.status, p.created_at, p.identity_sealed, p.verified_at, {KEY_OF_PERSON}
  from auth.phone f join auth.person p on p.id = f.person_id
 where f.phone_index = $1
"""  # noqa: S608 - a constant


async def find_person_by_phone(connection: Connection, phone_index: bytes) -> Person | None:
    """The person whom this phone opens, if any."""
    row = await connection.fetchrow(FIND_PERSON_BY_PHONE, phone_index)
    return convert(row, Person) if row else None


FIND_PERSON_ID_BY_DOCUMENT = "select id from auth.person where document_index = $1"


async def find_person_id_by_document(connection: Connection, document_index: bytes) -> UUID | None:
    """The person to whom this document belongs, if they have an account."""
    found: UUID | None = await connection.fetchval(FIND_PERSON_ID_BY_DOCUMENT, document_index)
    return found


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


LIST_PHONES = "select phone_index, phone_sealed from auth.phone where person_id = $1 order by attached_at"


async def list_phones(connection: Connection, person_id: UUID) -> list[Phone]:
    """The phones of a person, oldest first."""
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
