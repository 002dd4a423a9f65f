"""The rows of deferred notices. Which scans they hide, the query for records asks itself."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from codes.records.deferrals.models import DeferredNotice, State, Total

INSERT_NOTICE = """
insert into codes.deferred_notice
       (id, organization_id, scanner_id, scenario, legal_basis, state, proposed_by, proposed_at, ends_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


async def insert_notice(connection: Connection, notice: DeferredNotice) -> None:
    """Adds a proposal."""
    await connection.execute(
        INSERT_NOTICE,
        notice.id,
        notice.organization_id,
        notice.scanner_id,
        notice.scenario,
        notice.legal_basis,
        notice.state,
        notice.proposed_by,
        notice.proposed_at,
        notice.ends_at,
    )


SELECT_NOTICE = """
select id, organization_id, scanner_id, scenario, legal_basis, state, proposed_by, proposed_at, ends_at, decided_by,
       decided_at
  from codes.deferred_notice
"""

FIND_NOTICE = SELECT_NOTICE + " where id = $1"


async def find_notice(connection: Connection, notice_id: UUID) -> DeferredNotice | None:
    """The deferral in whatever state."""
    row = await connection.fetchrow(FIND_NOTICE, notice_id)
    return None if row is None else convert(row, DeferredNotice)


LIST_NOTICES = f"""{SELECT_NOTICE}
 where ($1::uuid is null or organization_id = $1) and ($2::uuid is null or id < $2) order by id desc limit $3
"""


async def list_notices(
    connection: Connection, organization_id: UUID | None, after: UUID | None, limit: int
) -> list[DeferredNotice]:
    """A page, newest first; of one organization or of all."""
    rows = await connection.fetch(LIST_NOTICES, organization_id, after, limit)
    return [convert(row, DeferredNotice) for row in rows]


# The days begin when it is approved; of two officials at once one decides.
MARK_DECIDED = """
update codes.deferred_notice
   set state = $2, decided_by = $3, decided_at = $4::timestamptz, ends_at = $4::timestamptz + (ends_at - proposed_at)
 where id = $1 and state = 'proposed' and proposed_at > $5
"""


async def mark_decided(
    connection: Connection, notice_id: UUID, state: State, decided_by: UUID, now: datetime, *, proposed_after: datetime
) -> bool:
    """Whether this call decided a proposal that is not too old."""
    done = await connection.execute(MARK_DECIDED, notice_id, state, decided_by, now, proposed_after)
    return done == "UPDATE 1"


MARK_ENDED = "update codes.deferred_notice set ends_at = $2 where id = $1 and state = 'approved' and ends_at > $2"


async def mark_ended(connection: Connection, notice_id: UUID, now: datetime) -> bool:
    """Whether this call ended it before its time: holders read of all its scans at once."""
    return await connection.execute(MARK_ENDED, notice_id, now) == "UPDATE 1"


COUNT_TOTALS = """
select extract(year from decided_at at time zone 'UTC')::int as year, scenario,
       count(*) filter (where state = 'approved') as approved,
       count(*) filter (where state = 'refused') as refused,
       count(*) filter (where state = 'approved' and ends_at > $1) as in_force
  from codes.deferred_notice where decided_at is not null
 group by 1, 2 order by 1 desc, 2
"""


async def list_totals(connection: Connection, now: datetime) -> list[Total]:
    """How often, by year and scenario."""
    return [convert(row, Total) for row in await connection.fetch(COUNT_TOTALS, now)]
