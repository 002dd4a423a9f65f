"""Rows of versions that wait for a reviewer."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from miniapps.reviewing.models import OverdueReview, WaitingVersion

LIST_WAITING = """
select v.id, v.app_id, v.code, v.name, a.organization_id, a.organization_name, v.manifest, p.manifest as published,
       v.submitted_at, v.review_due_at
  from miniapps.version v
  join miniapps.app a on a.app_id = v.app_id
  left join miniapps.release r on r.app_id = v.app_id and r.state = 'published'
  left join miniapps.version p on p.id = r.version_id
 where v.state = 'reviewing'
   and ($1::uuid is null
        or (v.review_due_at, v.id) > (select b.review_due_at, b.id from miniapps.version b where b.id = $1))
 order by v.review_due_at, v.id limit $2
"""


async def list_waiting(connection: Connection, after: UUID | None, limit: int) -> list[WaitingVersion]:
    """Versions under review, the one that is due first at the top."""
    return [convert(row, WaitingVersion) for row in await connection.fetch(LIST_WAITING, after, limit)]


MARK_TOLD = """
with late as (
  select id from miniapps.version
   where state = 'reviewing' and overdue_told_at is null and review_due_at <= $1
   order by review_due_at limit $2 for update skip locked
)
update miniapps.version v set overdue_told_at = $1 from late where v.id = late.id
returning v.id, v.app_id, v.code
"""


async def mark_told(connection: Connection, now: datetime, limit: int) -> list[OverdueReview]:
    """Those that are late and of which nobody was told; from now on somebody was. No two workers get the same."""
    return [convert(row, OverdueReview) for row in await connection.fetch(MARK_TOLD, now, limit)]
