"""What the registry knows of a mini-app's year: its releases, its ratings, the last nightly run."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model, convert

LIST_RELEASES = """
select r.id from miniapps.release r
 where r.app_id = $1 and (r.ended_at is null or r.ended_at > $2)
   and exists (select from miniapps.release_step s where s.release_id = r.id and s.state = 'published')
"""


async def list_releases(connection: Connection, app_id: str, since: datetime) -> list[UUID]:
    """The releases that everybody saw since then."""
    return [row["id"] for row in await connection.fetch(LIST_RELEASES, app_id, since)]


FIND_FIRST_RELEASE = """
select min(s.taken_at) from miniapps.release r join miniapps.release_step s on s.release_id = r.id
 where r.app_id = $1 and s.state = 'published'
"""


async def find_first_release(connection: Connection, app_id: str) -> datetime | None:
    """Since when citizens have had the mini-app."""
    published_at: datetime | None = await connection.fetchval(FIND_FIRST_RELEASE, app_id)
    return published_at


class RatedYear(Model):
    """Ratings in a span. `due` are replies whose time is over or that were given; `punctual` those given in time."""

    count: int
    satisfied: int
    due: int
    punctual: int
    open_call_backs: int


COUNT_RATINGS = """
select count(*) as count,
       count(*) filter (where level >= 3) as satisfied,
       count(*) filter (where reply_due_at is not null and (replied_at is not null or reply_due_at <= $3)) as due,
       count(*) filter (where replied_at <= reply_due_at) as punctual,
       count(*) filter (where call_back = 'open') as open_call_backs
  from miniapps.rating where app_id = $1 and rated_at > $2
"""


async def count_ratings(connection: Connection, app_id: str, since: datetime, now: datetime) -> RatedYear:
    """What citizens said since then, and how the department answered."""
    return convert(await connection.fetchrow(COUNT_RATINGS, app_id, since, now) or {}, RatedYear)


FIND_CONFORMANCE = """
select coalesce(r.outcome, n.trouble)
  from miniapps.conformance_run n left join miniapps.conformance_report r on r.id = n.report_id
 where n.app_id = $1 and n.night is not null and n.ended_at is not null
 order by n.night desc limit 1
"""


async def find_conformance(connection: Connection, app_id: str) -> str | None:
    """What the last nightly run said, or why it could say nothing; None before the first."""
    outcome: str | None = await connection.fetchval(FIND_CONFORMANCE, app_id)
    return outcome


LIST_SAME_ITEMS = """
select distinct a.app_id
  from miniapps.app a
  join miniapps.release r on r.app_id = a.app_id and r.state = 'published'
  join miniapps.version v on v.id = r.version_id
  cross join lateral jsonb_array_elements(
    coalesce(convert_from(v.manifest, 'UTF8')::jsonb -> 'items', '[]'::jsonb)) as item
 where a.app_id <> $1 and a.state = 'active' and item ->> 'item_code' = any($2::text[])
 order by a.app_id
"""


async def list_same_items(connection: Connection, app_id: str, items: Collection[str]) -> list[str]:
    """Other mini-apps that serve one of these items."""
    return [row["app_id"] for row in await connection.fetch(LIST_SAME_ITEMS, app_id, list(items))]
