"""The rows of ratings. No function reads one by itself; for an inspection there is only whether it was rated."""

from datetime import date
from uuid import UUID, uuid4

from app.kit.database import Connection
from app.kit.structs import convert
from codes.enterprise.ratings.models import RateInspection, Totals

INSERT_RATED = """
insert into codes.inspection_rated (inspection_id, department_id) values ($1, $2) on conflict do nothing
"""


async def insert_rated(connection: Connection, inspection_id: UUID, department_id: UUID) -> bool:
    """Whether this is the first rating of this department for this inspection."""
    return await connection.execute(INSERT_RATED, inspection_id, department_id) == "INSERT 0 1"


LIST_RATED = "select department_id from codes.inspection_rated where inspection_id = $1"


async def list_rated(connection: Connection, inspection_id: UUID) -> list[UUID]:
    """The departments that were rated for this inspection."""
    return [row["department_id"] for row in await connection.fetch(LIST_RATED, inspection_id)]


INSERT_RATING = """
insert into codes.inspection_rating (id, department_id, rater, conduct, necessity, remarks)
values ($1, $2, $3, $4, $5, $6)
on conflict (department_id, rater) where released_on is null
do update set conduct = excluded.conduct, necessity = excluded.necessity, remarks = excluded.remarks
"""


async def insert_rating(connection: Connection, rating: RateInspection, rater: bytes) -> None:
    """Adds it to the group that waits; a later one of the same enterprise replaces what waits."""
    await connection.execute(
        INSERT_RATING,
        uuid4(),
        rating.department_id,
        rater,
        rating.conduct,
        rating.necessity,
        sorted(set(rating.remarks)),
    )


RELEASE = """
update codes.inspection_rating set released_on = $2, rater = null
 where department_id = $1 and released_on is null
   and (select count(*) from codes.inspection_rating where department_id = $1 and released_on is null) >= $3
"""


async def release(connection: Connection, department_id: UUID, today: date, smallest_group: int) -> None:
    """Publishes everything that waits, if it is enough together, and forgets who it was of."""
    await connection.execute(RELEASE, department_id, today, smallest_group)


LOCK = "select pg_advisory_xact_lock(hashtextextended('codes.ratings:' || $1, 0))"


async def lock_department(connection: Connection, department_id: UUID) -> None:
    """Ratings of one department take turns, so that each sees the group that waits."""
    await connection.execute(LOCK, str(department_id))


WAS_CHECKED = """
select exists (select from codes.enterprise_check
                where inspection_id = $1 and department_id = $2 and state = 'answered')
"""


async def was_checked(connection: Connection, inspection_id: UUID, department_id: UUID) -> bool:
    """Whether the department has made its check."""
    checked: bool = await connection.fetchval(WAS_CHECKED, inspection_id, department_id)
    return checked


TOTALS = """
select count(*) as ratings, coalesce(sum(conduct), 0) as conduct, coalesce(sum(necessity), 0) as necessity
  from codes.inspection_rating where department_id = $1 and released_on > $2
"""


async def get_totals(connection: Connection, department_id: UUID, since: date) -> Totals:
    """Sums over what was released after `since`."""
    row = await connection.fetchrow(TOTALS, department_id, since)
    return Totals() if row is None else convert(row, Totals)


COUNT_REMARKS = """
select remark, count(*) as times from codes.inspection_rating, unnest(remarks) as remark
 where department_id = $1 and released_on > $2
 group by remark
"""


async def count_remarks(connection: Connection, department_id: UUID, since: date) -> dict[str, int]:
    """How often each remark was made in what was released after `since`."""
    rows = await connection.fetch(COUNT_REMARKS, department_id, since)
    return {row["remark"]: row["times"] for row in rows}
