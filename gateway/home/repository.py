"""Rows of `gateway.pin` and `gateway.usage`: which services a subject keeps at hand."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from gateway.home.models import Favourite, Pin

LIST_FAVOURITES = """
select app_id, 'pinned' as why, pinned_at as at from gateway.pin where subject_id = $1
union all
(select app_id, 'used' as why, last_used_at as at
   from gateway.usage u
  where subject_id = $1
    and last_used_at > $2
    and not exists (select from gateway.pin p where p.subject_id = u.subject_id and p.app_id = u.app_id)
  order by last_used_at desc
  limit $3)
order by why, at desc, app_id
"""


async def list_favourites(connection: Connection, subject_id: UUID, *, since: datetime, limit: int) -> list[Favourite]:
    """Pinned services, then those used after `since`; in each group the latest first."""
    rows = await connection.fetch(LIST_FAVOURITES, subject_id, since, limit)
    return [convert(row, Favourite) for row in rows]


INSERT_PIN = """
insert into gateway.pin (subject_id, app_id, pinned_at) values ($1, $2, $3)
on conflict (subject_id, app_id) do update set pinned_at = gateway.pin.pinned_at
returning subject_id, app_id, pinned_at
"""


async def insert_pin(connection: Connection, pin: Pin) -> Pin:
    """Remembers the pin, or gives the one that stands already."""
    row = await connection.fetchrow(INSERT_PIN, pin.subject_id, pin.app_id, pin.pinned_at)
    assert row is not None
    return convert(row, Pin)


COUNT_OTHER_PINS = "select count(*) from gateway.pin where subject_id = $1 and app_id <> $2"


async def count_other_pins(connection: Connection, subject_id: UUID, app_id: str) -> int:
    """How many services besides `app_id` the subject has pinned."""
    return int(await connection.fetchval(COUNT_OTHER_PINS, subject_id, app_id))


DELETE_PIN = "delete from gateway.pin where subject_id = $1 and app_id = $2"


async def delete_pin(connection: Connection, subject_id: UUID, app_id: str) -> None:
    """Forgets the pin; nothing happens when there is none."""
    await connection.execute(DELETE_PIN, subject_id, app_id)


UPSERT_USAGE = """
insert into gateway.usage (subject_id, app_id, last_used_at)
select * from unnest($1::uuid[], $2::text[], $3::timestamptz[])
on conflict (subject_id, app_id) do update
   set last_used_at = greatest(gateway.usage.last_used_at, excluded.last_used_at)
"""


async def insert_usages(connection: Connection, usages: Iterable[tuple[UUID, str, datetime]]) -> None:
    """Remembers when subjects used services; each pair at most once in one call."""
    # Always in the same order, so that two workers cannot wait for each other's rows.
    ordered = sorted(usages)
    await connection.execute(UPSERT_USAGE, *([list(column) for column in zip(*ordered, strict=True)] or [[], [], []]))


DELETE_OLD_USAGE = "delete from gateway.usage where last_used_at <= $1"


async def delete_old_usage(connection: Connection, until: datetime) -> None:
    """Forgets what was last used at `until` or before."""
    await connection.execute(DELETE_OLD_USAGE, until)
