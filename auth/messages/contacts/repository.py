"""Rows of trusted contacts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.messages.contacts.models import TrustedContact

COLUMNS = """id, person_id, phone_index, phone_sealed, contact_id, told_of, state, invited_at, expires_at, answered_at,
       ended_at"""

INSERT_CONTACT = """
insert into auth.trusted_contact (id, person_id, phone_index, phone_sealed, told_of, state, invited_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (person_id, phone_index) where state in ('invited', 'active') do nothing
returning true
"""


async def insert_contact(connection: Connection, contact: TrustedContact) -> bool:
    """A new invitation; False when the same number is invited or a contact already."""
    return bool(
        await connection.fetchval(
            INSERT_CONTACT,
            contact.id,
            contact.person_id,
            contact.phone_index,
            contact.phone_sealed,
            contact.told_of,
            contact.state,
            contact.invited_at,
            contact.expires_at,
        )
    )


MARK_EXPIRED = """
update auth.trusted_contact set state = 'ended', ended_at = $2, phone_sealed = null
 where ($1::uuid is null or person_id = $1) and state = 'invited' and expires_at <= $2
"""


async def mark_expired(connection: Connection, now: datetime, person_id: UUID | None = None) -> None:
    """Invitations that nobody answered in time are over."""
    await connection.execute(MARK_EXPIRED, person_id, now)


LIST_OF_PERSON = f"""
select {COLUMNS} from auth.trusted_contact
 where person_id = $1 and (state = 'active' or (state = 'invited' and expires_at > $2)) order by id
"""  # noqa: S608 - our own text


async def list_of_person(connection: Connection, person_id: UUID, now: datetime) -> list[TrustedContact]:
    """Whom this person invited, or has."""
    return [convert(row, TrustedContact) for row in await connection.fetch(LIST_OF_PERSON, person_id, now)]


LIST_TO_ANSWER = f"""
select {COLUMNS} from auth.trusted_contact
 where (state = 'active' and contact_id = $1)
    or (state = 'invited' and phone_index = any($2::bytea[]) and expires_at > $3 and person_id <> $1)
 order by id limit 200
"""  # noqa: S608 - our own text


async def list_of_contact(
    connection: Connection, contact_id: UUID, phone_indexes: Sequence[bytes], now: datetime
) -> list[TrustedContact]:
    """Who trusts this person, and who asks to, by their phones."""
    rows = await connection.fetch(LIST_TO_ANSWER, contact_id, phone_indexes, now)
    return [convert(row, TrustedContact) for row in rows]


FIND_CONTACT = f"select {COLUMNS} from auth.trusted_contact where id = $1 for update"  # noqa: S608 - our own text


async def find_contact_for_update(connection: Connection, contact_id: UUID) -> TrustedContact | None:
    """The row, in whatever state; locked for the caller's transaction."""
    row = await connection.fetchrow(FIND_CONTACT, contact_id)
    return convert(row, TrustedContact) if row else None


MARK_ANSWERED = """
update auth.trusted_contact
   set state = $2, contact_id = $3, answered_at = $4, phone_sealed = case when $2 = 'active' then phone_sealed end
 where id = $1 and state = 'invited'
"""


async def mark_accepted(connection: Connection, contact_id: UUID, accepted_by: UUID, now: datetime) -> None:
    """This person is a trusted contact from now on."""
    await connection.execute(MARK_ANSWERED, contact_id, "active", accepted_by, now)


async def mark_declined(connection: Connection, contact_id: UUID, now: datetime) -> None:
    """No; and the phone is forgotten."""
    await connection.execute(MARK_ANSWERED, contact_id, "declined", None, now)


MARK_ENDED = """
update auth.trusted_contact set state = 'ended', ended_at = $2, phone_sealed = null
 where id = $1 and state in ('invited', 'active')
"""


async def mark_ended(connection: Connection, contact_id: UUID, now: datetime) -> None:
    """It is over; the phone is forgotten."""
    await connection.execute(MARK_ENDED, contact_id, now)


MARK_ALL_ENDED = """
update auth.trusted_contact set state = 'ended', ended_at = $2, phone_sealed = null
 where (person_id = $1 or contact_id = $1) and state in ('invited', 'active')
"""


async def mark_all_ended(connection: Connection, person_id: UUID, now: datetime) -> None:
    """Whoever this person trusted, and whoever trusted them."""
    await connection.execute(MARK_ALL_ENDED, person_id, now)


LIST_TOLD = """
select contact_id from auth.trusted_contact
 where person_id = $1 and state = 'active' and ($2::boolean or told_of = 'important') order by id
"""


async def list_told(connection: Connection, person_id: UUID, *, urgent: bool) -> list[UUID]:
    """Who is told beside this person, of urgent or of important notices."""
    return [row["contact_id"] for row in await connection.fetch(LIST_TOLD, person_id, urgent)]


FIND_PHONE_INDEXES = """
select f.phone_index from auth.phone f join auth.person p on p.id = f.person_id where p.id = $1 or p.merged_into = $1
"""


async def list_phone_indexes(connection: Connection, person_id: UUID) -> list[bytes]:
    """What finds the person's phones, those of accounts merged into theirs too."""
    return [row["phone_index"] for row in await connection.fetch(FIND_PHONE_INDEXES, person_id)]
