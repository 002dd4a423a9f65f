"""Rows of scans. Inserting an accepted one is the guard against replays: the database lets in exactly one."""

from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.database import Connection
from app.kit.structs import convert
from codes.status.models import StatusPointer
from codes.verification.models import GrantStanding, StoredAnswer, Verification

FIND_STANDING = """
select b.person_id, b.device_id, b.grants, b.revoked_at, s.status
  from codes.grant_batch b
  left join codes.status_entry s on s.shard = $2 and s.index = $3
 where b.number = $1
"""


async def find_standing(connection: Connection, batch: int, pointer: StatusPointer) -> GrantStanding | None:
    """Whose grant this is and whether it still counts, in one round trip."""
    row = await connection.fetchrow(FIND_STANDING, batch, pointer.shard, pointer.index)
    return None if row is None else convert(row, GrantStanding)


# Whoever comes second waits here until the first has committed or rolled back, on whatever worker that is.
INSERT_VERIFICATION = """
insert into codes.verification
       (id, iat, guard_cti, verified_at, scanner_id, organization_id, scanned_by, request_id, subject_type, subject_id,
        kind, scenario, basis, disclosed, withheld, verdict, reason, answer_sealed)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
on conflict (guard_cti, iat) do nothing
returning true
"""


async def insert_verification(connection: Connection, row: Verification) -> bool:
    """Whether the row stands now; False when its presentation was accepted before."""
    inserted = await connection.fetchval(
        INSERT_VERIFICATION,
        row.id,
        row.iat,
        row.guard_cti,
        row.verified_at,
        row.scanner_id,
        row.organization_id,
        msgspec.to_builtins(row.scanned_by),
        row.request_id,
        row.subject_type,
        row.subject_id,
        row.kind,
        row.scenario,
        row.basis,
        row.disclosed,
        row.withheld,
        row.verdict,
        row.reason,
        row.answer_sealed,
    )
    return inserted is not None


FIND_ANSWER = """
select id, scanner_id, request_id, answer_sealed from codes.verification where guard_cti = $1 and iat = $2
"""


async def find_answer(connection: Connection, cti: bytes, iat: datetime) -> StoredAnswer | None:
    """The first answer to this presentation, if it was accepted."""
    row = await connection.fetchrow(FIND_ANSWER, cti, iat)
    return None if row is None else convert(row, StoredAnswer)


LIST_SCANS = """
select id, iat, guard_cti, verified_at, scanner_id, organization_id, scanned_by, request_id, subject_type, subject_id,
       kind, scenario, basis, disclosed, withheld, verdict, reason
  from codes.verification
 where subject_id = $1 and subject_type = $2 and ($3::uuid is null or id < $3)
 order by id desc limit $4
"""


async def list_scans(
    connection: Connection, subject_type: str, subject_id: UUID, after: UUID | None, limit: int
) -> list[Verification]:
    """Scans of one subject, latest first."""
    rows = await connection.fetch(LIST_SCANS, subject_id, subject_type, after, limit)
    return [convert(row, Verification) for row in rows]


MARK_ANSWERS_FORGOTTEN = """
update codes.verification set answer_sealed = null where iat between $1 and $2 and answer_sealed is not null
"""


async def mark_answers_forgotten(connection: Connection, since: datetime, before: datetime) -> None:
    """Drops what was disclosed from rows whose retries are over; that it was disclosed stays."""
    await connection.execute(MARK_ANSWERS_FORGOTTEN, since, before)
