"""Rows of scans. Inserting an accepted one is the guard against replays: the database lets in exactly one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from app.kit.database import Connection
from app.kit.structs import convert
from codes.verification.models import GrantKey, GrantStanding, RecordedScan, Retention, StoredAnswer, Verification

LIST_STANDINGS = """
select asked.place, b.person_id, b.device_id, b.guardian_id, b.mandate_id, b.grants, b.revoked_at, s.status,
       exists (select from codes.spent_grant p where p.cti = asked.cti) as spent,
       exists (select from codes.freeze f
                where f.person_id in (b.person_id, b.guardian_id) and f.lifted_at is null) as frozen
  from unnest($1::bigint[], $2::integer[], $3::integer[], $4::bytea[]) with ordinality
       as asked (batch, shard, index, cti, place)
  join codes.grant_batch b on b.number = asked.batch
  left join codes.status_entry s on s.shard = asked.shard and s.index = asked.index
"""


async def list_standings(connection: Connection, asked: Sequence[GrantKey]) -> list[GrantStanding | None]:
    """Whose grants these are and whether they still count, each in its place, in one round trip; None for no grant."""
    rows = await connection.fetch(
        LIST_STANDINGS,
        [key.batch for key in asked],
        [key.place.shard for key in asked],
        [key.place.index for key in asked],
        [key.cti for key in asked],
    )
    found = {row["place"]: convert(row, GrantStanding) for row in rows}
    return [found.get(place) for place in range(1, len(asked) + 1)]


INSERT_SPENT = """
insert into codes.spent_grant (cti, spent_at, expires_at) values ($1, $2, $3) on conflict do nothing returning true
"""


async def insert_spent(connection: Connection, cti: bytes, now: datetime, expires_at: datetime) -> bool:
    """Whether this call used the grant up; of two at once the second waits for the first one's end."""
    return await connection.fetchval(INSERT_SPENT, cti, now, expires_at) is not None


DELETE_SPENT = "delete from codes.spent_grant where expires_at < $1"


async def delete_spent(connection: Connection, before: datetime) -> None:
    """Forgets grants that were used up and have ended since."""
    await connection.execute(DELETE_SPENT, before)


INTO_VERIFICATION = """
insert into codes.verification
       (id, iat, guard_cti, verified_at, scanner_id, organization_id, scanned_by, request_id, subject_type, subject_id,
        guardian_id, kind, scenario, basis, disclosed, withheld, verdict, reason, answer_sealed, mode, recorded_at,
        said, conflicts, operator_id)
"""
VALUES = "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24"
ONCE = "on conflict (guard_cti, iat) do nothing returning id"

# Whoever comes second waits here until the first has committed or rolled back, on whatever worker that is.
INSERT_VERIFICATION = f"{INTO_VERIFICATION} values ({VALUES}) {ONCE}"

# In a group whoever waits keeps all others waiting, so nobody waits for long.
INSERT_IN_GROUP = f"""
{INTO_VERIFICATION}
select {VALUES} from (select set_config('lock_timeout', '250ms', true)) as patience
{ONCE}
"""  # noqa: S608 - constants of this module


async def insert_verification(connection: Connection, row: Verification) -> bool:
    """Whether the row stands now; False when its presentation was accepted before."""
    return await connection.fetchval(INSERT_VERIFICATION, *_values(row)) is not None


async def insert_verifications(connection: Connection, rows: Sequence[Verification]) -> set[UUID]:
    """The ids of those rows that stand now, in one round trip and one commit; none stands when the database refuses.

    Outside any transaction. Goes by what the rows lock, so that two groups with the same presentations never wait for
    each other; raises `LockNotAvailableError` where somebody else takes long over one of them.
    """
    in_order = sorted(rows, key=lambda row: (row.guard_cti or b"", row.iat))
    return {row["id"] for row in await connection.fetchmany(INSERT_IN_GROUP, map(_values, in_order))}


def _values(row: Verification) -> tuple[Any, ...]:
    return (
        row.id,
        row.iat,
        row.guard_cti,
        row.verified_at,
        row.scanner_id,
        row.organization_id,
        msgspec.to_builtins(row.scanned_by),
        row.request_id,
        row.subject_type,
        row.subject_id,
        row.guardian_id,
        row.kind,
        row.scenario,
        row.basis,
        row.disclosed,
        row.withheld,
        row.verdict,
        row.reason,
        row.answer_sealed,
        row.mode,
        row.recorded_at,
        row.said,
        row.conflicts,
        row.operator_id,
    )


FIND_ANSWER = """
select id, scanner_id, request_id, answer_sealed from codes.verification where guard_cti = $1 and iat = $2
"""


async def find_answer(connection: Connection, cti: bytes, iat: datetime) -> StoredAnswer | None:
    """The first answer to this presentation, if it was accepted."""
    row = await connection.fetchrow(FIND_ANSWER, cti, iat)
    return None if row is None else convert(row, StoredAnswer)


