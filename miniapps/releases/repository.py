"""Rows of versions, reviews and releases. Callers lock the mini-app before they write."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model, Text, convert
from miniapps.errors import VersionUnknown
from miniapps.manifest import Finding
from miniapps.registry.models import Suspension
from miniapps.releases.models import Review, Version
from miniapps.states import AppState, ReleaseState, VersionState

FIND_HIGHEST_CODE = "select max(code) from miniapps.version where app_id = $1"


async def find_highest_code(connection: Connection, app_id: str) -> int | None:
    """The newest version's code, or None before the first."""
    code: int | None = await connection.fetchval(FIND_HIGHEST_CODE, app_id)
    return code


INSERT_VERSION = """
insert into miniapps.version (id, app_id, code, name, state, manifest, manifest_hash, findings, author_id, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def insert_version(connection: Connection, version: Version) -> None:
    """A new version."""
    await connection.execute(
        INSERT_VERSION,
        version.id,
        version.app_id,
        version.code,
        version.name,
        version.state,
        version.manifest,
        version.manifest_hash,
        version.findings,
        version.author_id,
        version.created_at,
    )


GET_VERSION = """
select id, app_id, code, name, state, manifest, manifest_hash, findings, author_id, created_at, submitted_by,
       submitted_at, review_due_at
  from miniapps.version where app_id = $1 and code = $2
"""


async def get_version(connection: Connection, app_id: str, code: int) -> Version:
    """The version; raises `VersionUnknown`."""
    row = await connection.fetchrow(GET_VERSION, app_id, code)
    if row is None:
        raise VersionUnknown
    return convert(row, Version)


LIST_VERSIONS = """
select id, app_id, code, name, state, manifest, manifest_hash, findings, author_id, created_at, submitted_by,
       submitted_at, review_due_at
  from miniapps.version where app_id = $1 and code < $2 order by code desc limit $3
