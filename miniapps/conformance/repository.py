"""Rows of conformance reports and of runs that the city owes."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from miniapps.conformance.records import KeptReport, Run

INSERT_REPORT = """
insert into miniapps.conformance_report (id, version_id, app_id, version_code, made_by, environment, outcome, report,
                                         report_hash, made_at, recorded_at, recorded_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (version_id, report_hash) do nothing
returning true
"""


async def insert_report(connection: Connection, kept: KeptReport) -> bool:
    """A new report; False when this very one is kept already."""
    return bool(
        await connection.fetchval(
            INSERT_REPORT,
            kept.id,
            kept.version_id,
            kept.app_id,
            kept.version_code,
            kept.made_by,
            kept.environment,
            kept.outcome,
            kept.report,
            kept.report_hash,
            kept.made_at,
            kept.recorded_at,
            kept.recorded_by,
        )
    )


SELECT_REPORT = """
select id, version_id, app_id, version_code, made_by, environment, outcome, report, report_hash, made_at, recorded_at,
       recorded_by
  from miniapps.conformance_report
"""
GET_REPORT = SELECT_REPORT + " where version_id = $1 and report_hash = $2"


async def get_report(connection: Connection, version_id: UUID, report_hash: bytes) -> KeptReport:
    """The report by its hash, which is known to be kept."""
    row = await connection.fetchrow(GET_REPORT, version_id, report_hash)
    assert row is not None
    return convert(row, KeptReport)


LIST_REPORTS = SELECT_REPORT + " where version_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3"


async def list_reports(connection: Connection, version_id: UUID, after: UUID | None, limit: int) -> list[KeptReport]:
    """Reports on a version, newest first."""
    return [convert(row, KeptReport) for row in await connection.fetch(LIST_REPORTS, version_id, after, limit)]


FIND_CITYS_REPORT = SELECT_REPORT + " where version_id = $1 and made_by = 'city' order by id desc limit 1"


async def find_citys_report(connection: Connection, version_id: UUID) -> KeptReport | None:
    """What the city itself last saw of the version, or None."""
    row = await connection.fetchrow(FIND_CITYS_REPORT, version_id)
    return convert(row, KeptReport) if row else None


INSERT_RUN = """
insert into miniapps.conformance_run (id, version_id, app_id, version_code, environment, night, asked_at, asked_by)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict do nothing
returning true
"""


async def insert_run(connection: Connection, run: Run) -> bool:
    """A run to come; False when one for the same night, or of the same version, waits or was made already."""
    return bool(
        await connection.fetchval(
            INSERT_RUN,
            run.id,
            run.version_id,
            run.app_id,
            run.version_code,
            run.environment,
            run.night,
            run.asked_at,
            run.asked_by,
        )
    )


RUN_COLUMNS = """
id, version_id, app_id, version_code, environment, night, asked_at, asked_by, claimed_at, ended_at, trouble, report_id
"""
FIND_WAITING_RUN = f"""
select {RUN_COLUMNS} from miniapps.conformance_run where version_id = $1 and environment = $2 and ended_at is null
"""  # noqa: S608 - the columns stand above


async def find_waiting_run(connection: Connection, version_id: UUID, environment: str) -> Run | None:
    """The run of a version that has not ended."""
    row = await connection.fetchrow(FIND_WAITING_RUN, version_id, environment)
    return convert(row, Run) if row else None


CLAIM_RUN = f"""
update miniapps.conformance_run set claimed_at = $1
 where id = (select id from miniapps.conformance_run
              where ended_at is null and (claimed_at is null or claimed_at < $2)
              order by asked_at limit 1 for update skip locked)
returning {RUN_COLUMNS}
"""  # noqa: S608 - the columns stand above


async def claim_run(connection: Connection, now: datetime, lost_before: datetime) -> Run | None:
    """A run that is now ours: nobody's yet, or somebody's who has not been heard of since `lost_before`."""
    row = await connection.fetchrow(CLAIM_RUN, now, lost_before)
    return convert(row, Run) if row else None


MARK_RUN_ENDED = """
update miniapps.conformance_run set ended_at = $2, trouble = $3, report_id = $4 where id = $1 and ended_at is null
"""


async def mark_run_ended(
    connection: Connection, run_id: UUID, now: datetime, *, trouble: str | None, report_id: UUID | None
) -> None:
    """The run is over: with a report, or with the reason why there is none."""
    await connection.execute(MARK_RUN_ENDED, run_id, now, trouble, report_id)


DELETE_OLD_RUNS = "delete from miniapps.conformance_run where asked_at < $1 and ended_at is not null"
DELETE_OLD_REPORTS = """
delete from miniapps.conformance_report r
 where environment = 'live' and recorded_at < $1
   and not exists (select from miniapps.conformance_run where report_id = r.id)
"""


async def delete_old(connection: Connection, before: datetime) -> None:
    """Forgets the nights before; what was handed in stays with its version."""
    await connection.execute(DELETE_OLD_RUNS, before)
    await connection.execute(DELETE_OLD_REPORTS, before)
