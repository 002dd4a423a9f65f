"""Counts, stops and the scenario of each device, in rows, so that they are the same on all workers and nodes."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from codes.venues.admissions.models import Standing, Stop

LIST_STANDINGS = """
select asked.scanner_id,
       (select what from codes.scan_stop
         where subject in (asked.scanner_id, asked.organization_id) and what = any($3::text[]) and until > $4
         limit 1) as stopped_by,
       (select scenario from codes.scanner_use where scanner_id = asked.scanner_id) as scenario
  from unnest($1::uuid[], $2::uuid[]) as asked (scanner_id, organization_id)
"""


async def list_standings(
    connection: Connection, organizations: Mapping[UUID, UUID], whats: tuple[str, ...], now: datetime
) -> dict[UUID, Standing]:
    """All that is asked before scans, in one round trip; `organizations` has each scanner with its organization."""
    rows = await connection.fetch(LIST_STANDINGS, list(organizations), list(organizations.values()), whats, now)
    return {row["scanner_id"]: convert(row, Standing) for row in rows}


async def find_standing(
    connection: Connection, scanner_id: UUID, organization_id: UUID, whats: tuple[str, ...], now: datetime
) -> Standing:
    """The same for one scanner."""
    return (await list_standings(connection, {scanner_id: organization_id}, whats, now))[scanner_id]


INSERT_USE = """
insert into codes.scanner_use (scanner_id, scenario) values ($1, $2) on conflict (scanner_id) do nothing
"""

SWITCH_USE = """
update codes.scanner_use set scenario = $2, switched_at = $3
 where scanner_id = $1 and scenario <> $2 and (switched_at is null or switched_at <= $4)
returning true
"""

FIND_USE = "select scenario from codes.scanner_use where scanner_id = $1"


async def insert_use(connection: Connection, scanner_id: UUID, scenario: int) -> None:
    """The scenario of a device that has none yet; which is no switch."""
    await connection.execute(INSERT_USE, scanner_id, scenario)


async def mark_switched(
    connection: Connection, scanner_id: UUID, scenario: int, now: datetime, locked_since: datetime
) -> bool:
    """Whether this call switched the device; not when it works there already, or switched after `locked_since`."""
    return bool(await connection.fetchval(SWITCH_USE, scanner_id, scenario, now, locked_since))


async def find_use(connection: Connection, scanner_id: UUID) -> int | None:
    """The scenario in which a device works, or None."""
    scenario: int | None = await connection.fetchval(FIND_USE, scanner_id)
    return scenario


COUNT = """
insert into codes.scan_count (scanner_id, what, window_at, organization_id, count) values ($1, $2, $3, $4, $5)
on conflict (scanner_id, what, window_at) do update set count = codes.scan_count.count + excluded.count
returning count
"""


async def count(
    connection: Connection, scanner_id: UUID, organization_id: UUID, what: str, window_at: datetime, *, times: int
) -> int:
    """So many more for a device in a window; how many that are."""
    counted: int = await connection.fetchval(COUNT, scanner_id, what, window_at, organization_id, times)
    return counted


SUM = """
select coalesce(sum(count), 0) from codes.scan_count where organization_id = $1 and what = $2 and window_at = $3
"""


async def total(connection: Connection, organization_id: UUID, what: str, window_at: datetime) -> int:
    """How many of all devices of an organization in a window, as far as committed."""
    return int(await connection.fetchval(SUM, organization_id, what, window_at))


INSERT_STOP = """
insert into codes.scan_stop (subject, what, scope, organization_id, counted, since, until)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (subject, what) do update
   set counted = excluded.counted, since = excluded.since, until = excluded.until
 where codes.scan_stop.until <= excluded.since
returning true
"""


async def insert_stop(connection: Connection, stop: Stop) -> bool:
    """Whether this call stopped the subject; False when it was stopped already."""
    stopped = await connection.fetchval(
        INSERT_STOP, stop.subject, stop.what, stop.scope, stop.organization_id, stop.counted, stop.since, stop.until
    )
    return bool(stopped)


FIND_STOP_END = """
select max(until) from codes.scan_stop where subject = any($1::uuid[]) and what = any($2::text[]) and until > $3
"""


async def find_stop_end(
    connection: Connection, scanner_id: UUID, organization_id: UUID, whats: tuple[str, ...], now: datetime
) -> datetime | None:
    """Until when the device, or its organization, has to wait; None when it need not."""
    until: datetime | None = await connection.fetchval(FIND_STOP_END, [scanner_id, organization_id], whats, now)
    return until


LOCK_LOGS = "select pg_advisory_xact_lock(hashtextextended('codes.offline_log:' || $1, 0))"


async def lock_logs(connection: Connection, scanner_id: UUID) -> None:
    """One log of a device at a time, until the end of the caller's transaction."""
    await connection.execute(LOCK_LOGS, str(scanner_id))


LIST_STOPS = """
select subject, what, scope, organization_id, counted, since, until from codes.scan_stop
 where organization_id = $1 and until > $2 order by until desc limit 100
"""


async def list_stops(connection: Connection, organization_id: UUID, now: datetime) -> list[Stop]:
    """The stops of an organization that are in force, latest first; a hundred at most."""
    rows = await connection.fetch(LIST_STOPS, organization_id, now)
    return [convert(row, Stop) for row in rows]


DELETE_COUNTS = "delete from codes.scan_count where window_at < $1"
DELETE_STOPS = "delete from codes.scan_stop where until < $1"


async def delete_old(connection: Connection, before: datetime) -> None:
    """Forgets windows and stops of long ago."""
    await connection.execute(DELETE_COUNTS, before)
    await connection.execute(DELETE_STOPS, before)
