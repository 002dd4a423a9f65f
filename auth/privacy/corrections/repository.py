"""Rows of corrections."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.privacy.corrections.models import Correction

COLUMNS: Final = "id, person_id, field, claim_sealed, state, requested_at, sent_at, decided_at, answer_sealed"

INSERT_CORRECTION = """
insert into auth.correction (id, person_id, field, claim_sealed, state, requested_at) values ($1, $2, $3, $4, $5, $6)
"""


async def insert_correction(connection: Connection, correction: Correction) -> None:
    """A new one, not yet sent."""
    await connection.execute(
        INSERT_CORRECTION,
        correction.id,
        correction.person_id,
        correction.field,
        correction.claim_sealed,
        correction.state,
        correction.requested_at,
    )


LIST_OPEN_IDS = "select id from auth.correction where person_id = $1 and decided_at is null order by id"


async def list_open_ids(connection: Connection, person_id: UUID) -> list[UUID]:
    """Which of the person's wait."""
    return [row["id"] for row in await connection.fetch(LIST_OPEN_IDS, person_id)]


FIND_CORRECTION = f"select {COLUMNS} from auth.correction where id = $1"  # noqa: S608 - constants of this module


async def find_correction(connection: Connection, correction_id: UUID) -> Correction | None:
    """The correction, in whatever state; None when its person was erased."""
    row = await connection.fetchrow(FIND_CORRECTION, correction_id)
    return convert(row, Correction) if row else None


LIST_CORRECTIONS = f"""
select {COLUMNS} from auth.correction
 where person_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3
"""  # noqa: S608 - constants of this module


async def list_corrections(connection: Connection, person_id: UUID, after: UUID | None, limit: int) -> list[Correction]:
    """The person's corrections, newest first."""
    return [convert(row, Correction) for row in await connection.fetch(LIST_CORRECTIONS, person_id, after, limit)]


MARK_SENT = """
update auth.correction set state = 'sent', sent_at = $2, asked_at = $2 where id = $1 and state = 'pending'
returning true
"""


async def mark_sent(connection: Connection, correction_id: UUID, now: datetime) -> bool:
    """The authority has it; False when that was known."""
    return bool(await connection.fetchval(MARK_SENT, correction_id, now))


# Whoever asks next waits a while, so that workers take turns and none asks twice for the same.
LEASE_WAITING = """
update auth.correction set asked_at = $1
 where id in (select id from auth.correction where state = 'sent' and asked_at < $2
               order by asked_at limit 20 for update skip locked)
returning id
"""


async def lease_waiting(connection: Connection, now: datetime, *, asked_before: datetime) -> list[UUID]:
    """Corrections that the authority is to be asked about, by this worker."""
    return [row["id"] for row in await connection.fetch(LEASE_WAITING, now, asked_before)]


MARK_DECIDED = """
update auth.correction set state = $2, decided_at = $3, answer_sealed = $4 where id = $1 and state = 'sent'
returning true
"""


async def mark_decided(
    connection: Connection, correction_id: UUID, state: str, *, now: datetime, answer_sealed: bytes
) -> bool:
    """The authority's word; False when it was written before."""
    return bool(await connection.fetchval(MARK_DECIDED, correction_id, state, now, answer_sealed))


DELETE_CORRECTIONS = "delete from auth.correction where person_id = $1"


async def delete_corrections(connection: Connection, person_id: UUID) -> None:
    """All of a person."""
    await connection.execute(DELETE_CORRECTIONS, person_id)
