"""Rows of merges and of the tickets that lead to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.people.merging.models import Merge

INSERT_TICKET = "insert into auth.merge_ticket (ticket_hash, person_id, expires_at) values ($1, $2, $3)"


async def insert_ticket(connection: Connection, ticket_hash: bytes, person_id: UUID, expires_at: datetime) -> None:
    """A new ticket."""
    await connection.execute(INSERT_TICKET, ticket_hash, person_id, expires_at)


DELETE_TICKET = "delete from auth.merge_ticket where ticket_hash = $1 and expires_at > $2 returning person_id"


async def delete_ticket(connection: Connection, ticket_hash: bytes, now: datetime) -> UUID | None:
    """Takes the ticket, once; whose account it speaks for."""
    person_id: UUID | None = await connection.fetchval(DELETE_TICKET, ticket_hash, now)
    return person_id


DELETE_EXPIRED_TICKETS = "delete from auth.merge_ticket where expires_at <= $1"


async def delete_expired_tickets(connection: Connection, now: datetime) -> None:
    """Forgets tickets that nobody showed."""
    await connection.execute(DELETE_EXPIRED_TICKETS, now)


MARK_REPOINTED = """
update auth.person set merged_into = $2 where merged_into = $1 and ($3::uuid[] is null or id = any($3)) returning id
"""


async def mark_repointed(
    connection: Connection, from_id: UUID, to_id: UUID, *, only: Sequence[UUID] | None = None
) -> list[UUID]:
    """Accounts that point at one point at the other; which those were."""
    rows = await connection.fetch(MARK_REPOINTED, from_id, to_id, None if only is None else list(only))
    return [row["id"] for row in rows]


MERGE: Final = """
select id, kept_id, merged_id, repointed, mandates, merged_at, merged_by, organization_id, undone_at
  from auth.person_merge
"""
INSERT_MERGE = """
insert into auth.person_merge (id, kept_id, merged_id, repointed, mandates, merged_at, merged_by, organization_id)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def insert_merge(connection: Connection, merge: Merge) -> None:
    """What was done, so that it can be undone."""
    await connection.execute(
        INSERT_MERGE,
        merge.id,
        merge.kept_id,
        merge.merged_id,
        merge.repointed,
        merge.mandates,
        merge.merged_at,
        merge.merged_by,
        merge.organization_id,
    )


FIND_STANDING = f"{MERGE} where id = $1 and undone_at is null for update"


async def find_standing_for_update(connection: Connection, merge_id: UUID) -> Merge | None:
    """A merge that nobody has undone; nobody does beside the caller."""
    row = await connection.fetchrow(FIND_STANDING, merge_id)
    return convert(row, Merge) if row else None


MARK_UNDONE = "update auth.person_merge set undone_at = $2, undone_by = $3 where id = $1"


async def mark_undone(connection: Connection, merge_id: UUID, now: datetime, official_id: UUID) -> None:
    """There are two accounts again."""
    await connection.execute(MARK_UNDONE, merge_id, now, official_id)


LIST_MERGES = f"{MERGE} where organization_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3"


async def list_merges(connection: Connection, organization_id: UUID, after: UUID | None, limit: int) -> list[Merge]:
    """The merges of an office, newest first."""
    return [convert(row, Merge) for row in await connection.fetch(LIST_MERGES, organization_id, after, limit)]
