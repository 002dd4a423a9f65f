"""The rows of complaints."""

from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.database import Connection
from app.kit.structs import convert
from codes.records.complaints.models import Complaint, State

# A second tap on the same record, also at the same time, finds the first one.
INSERT_COMPLAINT = """
insert into codes.complaint
       (id, verification_id, subject_type, subject_id, organization_id, scanned_by, scanned_at, scenario, verdict,
        reason, disclosed, concern, text_sealed, state, filed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
on conflict (verification_id, subject_id) do nothing
returning true
"""


async def insert_complaint(connection: Connection, complaint: Complaint) -> bool:
    """Whether this subject had not complained about this scan before."""
    inserted = await connection.fetchval(
        INSERT_COMPLAINT,
        complaint.id,
        complaint.verification_id,
        complaint.subject_type,
        complaint.subject_id,
        complaint.organization_id,
        msgspec.to_builtins(complaint.scanned_by),
        complaint.scanned_at,
        complaint.scenario,
        complaint.verdict,
        complaint.reason,
        complaint.disclosed,
        complaint.concern,
        complaint.text_sealed,
        complaint.state,
        complaint.filed_at,
    )
    return inserted is not None


SELECT_COMPLAINT = """
select id, verification_id, subject_type, subject_id, organization_id, scanned_by, scanned_at, scenario, verdict,
       reason, disclosed, concern, text_sealed, state, filed_at, reference, answer_sealed, answered_at
  from codes.complaint
"""

FIND_OF_SCAN = SELECT_COMPLAINT + " where verification_id = $1 and subject_id = $2"


async def find_of_scan(connection: Connection, verification_id: UUID, subject_id: UUID) -> Complaint | None:
    """What this subject complained of about this scan."""
    row = await connection.fetchrow(FIND_OF_SCAN, verification_id, subject_id)
    return None if row is None else convert(row, Complaint)


FIND_COMPLAINT = SELECT_COMPLAINT + " where id = $1"


async def find_complaint(connection: Connection, complaint_id: UUID) -> Complaint | None:
    """A complaint in whatever state."""
    row = await connection.fetchrow(FIND_COMPLAINT, complaint_id)
    return None if row is None else convert(row, Complaint)


LIST_OWN = (
    SELECT_COMPLAINT
    + " where subject_id = $1 and subject_type = $2 and ($3::uuid is null or id < $3) order by id desc limit $4"
)


async def list_own(
    connection: Connection, subject: tuple[str, UUID], after: UUID | None, limit: int
) -> list[Complaint]:
    """A page of one subject's complaints, newest first."""
    subject_type, subject_id = subject
    rows = await connection.fetch(LIST_OWN, subject_id, subject_type, after, limit)
    return [convert(row, Complaint) for row in rows]


LIST_OPEN = SELECT_COMPLAINT + " where state <> 'answered' and ($1::uuid is null or id > $1) order by id limit $2"


async def list_open(connection: Connection, after: UUID | None, limit: int) -> list[Complaint]:
    """A page of complaints that nobody answered yet, oldest first."""
    return [convert(row, Complaint) for row in await connection.fetch(LIST_OPEN, after, limit)]


LIST_IN_STATE = (
    SELECT_COMPLAINT + " where state = $1 and filed_at <= $2 and ($3::uuid is null or id > $3) order by id limit $4"
)


async def list_in_state(
    connection: Connection, state: State, *, before: datetime, after: UUID | None, limit: int
) -> list[Complaint]:
    """Some complaints in one state that were filed before then, oldest first."""
    rows = await connection.fetch(LIST_IN_STATE, state, before, after, limit)
    return [convert(row, Complaint) for row in rows]


MARK_FORWARDED = "update codes.complaint set state = 'forwarded', reference = $2 where id = $1 and state = 'filed'"


async def mark_forwarded(connection: Connection, complaint_id: UUID, reference: str) -> None:
    """Puts down the hotline's number; an answer that came first stays."""
    await connection.execute(MARK_FORWARDED, complaint_id, reference)


MARK_ANSWERED = """
update codes.complaint set state = 'answered', answer_sealed = $2, answered_at = $3
 where id = $1 and state <> 'answered'
"""


async def mark_answered(connection: Connection, complaint_id: UUID, answer_sealed: bytes, now: datetime) -> bool:
    """Whether this call answered it."""
    return await connection.execute(MARK_ANSWERED, complaint_id, answer_sealed, now) == "UPDATE 1"


DELETE_OLD = "delete from codes.complaint where answered_at < $1"


async def delete_old(connection: Connection, before: datetime) -> None:
    """Forgets complaints whose answer is that old."""
    await connection.execute(DELETE_OLD, before)
