"""Rows of ratings. A rating is written once; afterwards only what the department owes after it moves on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from miniapps.ratings.models import Rating
from miniapps.ratings.statistics import SMALLEST

COLUMNS: Final = """
id, app_id, organization_id, release_id, subject_type, subject_id, rater_id, act_kind, act, item_code, level, tags,
words_sealed, year, rated_at, reply_due_at, call_back, replied_at, reply_sealed, called_back_at, closed_at, resolved
"""

INSERT_RATING = """
insert into miniapps.rating
       (id, app_id, organization_id, release_id, subject_type, subject_id, rater_id, act_kind, act, item_code, level,
        tags, words_sealed, year, rated_at, reply_due_at, call_back)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
on conflict (app_id, act) do nothing returning true
"""


async def insert_rating(connection: Connection, rating: Rating) -> bool:
    """A new rating; False when that act was rated before."""
    return bool(
        await connection.fetchval(
            INSERT_RATING,
            rating.id,
            rating.app_id,
            rating.organization_id,
            rating.release_id,
            rating.subject_type,
            rating.subject_id,
            rating.rater_id,
            rating.act_kind,
            rating.act,
            rating.item_code,
            rating.level,
            rating.tags,
            rating.words_sealed,
            rating.year,
            rating.rated_at,
            rating.reply_due_at,
            rating.call_back,
        )
    )


LOCK_RATER = "select pg_advisory_xact_lock(hashtextextended('miniapps.rating ' || $1::uuid || ' ' || $2, 0))"


async def lock_rater(connection: Connection, subject_id: UUID, app_id: str) -> None:
    """Whatever else the subject rates of this mini-app waits until the transaction ends."""
    await connection.execute(LOCK_RATER, subject_id, app_id)


FIND_RATED = "select rated_at from miniapps.rating where app_id = $1 and act = $2"


async def find_rated(connection: Connection, app_id: str, act: bytes) -> datetime | None:
    """When that act was rated, by whomever."""
    rated_at: datetime | None = await connection.fetchval(FIND_RATED, app_id, act)
    return rated_at


FIND_LAST_RATED = "select max(rated_at) from miniapps.rating where subject_id = $1 and app_id = $2"


async def find_last_rated(connection: Connection, subject_id: UUID, app_id: str) -> datetime | None:
    """When the subject last rated this mini-app."""
    rated_at: datetime | None = await connection.fetchval(FIND_LAST_RATED, subject_id, app_id)
    return rated_at


LOCK_RATING = f"select {COLUMNS} from miniapps.rating where id = $1 for update"  # noqa: S608 - constants


async def find_rating_locked(connection: Connection, rating_id: UUID) -> Rating | None:
    """The rating, to be moved on: until the transaction ends nobody else does."""
    row = await connection.fetchrow(LOCK_RATING, rating_id)
    return convert(row, Rating) if row else None


LIST_OWN = f"""
select {COLUMNS} from miniapps.rating
 where subject_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3
"""  # noqa: S608 - constants


async def list_own(connection: Connection, subject_id: UUID, after: UUID | None, limit: int) -> list[Rating]:
    """What the subject rated, newest first."""
    return [convert(row, Rating) for row in await connection.fetch(LIST_OWN, subject_id, after, limit)]


LIST_RECEIVED = f"""
select {COLUMNS} from miniapps.rating
 where app_id = $1 and ($2::uuid is null or id < $2)
   and (not $4 or (reply_due_at is not null and replied_at is null) or call_back = 'open')
 order by id desc limit $3
"""  # noqa: S608 - constants


async def list_received(
    connection: Connection, app_id: str, after: UUID | None, limit: int, *, waiting: bool
) -> list[Rating]:
    """What a mini-app was given, newest first; `waiting` leaves out what asks nothing of the department."""
    return [convert(row, Rating) for row in await connection.fetch(LIST_RECEIVED, app_id, after, limit, waiting)]


MARK_REPLIED = "update miniapps.rating set replied_at = $2, reply_sealed = $3 where id = $1"


async def mark_replied(connection: Connection, rating_id: UUID, now: datetime, sealed: bytes) -> None:
    """The department has answered."""
    await connection.execute(MARK_REPLIED, rating_id, now, sealed)


MARK_CALLED_BACK = "update miniapps.rating set call_back = 'called_back', called_back_at = $2 where id = $1"


async def mark_called_back(connection: Connection, rating_id: UUID, now: datetime) -> None:
    """The department has called back."""
    await connection.execute(MARK_CALLED_BACK, rating_id, now)


MARK_CLOSED = "update miniapps.rating set call_back = 'closed', closed_at = $2, resolved = $3 where id = $1"


async def mark_closed(connection: Connection, rating_id: UUID, now: datetime, *, resolved: bool) -> None:
    """The citizen's word ends the call-back."""
    await connection.execute(MARK_CLOSED, rating_id, now, resolved)


