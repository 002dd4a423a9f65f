"""Rows of testers."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model, convert
from miniapps.errors import TesterUnknown
from miniapps.testers.models import Tester

COLUMNS = """
id, app_id, label, code_hash, invited_by, invited_at, expires_at, subject_id, accepted_at, ended_at
"""

INSERT_TESTER = """
insert into miniapps.tester (id, app_id, label, code_hash, invited_by, invited_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""


async def insert_tester(connection: Connection, tester: Tester) -> None:
    """A new invitation."""
    await connection.execute(
        INSERT_TESTER,
        tester.id,
        tester.app_id,
        tester.label,
        tester.code_hash,
        tester.invited_by,
        tester.invited_at,
        tester.expires_at,
    )


COUNT_OPEN = """
select count(*) from miniapps.tester
 where app_id = $1 and ended_at is null and (accepted_at is not null or expires_at > $2)
"""


async def count_open(connection: Connection, app_id: str, now: datetime) -> int:
    """How many test the mini-app, or still may accept."""
    count: int = await connection.fetchval(COUNT_OPEN, app_id, now)
    return count


LIST_TESTERS = f"""
select {COLUMNS} from miniapps.tester where app_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3
"""  # noqa: S608 - a constant


async def list_testers(connection: Connection, app_id: str, after: UUID | None, limit: int) -> list[Tester]:
    """The mini-app's testers and invitations, newest first."""
    return [convert(row, Tester) for row in await connection.fetch(LIST_TESTERS, app_id, after, limit)]


LOCK_SUBJECT = "select pg_advisory_xact_lock(hashtextextended('miniapps.tester ' || $1, 0))"


async def lock_subject(connection: Connection, subject_id: UUID) -> None:
    """Until the transaction ends this citizen accepts nothing else: of two codes for one mini-app, one is used."""
    await connection.execute(LOCK_SUBJECT, str(subject_id))


MARK_ACCEPTED = f"""
update miniapps.tester set subject_id = $2, accepted_at = $3
 where code_hash = $1 and accepted_at is null and ended_at is null and expires_at > $3
   and not exists (select from miniapps.tester other
                    where other.app_id = miniapps.tester.app_id and other.subject_id = $2 and other.ended_at is null)
returning {COLUMNS}
"""  # noqa: S608 - a constant


async def mark_accepted(connection: Connection, code_hash: bytes, subject_id: UUID, now: datetime) -> Tester | None:
    """The invitation, accepted by this citizen; None when it is not open, or they test the mini-app already."""
    row = await connection.fetchrow(MARK_ACCEPTED, code_hash, subject_id, now)
    return convert(row, Tester) if row else None


FIND_TESTED_BY_CODE = f"""
select {COLUMNS} from miniapps.tester
 where subject_id = $2 and ended_at is null
   and app_id = (select app_id from miniapps.tester where code_hash = $1)
"""  # noqa: S608 - a constant


async def find_tested_by_code(connection: Connection, code_hash: bytes, subject_id: UUID) -> Tester | None:
    """What the citizen tests already of the mini-app that the code is for."""
    row = await connection.fetchrow(FIND_TESTED_BY_CODE, code_hash, subject_id)
    return convert(row, Tester) if row else None


MARK_REMOVED = f"""
update miniapps.tester set ended_at = coalesce(ended_at, $3), subject_id = null
 where app_id = $1 and id = $2 returning {COLUMNS}
"""  # noqa: S608 - a constant


async def mark_removed(connection: Connection, app_id: str, tester_id: UUID, now: datetime) -> Tester:
    """The department's tester, ended; who it was is forgotten. Raises `TesterUnknown`."""
    row = await connection.fetchrow(MARK_REMOVED, app_id, tester_id, now)
    if row is None:
        raise TesterUnknown
    return convert(row, Tester)


MARK_LEFT = """
update miniapps.tester set ended_at = $3, subject_id = null
 where app_id = $1 and subject_id = $2 and ended_at is null returning id
"""


async def mark_left(connection: Connection, app_id: str, subject_id: UUID, now: datetime) -> UUID | None:
    """The citizen tests the mini-app no more; None when they did not. Who it was is forgotten."""
    tester_id: UUID | None = await connection.fetchval(MARK_LEFT, app_id, subject_id, now)
    return tester_id


class TrialRow(Model):
    """What a citizen tests, with the newest manifest of it that they could see."""

    app_id: str
    organization_name: str
    accepted_at: datetime
    manifest: bytes | None


LIST_TRIALS = """
select t.app_id, a.organization_name, t.accepted_at,
       (select v.manifest from miniapps.release r join miniapps.version v on v.id = r.version_id
         where r.app_id = t.app_id and r.state in ('internal', 'gray', 'published')
         order by r.state = 'published', r.id desc limit 1) as manifest
  from miniapps.tester t join miniapps.app a on a.app_id = t.app_id
 where t.subject_id = $1 and t.ended_at is null
 order by t.app_id
"""


async def list_trials(connection: Connection, subject_id: UUID) -> list[TrialRow]:
    """Everything that the citizen tests."""
    return [convert(row, TrialRow) for row in await connection.fetch(LIST_TRIALS, subject_id)]
