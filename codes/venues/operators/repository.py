"""The rows of operators and of their duty at devices."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from codes.venues.operators.errors import OperatorUnknown
from codes.venues.operators.models import Duty, Operator

SELECT_OPERATOR = """
select id, organization_id, number, pin_index, state, wrong_pins, locked_until, appointed_at, ended_at
  from codes.operator
"""

INSERT_OPERATOR = """
insert into codes.operator
       (id, organization_id, number, pin_index, badge_index, profile, state, appointed_at)
values ($1, $2, $3, $4, $5, $6, 'active', $7)
on conflict (organization_id, number) where state = 'active' do nothing
returning id
"""


async def insert_operator(connection: Connection, operator: Operator, *, badge_index: bytes, profile: int) -> bool:
    """Whether the operator is appointed now; False when the number is in use."""
    inserted = await connection.fetchval(
        INSERT_OPERATOR,
        operator.id,
        operator.organization_id,
        operator.number,
        operator.pin_index,
        badge_index,
        profile,
        operator.appointed_at,
    )
    return inserted is not None


GET_OPERATOR = SELECT_OPERATOR + " where id = $1"


async def get_operator(connection: Connection, operator_id: UUID) -> Operator:
    """The operator in whatever state; raises `OperatorUnknown`."""
    row = await connection.fetchrow(GET_OPERATOR, operator_id)
    if row is None:
        raise OperatorUnknown
    return convert(row, Operator)


LIST_OPERATORS = (
    SELECT_OPERATOR + " where organization_id = $1 and id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)"
    " order by id limit $3"
)


async def list_operators(
    connection: Connection, organization_id: UUID, after: UUID | None, limit: int
) -> list[Operator]:
    """A page of an organization's operators, oldest first."""
    rows = await connection.fetch(LIST_OPERATORS, organization_id, after, limit)
    return [convert(row, Operator) for row in rows]


# The lock lets tries of one operator take turns, so that no two of them count as one.
FIND_BY_NUMBER = SELECT_OPERATOR + " where organization_id = $1 and number = $2 and state = 'active' for update"


async def find_by_number(connection: Connection, organization_id: UUID, number: str) -> Operator | None:
    """The active operator of this number, locked until the transaction ends; or None."""
    row = await connection.fetchrow(FIND_BY_NUMBER, organization_id, number)
    return None if row is None else convert(row, Operator)


FIND_BY_BADGE = SELECT_OPERATOR + " where badge_index = $1 and organization_id = $2 and state = 'active' for update"


async def find_by_badge(connection: Connection, badge_index: bytes, organization_id: UUID) -> Operator | None:
    """The organization's active operator with this badge, locked until the transaction ends; or None."""
    row = await connection.fetchrow(FIND_BY_BADGE, badge_index, organization_id)
    return None if row is None else convert(row, Operator)


MARK_TRIES = "update codes.operator set wrong_pins = $2, locked_until = $3 where id = $1"


async def mark_tries(connection: Connection, operator_id: UUID, wrong_pins: int, locked_until: datetime | None) -> None:
    """Notes how many wrong PINs stand against an operator."""
    await connection.execute(MARK_TRIES, operator_id, wrong_pins, locked_until)


MARK_ENDED = "update codes.operator set state = 'ended', ended_at = $2 where id = $1 and state = 'active'"


async def mark_ended(connection: Connection, operator_id: UUID, now: datetime) -> bool:
    """Whether this call ended the appointment; False when it had ended before."""
    return await connection.execute(MARK_ENDED, operator_id, now) == "UPDATE 1"


UPSERT_DUTY = """
insert into codes.operator_duty (scanner_id, operator_id, method, since, until) values ($1, $2, $3, $4, $5)
on conflict (scanner_id) do update
   set operator_id = excluded.operator_id, method = excluded.method, since = excluded.since, until = excluded.until
"""


async def insert_duty(connection: Connection, duty: Duty) -> None:
    """Puts an operator on duty; whoever was there before is no longer."""
    await connection.execute(UPSERT_DUTY, duty.scanner_id, duty.operator_id, duty.method, duty.since, duty.until)


FIND_ON_DUTY = "select operator_id from codes.operator_duty where scanner_id = $1 and until > $2"


async def find_on_duty(connection: Connection, scanner_id: UUID, now: datetime) -> UUID | None:
    """Who is on duty at a device, or None."""
    operator_id: UUID | None = await connection.fetchval(FIND_ON_DUTY, scanner_id, now)
    return operator_id


DELETE_DUTY = "delete from codes.operator_duty where scanner_id = $1 returning operator_id"


async def delete_duty(connection: Connection, scanner_id: UUID) -> UUID | None:
    """Who was on duty until now, or None."""
    operator_id: UUID | None = await connection.fetchval(DELETE_DUTY, scanner_id)
    return operator_id


DELETE_DUTIES = "delete from codes.operator_duty where operator_id = $1 returning scanner_id"


async def delete_duties(connection: Connection, operator_id: UUID) -> list[UUID]:
    """The devices that an operator leaves."""
    rows = await connection.fetch(DELETE_DUTIES, operator_id)
    return [row["scanner_id"] for row in rows]