FORGETTING: Final = """
subject_id = null, rater_id = null, words_sealed = null, reply_sealed = null,
reply_due_at = case when replied_at is null then null else reply_due_at end,
call_back = case call_back when 'open' then 'none' when 'called_back' then 'closed' else call_back end,
closed_at = case when call_back = 'called_back' then $2 else closed_at end
"""
"""What is left of a rating when nobody may know any more who gave it; `$2` is now."""

FORGET_OLD = f"""
update miniapps.rating set {FORGETTING}
 where id in (select id from miniapps.rating where rated_at < $1 and rater_id is not null order by id limit 1000)
"""  # noqa: S608 - constants


async def forget_old(connection: Connection, before: datetime, now: datetime) -> None:
    """Of ratings that old the level and its item stay."""
    await connection.execute(FORGET_OLD, before, now)


MARK_SILENT_CLOSED = """
with silent as (
  select id from miniapps.rating where call_back = 'called_back' and called_back_at <= $2
   order by called_back_at limit $3 for update skip locked
)
update miniapps.rating r set call_back = 'closed', closed_at = $1 from silent where r.id = silent.id
"""


async def mark_silent_closed(connection: Connection, now: datetime, before: datetime, limit: int) -> None:
    """Call-backs of which the citizen said nothing for long are over, settled or not."""
    await connection.execute(MARK_SILENT_CLOSED, now, before, limit)


MARK_OVERDUE_TOLD = """
with late as (
  select id from miniapps.rating
   where reply_due_at <= $1 and replied_at is null and overdue_told_at is null
   order by reply_due_at limit $2 for update skip locked
)
update miniapps.rating r set overdue_told_at = $1 from late where r.id = late.id
returning r.app_id, r.organization_id
"""


async def mark_overdue_told(connection: Connection, now: datetime, limit: int) -> list[tuple[str, UUID]]:
    """Whose replies are late and nobody was told; from now on somebody was. No two workers get the same."""
    rows = await connection.fetch(MARK_OVERDUE_TOLD, now, limit)
    return [(row["app_id"], row["organization_id"]) for row in rows]


COUNT_BAD = """
select count(*) as count, count(*) filter (where level <= 2) as bad
  from (select distinct on (coalesce(rater_id, id)) level from miniapps.rating
         where release_id = $1 and rated_at > $2 order by coalesce(rater_id, id), id desc) as last_words
"""


async def count_bad(connection: Connection, release_id: UUID, since: datetime) -> tuple[int, int]:
    """How many citizens rated a release since then, and how many of them badly at last.

    One citizen is one voice, however many receipts they have: a release is halted by these.
    """
    row = await connection.fetchrow(COUNT_BAD, release_id, since)
    assert row is not None
    return row["count"], row["bad"]


# Whole tens in the order of arrival: see `statistics`.
COUNT_LEVELS = f"""
select level, count(*) as count
  from (select level from miniapps.rating where app_id = $1 and year = $2 order by id
         limit (select count(*) - count(*) % {SMALLEST} from miniapps.rating where app_id = $1 and year = $2)) as told
 group by level
"""  # noqa: S608 - a constant

COUNT_ITEM_LEVELS = f"""
with given as (
  select item_code, level, row_number() over (partition by item_code order by id) as place,
         count(*) over (partition by item_code) as count
    from miniapps.rating where app_id = $1 and year = $2 and item_code is not null
)
select item_code, level, count(*) as count from given
 where place <= given.count - given.count % {SMALLEST} group by item_code, level
"""  # noqa: S608 - a constant


async def count_levels(connection: Connection, app_id: str, year: int) -> dict[int, int]:
    """How many of the ratings that may be told have each level."""
    return {row["level"]: row["count"] for row in await connection.fetch(COUNT_LEVELS, app_id, year)}


async def count_item_levels(connection: Connection, app_id: str, year: int) -> Mapping[str, dict[int, int]]:
    """The same for each service item by itself."""
    counts: dict[str, dict[int, int]] = {}
    for row in await connection.fetch(COUNT_ITEM_LEVELS, app_id, year):
        counts.setdefault(row["item_code"], {})[row["level"]] = row["count"]
    return counts
