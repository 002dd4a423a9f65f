"""Rows of releases, of their course, and of the watch over them. Callers lock the mini-app before they write."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model, Text, convert
from miniapps.errors import ReleaseUnknown
from miniapps.releases.models import Release
from miniapps.rollouts.models import Step
from miniapps.states import AppState, ReleaseState

COLUMNS = """
id, app_id, version_id, version_code, state, percent, zones, created_by, created_at, stage_at, ended_at, reason,
restores
"""

INSERT_RELEASE = f"""
insert into miniapps.release ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""  # noqa: S608 - a constant


async def insert_release(connection: Connection, release: Release) -> None:
    """A new release."""
    await connection.execute(
        INSERT_RELEASE,
        release.id,
        release.app_id,
        release.version_id,
        release.version_code,
        release.state,
        release.percent,
        release.zones,
        release.created_by,
        release.created_at,
        release.stage_at,
        release.ended_at,
        release.reason,
        release.restores,
    )


GET_RELEASE = f"select {COLUMNS} from miniapps.release where app_id = $1 and id = $2"  # noqa: S608 - a constant


async def get_release(connection: Connection, app_id: str, release_id: UUID) -> Release:
    """The mini-app's release; raises `ReleaseUnknown`."""
    row = await connection.fetchrow(GET_RELEASE, app_id, release_id)
    if row is None:
        raise ReleaseUnknown
    return convert(row, Release)


FIND_PUBLISHED = f"select {COLUMNS} from miniapps.release where app_id = $1 and state = 'published'"  # noqa: S608


async def find_published(connection: Connection, app_id: str) -> Release | None:
    """The release that everybody sees, or None."""
    row = await connection.fetchrow(FIND_PUBLISHED, app_id)
    return convert(row, Release) if row else None


FIND_ON_TRIAL = "select id from miniapps.release where app_id = $1 and state in ('internal', 'gray')"


async def find_on_trial(connection: Connection, app_id: str) -> UUID | None:
    """The release that is on its way, or None."""
    release_id: UUID | None = await connection.fetchval(FIND_ON_TRIAL, app_id)
    return release_id


FIND_EVER_PUBLISHED = """
select exists (select from miniapps.release where app_id = $1 and state in ('published', 'superseded'))
"""


async def find_ever_published(connection: Connection, app_id: str) -> bool:
    """Whether everybody could see the mini-app at some time: one that was rolled back left another in its place."""
    return bool(await connection.fetchval(FIND_EVER_PUBLISHED, app_id))


FIND_BEFORE = f"""
select {COLUMNS} from miniapps.release
 where app_id = $1 and state = 'superseded' and version_code < $2
 order by ended_at desc, id desc limit 1
"""  # noqa: S608 - a constant


async def find_before(connection: Connection, app_id: str, version_code: int) -> Release | None:
    """The release of an older version that everybody saw last; one that was rolled back or halted is none."""
    row = await connection.fetchrow(FIND_BEFORE, app_id, version_code)
    return convert(row, Release) if row else None


LIST_RELEASES = f"""
select {COLUMNS} from miniapps.release where app_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3
"""  # noqa: S608 - a constant


async def list_releases(connection: Connection, app_id: str, after: UUID | None, limit: int) -> list[Release]:
    """The mini-app's releases, newest first."""
    return [convert(row, Release) for row in await connection.fetch(LIST_RELEASES, app_id, after, limit)]


LIST_ALL = """
select r.id, r.app_id, r.version_id, r.version_code, r.state, r.percent, r.zones, r.created_by, r.created_at,
       r.stage_at, r.ended_at, r.reason, r.restores, a.state as app_state
  from miniapps.release r join miniapps.app a on a.app_id = r.app_id
 where ($1::text is null or r.state = $1) and ($2::uuid is null or r.id < $2)
 order by r.id desc limit $3
"""


async def list_all(
    connection: Connection, state: ReleaseState | None, after: UUID | None, limit: int
) -> list[tuple[Release, AppState]]:
    """Releases of every mini-app with its state, newest first; in one state, if one is named."""
    rows = await connection.fetch(LIST_ALL, state, after, limit)
    return [(convert(row, Release), row["app_state"]) for row in rows]


MARK_STAGE = "update miniapps.release set state = $2, percent = $3, zones = $4, stage_at = $5 where id = $1"


async def mark_stage(connection: Connection, release: Release) -> None:
    """The release reaches from now on whom `release` says."""
    await connection.execute(MARK_STAGE, release.id, release.state, release.percent, release.zones, release.stage_at)


MARK_ENDED = "update miniapps.release set state = $2, ended_at = $3, reason = $4 where id = $1"


async def mark_ended(
    connection: Connection, release_id: UUID, state: ReleaseState, now: datetime, reason: Text | None
) -> None:
    """Nobody sees the release from now on."""
    await connection.execute(MARK_ENDED, release_id, state, now, reason)


INSERT_STEP = """
insert into miniapps.release_step (id, release_id, state, percent, zones, actor, reason, taken_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def insert_step(connection: Connection, release_id: UUID, step: Step) -> None:
    """One more step of the release's course."""
    await connection.execute(
        INSERT_STEP, step.id, release_id, step.state, step.percent, step.zones, step.actor, step.reason, step.taken_at
    )


LIST_STEPS = """
select id, state, percent, zones, actor, reason, taken_at from miniapps.release_step where release_id = $1 order by id
"""


async def list_steps(connection: Connection, release_id: UUID) -> list[Step]:
    """The release's course from its beginning."""
    return [convert(row, Step) for row in await connection.fetch(LIST_STEPS, release_id)]


class OnTrial(Model):
    """A release to be watched, and the published one beside it."""

    app_id: str
    release_id: UUID
    organization_id: UUID
    state: ReleaseState
    stage_at: datetime
    published_id: UUID | None
    strikes: int
    looked_at: datetime | None


LIST_ON_TRIAL = """
select r.app_id, r.id as release_id, a.organization_id, r.state, r.stage_at, p.id as published_id,
       coalesce(w.strikes, 0)::int as strikes, w.looked_at
  from miniapps.release r
  join miniapps.app a on a.app_id = r.app_id
  left join miniapps.release p on p.app_id = r.app_id and p.state = 'published'
  left join miniapps.release_watch w on w.release_id = r.id
 where r.state in ('internal', 'gray') and a.state in ('active', 'suspended', 'retiring')
 order by r.app_id
"""


async def list_on_trial(connection: Connection) -> list[OnTrial]:
    """Every release that is on its way, of mini-apps that citizens may still use."""
    return [convert(row, OnTrial) for row in await connection.fetch(LIST_ON_TRIAL)]


UPSERT_WATCH = """
insert into miniapps.release_watch (release_id, strikes, looked_at) values ($1, $2, $3)
on conflict (release_id) do update set strikes = excluded.strikes, looked_at = excluded.looked_at
"""


async def upsert_watch(connection: Connection, release_id: UUID, strikes: int, now: datetime) -> None:
    """How often in a row the release was found bad."""
    await connection.execute(UPSERT_WATCH, release_id, strikes, now)


TRY_WATCH = "select pg_try_advisory_xact_lock(hashtext('miniapps.rollouts.watch'))"


async def try_watch(connection: Connection) -> bool:
    """Whether this transaction is the one that watches; until it ends no other is."""
    return bool(await connection.fetchval(TRY_WATCH))
