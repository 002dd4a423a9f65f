"""Rows of phones and of changes that wait. Knows no plain number."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.phones.models import PhoneChange, PhoneHolder, StoredPhone

# An account that was merged into another is that other.
LIST_HOLDERS = """
select f.id, coalesce(p.merged_into, p.id) as person_id, f.person_id as sealed_for, f.phone_index, f.label_sealed
  from auth.phone f join auth.person p on p.id = f.person_id
 where f.phone_index = $1
 order by f.attached_at, f.id
"""


async def list_holders(connection: Connection, phone_index: bytes) -> list[PhoneHolder]:
    """Whom a phone opens, the longest-standing first; each once."""
    seen: dict[UUID, PhoneHolder] = {}
    for row in await connection.fetch(LIST_HOLDERS, phone_index):
        holder = convert(row, PhoneHolder)
        seen.setdefault(holder.person_id, holder)
    return list(seen.values())


LIST_PHONES = """
select f.id, f.person_id, f.phone_index, f.phone_sealed, f.attached_at
  from auth.phone f join auth.person p on p.id = f.person_id
 where p.id = $1 or p.merged_into = $1
 order by f.attached_at, f.id
"""


async def list_phones(connection: Connection, person_id: UUID) -> list[StoredPhone]:
    """The phones of a person, oldest first."""
    return [convert(row, StoredPhone) for row in await connection.fetch(LIST_PHONES, person_id)]


DELETE_PHONE = "delete from auth.phone where id = $1 returning phone_index"


async def delete_phone(connection: Connection, phone_id: UUID) -> bytes | None:
    """Takes a phone from its holder; which number it was, None when it was taken before."""
    phone_index: bytes | None = await connection.fetchval(DELETE_PHONE, phone_id)
    return phone_index


INSERT_PHONE = """
insert into auth.phone (id, phone_index, person_id, phone_sealed, label_sealed, attached_at)
values ($1, $2, $3, $4, $5, $6) on conflict (phone_index, person_id) do nothing
"""


async def insert_phone(connection: Connection, change: PhoneChange, now: datetime) -> None:
    """What waited is attached."""
    await connection.execute(
        INSERT_PHONE,
        change.id,
        change.phone_index,
        change.person_id,
        change.phone_sealed,
        change.label_sealed,
        now,
    )


INSERT_CHANGE = """
insert into auth.phone_change
  (id, person_id, phone_index, phone_sealed, label_sealed, replaces_id, asked_at, due_at)
values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (person_id) do nothing
returning true
"""


async def insert_change(connection: Connection, change: PhoneChange) -> bool:
    """A change that waits; False when the person has one waiting."""
    return bool(
        await connection.fetchval(
            INSERT_CHANGE,
            change.id,
            change.person_id,
            change.phone_index,
            change.phone_sealed,
            change.label_sealed,
            change.replaces_id,
            change.asked_at,
            change.due_at,
        )
    )


CHANGE_COLUMNS = "id, person_id, phone_index, phone_sealed, label_sealed, replaces_id, asked_at, due_at"
FIND_CHANGE = f"select {CHANGE_COLUMNS} from auth.phone_change where person_id = $1"  # noqa: S608 - constants


async def find_change(connection: Connection, person_id: UUID) -> PhoneChange | None:
    """The person's change that waits, if any."""
    row = await connection.fetchrow(FIND_CHANGE, person_id)
    return convert(row, PhoneChange) if row else None


DELETE_CHANGE = "delete from auth.phone_change where id = $1 and person_id = $2 returning true"


async def delete_change(connection: Connection, change_id: UUID, person_id: UUID) -> bool:
    """Stops the person's change; False when there is none such."""
    return bool(await connection.fetchval(DELETE_CHANGE, change_id, person_id))


TAKE_DUE = f"""
delete from auth.phone_change
 where id in (select id from auth.phone_change where due_at <= $1 order by id limit $2 for update skip locked)
returning {CHANGE_COLUMNS}
"""  # noqa: S608 - constants of this module


async def take_due_changes(connection: Connection, now: datetime, most: int) -> list[PhoneChange]:
    """Changes whose time has come, each to one caller."""
    return [convert(row, PhoneChange) for row in await connection.fetch(TAKE_DUE, now, most)]


TAKE_DUE_OF = f"""
delete from auth.phone_change c
 where c.due_at <= $2
   and (c.phone_index = $1
        or c.person_id in (select coalesce(p.merged_into, p.id)
                             from auth.phone f join auth.person p on p.id = f.person_id where f.phone_index = $1))
returning {CHANGE_COLUMNS}
"""  # noqa: S608 - constants of this module


async def take_due_changes_of(connection: Connection, phone_index: bytes, now: datetime) -> list[PhoneChange]:
    """Changes whose time has come and that give or take this number, whether or not the periodic job was there."""
    return [convert(row, PhoneChange) for row in await connection.fetch(TAKE_DUE_OF, phone_index, now)]


DELETE_ALL_CHANGES = "delete from auth.phone_change where person_id = $1"


async def delete_changes(connection: Connection, person_id: UUID) -> None:
    """Whatever waits for the person waits no more."""
    await connection.execute(DELETE_ALL_CHANGES, person_id)


LIST_PHONE_SESSIONS = """
select id from auth.session
 where holder_id = $1 and method = 'otp' and device_id is null and (unproven or not $2) and revoked_at is null
   and coalesce(phone_index, $3) = $3
 order by id
"""


async def list_sessions_on_a_phone(
    connection: Connection, person_id: UUID, phone_index: bytes, *, known_by_more: bool
) -> list[UUID]:
    """Sessions of the person that a code to this number alone opened, on no device of theirs, and in which nothing more
    was shown; and those of which the number is not known.
    """
    rows = await connection.fetch(LIST_PHONE_SESSIONS, person_id, known_by_more, phone_index)
    return [row["id"] for row in rows]
