"""Rows of `gateway.pin`, `hidden`, `usage` and `home_choice`: how a subject keeps the home page."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model, convert
from gateway.home.models import Choice, Favourites, HiddenView, Pin

LIST_FAVOURITES = """
select app_id, 'pinned' as why, position, pinned_at as at from gateway.pin where subject_id = $1
union all
select app_id, 'hidden' as why, 0, hidden_at from gateway.hidden where subject_id = $1
union all
(select app_id, 'used' as why, 0, last_used_at
   from gateway.usage u
  where subject_id = $1
    and last_used_at > $2
    and not exists (select from gateway.pin p where p.subject_id = u.subject_id and p.app_id = u.app_id)
    and not exists (select from gateway.hidden h where h.subject_id = u.subject_id and h.app_id = u.app_id)
  order by last_used_at desc
  limit $3)
order by why, position, at desc, app_id
"""


class FavouriteRow(Model):
    """A service that a subject pinned, hid or used."""

    app_id: str
    why: Literal["pinned", "used", "hidden"]
    position: int
    at: datetime


async def list_favourites(connection: Connection, subject_id: UUID, *, since: datetime, limit: int) -> Favourites:
    """What is pinned, in its order, hidden, and used after `since`: of those `limit` at most, the latest first."""
    rows = [convert(row, FavouriteRow) for row in await connection.fetch(LIST_FAVOURITES, subject_id, since, limit)]
    return Favourites(
        pinned=tuple(row.app_id for row in rows if row.why == "pinned"),
        used=tuple(row.app_id for row in rows if row.why == "used"),
        hidden=frozenset(row.app_id for row in rows if row.why == "hidden"),
    )


LOCK_LAYOUT = "select pg_advisory_xact_lock(hashtextextended('gateway.layout:' || $1::text, 0))"


async def lock_layout(connection: Connection, subject_id: UUID) -> None:
    """Whoever else arranges this subject's page waits until the transaction ends."""
    await connection.execute(LOCK_LAYOUT, str(subject_id))


LIST_PINS = """
select subject_id, app_id, pinned_at, position from gateway.pin
 where subject_id = $1 order by position, pinned_at desc, app_id
"""


async def list_pins(connection: Connection, subject_id: UUID) -> list[Pin]:
    """What the subject pinned, in its order."""
    return [convert(row, Pin) for row in await connection.fetch(LIST_PINS, subject_id)]


LIST_HIDDEN = "select app_id, hidden_at from gateway.hidden where subject_id = $1 order by app_id"


async def list_hidden(connection: Connection, subject_id: UUID) -> list[HiddenView]:
    """What the subject keeps off the page, by id."""
    return [convert(row, HiddenView) for row in await connection.fetch(LIST_HIDDEN, subject_id)]


INSERT_PIN = """
insert into gateway.pin (subject_id, app_id, pinned_at, position) values ($1, $2, $3, $4)
on conflict (subject_id, app_id) do update set pinned_at = gateway.pin.pinned_at
returning subject_id, app_id, pinned_at, position
"""


async def insert_pin(connection: Connection, pin: Pin) -> Pin:
    """Remembers the pin, or gives the one that stands already."""
    row = await connection.fetchrow(INSERT_PIN, pin.subject_id, pin.app_id, pin.pinned_at, pin.position)
    assert row is not None
    return convert(row, Pin)


REPLACE_PINS = """
with gone as (
  delete from gateway.pin where subject_id = $1 and app_id <> all ($2::text[])
)
insert into gateway.pin (subject_id, app_id, pinned_at, position)
select $1, app_id, $3, position from unnest($2::text[]) with ordinality as wanted (app_id, position)
on conflict (subject_id, app_id) do update set position = excluded.position
"""


async def replace_pins(connection: Connection, subject_id: UUID, app_ids: Sequence[str], now: datetime) -> None:
    """Exactly these are pinned, in this order; what was pinned before keeps its time."""
    await connection.execute(REPLACE_PINS, subject_id, list(app_ids), now)


COUNT_OTHER_PINS = "select count(*) from gateway.pin where subject_id = $1 and app_id <> $2"


async def count_other_pins(connection: Connection, subject_id: UUID, app_id: str) -> int:
    """How many services besides `app_id` the subject has pinned."""
    return int(await connection.fetchval(COUNT_OTHER_PINS, subject_id, app_id))


DELETE_PIN = "delete from gateway.pin where subject_id = $1 and app_id = $2"


async def delete_pin(connection: Connection, subject_id: UUID, app_id: str) -> None:
    """Forgets the pin; nothing happens when there is none."""
    await connection.execute(DELETE_PIN, subject_id, app_id)


INSERT_HIDDEN = """
insert into gateway.hidden (subject_id, app_id, hidden_at) values ($1, $2, $3)
on conflict (subject_id, app_id) do update set hidden_at = gateway.hidden.hidden_at
returning app_id, hidden_at
"""


async def insert_hidden(connection: Connection, subject_id: UUID, app_id: str, now: datetime) -> HiddenView:
    """Keeps the service off the page, or tells since when it is."""
    row = await connection.fetchrow(INSERT_HIDDEN, subject_id, app_id, now)
    assert row is not None
    return convert(row, HiddenView)


REPLACE_HIDDEN = """
with gone as (
  delete from gateway.hidden where subject_id = $1 and app_id <> all ($2::text[])
)
insert into gateway.hidden (subject_id, app_id, hidden_at)
select $1, app_id, $3 from unnest($2::text[]) as wanted (app_id)
on conflict (subject_id, app_id) do nothing
"""


async def replace_hidden(connection: Connection, subject_id: UUID, app_ids: Sequence[str], now: datetime) -> None:
    """Exactly these are hidden; what was hidden before keeps its time."""
    await connection.execute(REPLACE_HIDDEN, subject_id, sorted(app_ids), now)


COUNT_OTHER_HIDDEN = "select count(*) from gateway.hidden where subject_id = $1 and app_id <> $2"


async def count_other_hidden(connection: Connection, subject_id: UUID, app_id: str) -> int:
    """How many services besides `app_id` the subject keeps off the page."""
    return int(await connection.fetchval(COUNT_OTHER_HIDDEN, subject_id, app_id))


DELETE_HIDDEN = "delete from gateway.hidden where subject_id = $1 and app_id = $2"


async def delete_hidden(connection: Connection, subject_id: UUID, app_id: str) -> None:
    """Shows the service again; nothing happens when it was not hidden."""
    await connection.execute(DELETE_HIDDEN, subject_id, app_id)


FIND_CHOICE = "select zone, profile from gateway.home_choice where subject_id = $1"


async def find_choice(connection: Connection, subject_id: UUID) -> Choice | None:
    """What the subject chose, None when they never did."""
    row = await connection.fetchrow(FIND_CHOICE, subject_id)
    return convert(row, Choice) if row else None


INSERT_CHOICE = """
insert into gateway.home_choice (subject_id, zone, profile, chosen_at) values ($1, $2, $3, $4)
on conflict (subject_id) do update
   set zone = excluded.zone, profile = excluded.profile, chosen_at = excluded.chosen_at
"""


async def insert_choice(connection: Connection, subject_id: UUID, choice: Choice, now: datetime) -> None:
    """Remembers the choice in place of the one before."""
    await connection.execute(INSERT_CHOICE, subject_id, choice.zone, choice.profile, now)


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