# A notice is deferred by rules that stand beside the scans; a scan itself never knows, so an early end is seen at once.
SELECT_RECORDED = """
select v.id, v.iat, v.guard_cti, v.verified_at, v.scanner_id, v.organization_id, v.scanned_by, v.request_id,
       v.subject_type, v.subject_id, v.guardian_id, v.kind, v.scenario, v.basis, v.disclosed, v.withheld, v.verdict,
       v.reason, v.mode, v.recorded_at, v.said, v.conflicts, d.legal_basis as deferred_by, d.ends_at as deferred_until
  from codes.verification v
  left join lateral (select legal_basis, ends_at from codes.deferred_notice
                      where scanner_id = v.scanner_id and scenario = v.scenario and state = 'approved'
                        and decided_at <= v.verified_at and v.verified_at < ends_at
                      order by ends_at desc limit 1) d on true
 where (v.subject_id = $1 and v.subject_type = $2 or v.guardian_id = $1) and v.iat >= $3 and v.iat <= $4
   and (d.ends_at is null or d.ends_at <= $5)
"""

LIST_SCANS = f"""{SELECT_RECORDED} and (v.iat, v.id) < ($4, $6) order by v.iat desc, v.id desc limit $7"""


async def list_scans(
    connection: Connection,
    subject: tuple[str, UUID],
    *,
    since: datetime,
    before: tuple[datetime, UUID],
    now: datetime,
    limit: int,
) -> list[RecordedScan]:
    """Scans of one subject from `since` on and before (time, id), latest first, except those deferred at `now`.

    Only partitions of that time are locked and read.
    """
    subject_type, subject_id = subject
    until, id_before = before
    rows = await connection.fetch(LIST_SCANS, subject_id, subject_type, since, until, now, id_before, limit)
    return [convert(row, RecordedScan) for row in rows]


FIND_SCAN = SELECT_RECORDED + " and v.id = $6"


async def find_scan(
    connection: Connection,
    subject: tuple[str, UUID],
    verification_id: UUID,
    *,
    since: datetime,
    until: datetime,
    now: datetime,
) -> RecordedScan | None:
    """One scan of a subject between two times, unless its notice is deferred at `now`."""
    subject_type, subject_id = subject
    row = await connection.fetchrow(FIND_SCAN, subject_id, subject_type, since, until, now, verification_id)
    return None if row is None else convert(row, RecordedScan)


MARK_ANSWERS_FORGOTTEN = """
update codes.verification set answer_sealed = null where iat between $1 and $2 and answer_sealed is not null
"""


async def mark_answers_forgotten(connection: Connection, since: datetime, before: datetime) -> None:
    """Drops what was disclosed from rows whose retries are over; that it was disclosed stays."""
    await connection.execute(MARK_ANSWERS_FORGOTTEN, since, before)


TRY_RETENTION_LOCK = "select pg_try_advisory_xact_lock(hashtext('codes.verification.retention'))"


async def try_retention_lock(connection: Connection) -> bool:
    """Whether this transaction is the one that makes scans forget their holders."""
    taken: bool = await connection.fetchval(TRY_RETENTION_LOCK)
    return taken


LIST_RETENTION = "select scenario, days, forgotten_until from codes.scan_retention order by scenario"


async def list_retention(connection: Connection) -> list[Retention]:
    """How far each scenario has come."""
    return [convert(row, Retention) for row in await connection.fetch(LIST_RETENTION)]


FIND_OLDEST_SCAN = "select min(iat) from codes.verification"


async def find_oldest_scan(connection: Connection) -> datetime | None:
    """Reads the whole table: for the first time that anything is forgotten."""
    oldest: datetime | None = await connection.fetchval(FIND_OLDEST_SCAN)
    return oldest


UPSERT_RETENTION = """
insert into codes.scan_retention (scenario, days, forgotten_until)
select * from unnest($1::int[], $2::int[], $3::timestamptz[])
on conflict (scenario) do update set days = excluded.days where codes.scan_retention.days <> excluded.days
"""


async def upsert_retention(connection: Connection, rows: Sequence[Retention]) -> None:
    """Adds scenarios, and takes over changed days; how far a known scenario has come stays."""
    await connection.execute(
        UPSERT_RETENTION,
        [row.scenario for row in rows],
        [row.days for row in rows],
        [row.forgotten_until for row in rows],
    )


FORGET_HOLDERS = """
update codes.verification
   set subject_type = null, subject_id = null, guardian_id = null, guard_cti = null, request_id = null,
       operator_id = null, answer_sealed = null
 where iat >= $2 and iat < $3 and scenario = any($1)
   and (subject_id is not null or guardian_id is not null or guard_cti is not null or request_id is not null
        or operator_id is not null or answer_sealed is not null)
"""

MARK_FORGOTTEN_UNTIL = "update codes.scan_retention set forgotten_until = $2 where scenario = any($1)"


async def mark_holders_forgotten(
    connection: Connection, scenarios: Sequence[int], since: datetime, until: datetime
) -> int:
    """Takes out of these scenarios' scans of that time whatever leads to a holder; returns how many there were.

    Remembers that it is done.
    """
    done = await connection.execute(FORGET_HOLDERS, list(scenarios), since, until)
    await connection.execute(MARK_FORGOTTEN_UNTIL, list(scenarios), until)
    return int(done.removeprefix("UPDATE "))