"""


async def list_versions(connection: Connection, app_id: str, below: int, limit: int) -> list[Version]:
    """Versions with codes below `below`, newest first."""
    return [convert(row, Version) for row in await connection.fetch(LIST_VERSIONS, app_id, below, limit)]


MARK_SUBMITTED = """
update miniapps.version set state = 'submitted', submitted_by = $2, submitted_at = $3 where id = $1
"""


async def mark_submitted(connection: Connection, version_id: UUID, submitted_by: UUID, now: datetime) -> None:
    """Hands a draft over to be checked."""
    await connection.execute(MARK_SUBMITTED, version_id, submitted_by, now)


MARK_CHECKED = "update miniapps.version set state = $2, findings = $3, review_due_at = $4 where id = $1"


async def mark_checked(
    connection: Connection,
    version_id: UUID,
    state: VersionState,
    findings: list[Finding],
    review_due_at: datetime | None,
) -> None:
    """Writes down what the automatic checks found."""
    await connection.execute(MARK_CHECKED, version_id, state, findings, review_due_at)


MARK_REVIEWED = "update miniapps.version set state = $2 where id = $1"


async def mark_reviewed(connection: Connection, version_id: UUID, state: VersionState) -> None:
    """Ends the judgement."""
    await connection.execute(MARK_REVIEWED, version_id, state)


INSERT_REVIEW = """
insert into miniapps.review (id, version_id, verdict, reason, manifest_hash, author_id, reviewer_id, reviewed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def insert_review(connection: Connection, review: Review) -> None:
    """A new judgement."""
    await connection.execute(
        INSERT_REVIEW,
        review.id,
        review.version_id,
        review.verdict,
        review.reason,
        review.manifest_hash,
        review.author_id,
        review.reviewer_id,
        review.reviewed_at,
    )


LIST_REVIEWS = """
select id, version_id, verdict, reason, manifest_hash, author_id, reviewer_id, reviewed_at
  from miniapps.review where version_id = $1 order by reviewed_at
"""


async def list_reviews(connection: Connection, version_id: UUID) -> list[Review]:
    """Every judgement of a version, oldest first."""
    return [convert(row, Review) for row in await connection.fetch(LIST_REVIEWS, version_id)]


class PublishedRow(Model):
    """A published mini-app as it comes out of the tables, its manifest still canonical JSON."""

    app_id: str
    organization_id: UUID
    organization_name: str
    state: AppState
    suspension: Suspension | None
    version_code: int
    release_id: UUID
    manifest: bytes
    ends_at: datetime | None
    ending_reason: Text | None
    successor: str | None


class ExposedRow(PublishedRow):
    """The same of a release in any state in which somebody sees it, and who does."""

    exposure: ReleaseState
    percent: int
    zones: tuple[str, ...]
    testers: tuple[UUID, ...]


SELECT_PUBLISHED = """
select a.app_id, a.organization_id, a.organization_name, a.state, a.suspension, r.version_code, r.id as release_id,
       v.manifest, t.ends_at, t.reason as ending_reason, t.successor
  from miniapps.app a
  join miniapps.release r on r.app_id = a.app_id and r.state = 'published'
  join miniapps.version v on v.id = r.version_id
  left join miniapps.retirement t on t.app_id = a.app_id
 where a.state in ('active', 'suspended', 'retiring')
"""

LIST_EXPOSED = """
select a.app_id, a.organization_id, a.organization_name, a.state, a.suspension, r.version_code, r.id as release_id,
       v.manifest, n.ends_at, n.reason as ending_reason, n.successor, r.state as exposure, r.percent, r.zones,
       case r.state when 'published' then '{}'::uuid[]
            else array(select t.subject_id from miniapps.tester t
                        where t.app_id = a.app_id and t.ended_at is null and t.subject_id is not null) end as testers
  from miniapps.app a
  join miniapps.release r on r.app_id = a.app_id and r.state in ('published', 'internal', 'gray')
  join miniapps.version v on v.id = r.version_id
  left join miniapps.retirement n on n.app_id = a.app_id
 where a.state in ('active', 'suspended', 'retiring')
 order by a.app_id, r.id
"""


async def list_exposed(connection: Connection) -> list[ExposedRow]:
    """Every release that somebody sees, of every mini-app, as of one moment."""
    return [convert(row, ExposedRow) for row in await connection.fetch(LIST_EXPOSED)]


LIST_EXPOSED_MANIFESTS_OF = """
select v.manifest
  from miniapps.app a
  join miniapps.release r on r.app_id = a.app_id and r.state in ('published', 'internal', 'gray')
  join miniapps.version v on v.id = r.version_id
 where a.state in ('active', 'suspended', 'retiring') and a.organization_id = $1
 order by r.state <> 'published', a.app_id
"""


async def list_exposed_manifests_of(connection: Connection, organization_id: UUID) -> list[bytes]:
    """The manifests that somebody sees of one organization, the published ones first."""
    return [row["manifest"] for row in await connection.fetch(LIST_EXPOSED_MANIFESTS_OF, organization_id)]


FIND_EDITION = "select number from miniapps.edition"


async def find_edition(connection: Connection) -> int:
    """A number that is another one after every change of what citizens could see."""
    number: int = await connection.fetchval(FIND_EDITION)
    return number


LIST_PUBLISHED = SELECT_PUBLISHED + " and a.app_id > $1 order by a.app_id limit $2"


async def list_published(connection: Connection, after: str, limit: int | None) -> list[PublishedRow]:
    """Published mini-apps with ids after `after`, in their order; all of them without a limit."""
    return [convert(row, PublishedRow) for row in await connection.fetch(LIST_PUBLISHED, after, limit)]


class FoundRow(PublishedRow):
    """A published mini-app with the manifest that is on trial beside it."""

    trial: bytes | None


FIND_PUBLISHED = """
select a.app_id, a.organization_id, a.organization_name, a.state, a.suspension, r.version_code, r.id as release_id,
       v.manifest, n.ends_at, n.reason as ending_reason, n.successor,
       (select w.manifest from miniapps.release t join miniapps.version w on w.id = t.version_id
         where t.app_id = a.app_id and t.state in ('internal', 'gray')) as trial
  from miniapps.app a
  join miniapps.release r on r.app_id = a.app_id and r.state = 'published'
  join miniapps.version v on v.id = r.version_id
  left join miniapps.retirement n on n.app_id = a.app_id
 where a.state in ('active', 'suspended', 'retiring') and a.app_id = $1
"""


async def find_published(connection: Connection, app_id: str) -> FoundRow | None:
    """The published mini-app, or None when citizens see nothing of it."""
    row = await connection.fetchrow(FIND_PUBLISHED, app_id)
    return convert(row, FoundRow) if row else None
