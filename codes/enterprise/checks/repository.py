"""The rows of enterprise checks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from codes.enterprise.checks.models import EnterpriseCheck, StoredRecord

INSERT_CHECK = """
insert into codes.enterprise_check
       (id, inspection_id, organization_id, scenario, officer_id, department_id, checked_at, request_key, body_hash,
        emergency_reason, state)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'asking')
on conflict (officer_id, request_key) do nothing
returning id
"""


async def insert_check(connection: Connection, check: EnterpriseCheck) -> bool:
    """Whether the check was added; False when the same request is being answered by another worker."""
    inserted = await connection.fetchval(
        INSERT_CHECK,
        check.id,
        check.inspection_id,
        check.organization_id,
        check.scenario,
        check.officer_id,
        check.department_id,
        check.checked_at,
        check.request_key,
        check.body_hash,
        check.emergency_reason,
    )
    return inserted is not None


FIND_CHECK_BY_REQUEST = """
select id, inspection_id, organization_id, scenario, officer_id, department_id, checked_at, request_key, body_hash,
       state, answer, emergency_reason
  from codes.enterprise_check
 where officer_id = $1 and request_key = $2
"""


async def find_check_by_request(connection: Connection, officer_id: UUID, request_key: bytes) -> EnterpriseCheck | None:
    """The officer's check that this request began, or None."""
    row = await connection.fetchrow(FIND_CHECK_BY_REQUEST, officer_id, request_key)
    return None if row is None else convert(row, EnterpriseCheck)


MARK_ANSWERED = "update codes.enterprise_check set state = 'answered', answer = $2 where id = $1 and state = 'asking'"


async def mark_answered(connection: Connection, check_id: UUID, answer: dict[str, Any]) -> None:
    """Keeps what the officer is told."""
    await connection.execute(MARK_ANSWERED, check_id, answer)


MARK_ASKED_AGAIN = """
update codes.enterprise_check set checked_at = $2 where id = $1 and state = 'asking' and checked_at < $3
"""


async def mark_asked_again(connection: Connection, check_id: UUID, now: datetime, given_up_before: datetime) -> bool:
    """Whether this request takes over a check that nobody answered in time."""
    return await connection.execute(MARK_ASKED_AGAIN, check_id, now, given_up_before) == "UPDATE 1"


# Whoever joined a task checks on an authority of their own.
SELECT_RECORD = """
select c.id, c.organization_id, c.checked_at, c.scenario, c.inspection_id, c.department_id, c.officer_id, i.purpose,
       coalesce(p.authority, i.authority) as authority, c.emergency_reason,
       jsonb_path_query_array(c.answer, '$.sources[*]') as sources
  from codes.enterprise_check c
  left join codes.inspection i on i.id = c.inspection_id
  left join codes.inspection_partner p on p.inspection_id = c.inspection_id and p.officer_id = c.officer_id
"""

LIST_CHECKS = (
    SELECT_RECORD + " where c.organization_id = $1 and ($2::uuid is null or c.id < $2) order by c.id desc limit $3"
)


async def list_checks(
    connection: Connection, organization_id: UUID, after: UUID | None, limit: int
) -> list[StoredRecord]:
    """A page of the checks of an enterprise, newest first."""
    rows = await connection.fetch(LIST_CHECKS, organization_id, after, limit)
    return [convert(row, StoredRecord) for row in rows]


LIST_EMERGENCIES = (
    SELECT_RECORD
    + " where c.emergency_reason is not null and ($1::uuid is null or c.id < $1) order by c.id desc limit $2"
)


async def list_emergencies(connection: Connection, after: UUID | None, limit: int) -> list[StoredRecord]:
    """A page of the checks that went without a task, newest first."""
    return [convert(row, StoredRecord) for row in await connection.fetch(LIST_EMERGENCIES, after, limit)]
