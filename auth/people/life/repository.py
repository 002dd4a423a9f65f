"""Rows of what happened to accounts, and the status that follows from it."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.people.life.models import AccountEvent, EventKind
from auth.people.models import PersonStatus

LOCK_STATUS = "select status from auth.person where id = $1 for update"


async def lock_status(connection: Connection, person_id: UUID) -> PersonStatus:
    """The account's status; nobody changes it, and nobody signs in, before the caller's transaction ends."""
    status: PersonStatus = await connection.fetchval(LOCK_STATUS, person_id)
    return status


MARK_STATUS = "update auth.person set status = $2, merged_into = $3 where id = $1"


async def mark_status(
    connection: Connection, person_id: UUID, status: PersonStatus, *, merged_into: UUID | None = None
) -> None:
    """The account's new status; the caller has locked it."""
    await connection.execute(MARK_STATUS, person_id, status, merged_into)


MARK_LEVEL = "update auth.person set identity_level = greatest(identity_level, $2) where id = $1"


async def mark_level(connection: Connection, person_id: UUID, level: int) -> None:
    """How well the person is known; it never falls by this."""
    await connection.execute(MARK_LEVEL, person_id, level)


INSERT_EVENT = """
insert into auth.person_event (id, person_id, kind, reason, source, actor, organization_id, at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def insert_event(connection: Connection, event: AccountEvent) -> None:
    """What was just done."""
    await connection.execute(
        INSERT_EVENT,
        event.id,
        event.person_id,
        event.kind,
        event.reason,
        event.source,
        event.actor,
        event.organization_id,
        event.at,
    )


FIND_LAST = """
select id, person_id, kind, reason, source, actor, organization_id, at
  from auth.person_event where person_id = $1 and kind = $2 order by id desc limit 1
"""


async def find_last(connection: Connection, person_id: UUID, kind: EventKind) -> AccountEvent | None:
    """The latest event of this kind."""
    row = await connection.fetchrow(FIND_LAST, person_id, kind)
    return convert(row, AccountEvent) if row else None


LIST_KINDS = "select kind from auth.person_event where person_id = $1 order by id"


async def list_kinds(connection: Connection, person_id: UUID) -> list[EventKind]:
    """Everything that happened to the account, oldest first."""
    return [row["kind"] for row in await connection.fetch(LIST_KINDS, person_id)]


LIST_EVENTS = """
select e.id, e.person_id, e.kind, e.reason, e.source, e.actor, e.organization_id, e.at
  from auth.person_event e join auth.person p on p.id = e.person_id
 where (p.id = $1 or p.merged_into = $1) and ($2::uuid is null or e.id < $2)
 order by e.id desc limit $3
"""


async def list_events(connection: Connection, person_id: UUID, after: UUID | None, limit: int) -> list[AccountEvent]:
    """What happened to the account and to those merged into it, newest first."""
    return [convert(row, AccountEvent) for row in await connection.fetch(LIST_EVENTS, person_id, after, limit)]


DELETE_PHONE_CHANGES = "delete from auth.phone_change where person_id = $1"


async def delete_phone_changes(connection: Connection, person_id: UUID) -> None:
    """A number that waits to become the person's does not, whoever asked for it."""
    await connection.execute(DELETE_PHONE_CHANGES, person_id)


RELEASE_PHONES = """
with gone as (delete from auth.phone where person_id in (select id from auth.person where id = $1 or merged_into = $1)
              returning person_id, phone_index, phone_sealed, attached_at)
insert into auth.released_phone (person_id, phone_index, phone_sealed, attached_at, released_at)
select person_id, phone_index, phone_sealed, attached_at, $2 from gone
on conflict (person_id, phone_index) do update set released_at = excluded.released_at
"""


async def release_phones(connection: Connection, person_id: UUID, now: datetime) -> None:
    """Frees the person's numbers, those of accounts merged into theirs too, for whoever holds them next."""
    await connection.execute(RELEASE_PHONES, person_id, now)


RETAKE_PHONES = """
with back as (delete from auth.released_phone
               where person_id in (select id from auth.person where id = $1 or merged_into = $1)
              returning person_id, phone_index, phone_sealed, attached_at)
insert into auth.phone (phone_index, person_id, phone_sealed, attached_at)
select phone_index, person_id, phone_sealed, attached_at from back
 where not exists (select from auth.phone taken where taken.phone_index = back.phone_index)
"""


async def retake_phones(connection: Connection, person_id: UUID) -> None:
    """Gives numbers back that nobody took meanwhile."""
    await connection.execute(RETAKE_PHONES, person_id)
