"""Rows of confirmations."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.mandates.confirmations.models import Confirmation, Decision

COLUMNS: Final = "id, mandate_id, fingerprint, kind, detail, asked_at, expires_at, decided_at, decision, used_at"

# Two calls at once for one act take turns, so that one yes is used once.
LOCK_ACT = "select pg_advisory_xact_lock(hashtextextended('auth.confirmation ' || $1::uuid, 0))"


async def lock_act(connection: Connection, mandate_id: UUID) -> None:
    """Waits until nobody else asks under this mandate."""
    await connection.execute(LOCK_ACT, mandate_id)


FIND_STANDING = f"""
select {COLUMNS} from auth.mandate_confirmation
 where mandate_id = $1 and fingerprint = $2 and used_at is null and expires_at > $3
 order by id desc limit 1
"""  # noqa: S608 - constants of this module


async def find_standing(
    connection: Connection, mandate_id: UUID, fingerprint: bytes, now: datetime
) -> Confirmation | None:
    """What was asked, or said, of exactly this act and has not been used."""
    row = await connection.fetchrow(FIND_STANDING, mandate_id, fingerprint, now)
    return convert(row, Confirmation) if row else None


INSERT_CONFIRMATION = """
insert into auth.mandate_confirmation (id, mandate_id, fingerprint, kind, detail, asked_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""


async def insert_confirmation(connection: Connection, asked: Confirmation) -> None:
    """A new question."""
    await connection.execute(
        INSERT_CONFIRMATION,
        asked.id,
        asked.mandate_id,
        asked.fingerprint,
        asked.kind,
        asked.detail,
        asked.asked_at,
        asked.expires_at,
    )


MARK_USED = "update auth.mandate_confirmation set used_at = $2 where id = $1"


async def mark_used(connection: Connection, confirmation_id: UUID, now: datetime) -> None:
    """One yes is for one act."""
    await connection.execute(MARK_USED, confirmation_id, now)


LIST_WAITING = f"""
select {", ".join("c." + name for name in COLUMNS.split(", "))}
  from auth.mandate_confirmation c join auth.mandate m on m.id = c.mandate_id
 where m.principal_id = $1 and m.revoked_at is null and c.decided_at is null and c.expires_at > $2
 order by c.id desc limit 50
"""  # noqa: S608 - constants of this module


async def list_waiting(connection: Connection, principal_id: UUID, now: datetime) -> list[Confirmation]:
    """What waits for this person's word."""
    return [convert(row, Confirmation) for row in await connection.fetch(LIST_WAITING, principal_id, now)]


MARK_DECIDED = f"""
update auth.mandate_confirmation c set decided_at = $3, decision = $4
  from auth.mandate m
 where c.id = $1 and m.id = c.mandate_id and m.principal_id = $2 and c.decided_at is null and c.expires_at > $3
returning {", ".join("c." + name for name in COLUMNS.split(", "))}
"""  # noqa: S608 - constants of this module


async def mark_decided(
    connection: Connection, confirmation_id: UUID, principal_id: UUID, now: datetime, decision: Decision
) -> Confirmation | None:
    """The principal's word; None when nothing of theirs waits for it. Once."""
    row = await connection.fetchrow(MARK_DECIDED, confirmation_id, principal_id, now, decision)
    return convert(row, Confirmation) if row else None


DELETE_EXPIRED = "delete from auth.mandate_confirmation where expires_at < $1"


async def delete_expired(connection: Connection, before: datetime) -> None:
    """Forgets what was asked; what was done stands among the acts."""
    await connection.execute(DELETE_EXPIRED, before)
