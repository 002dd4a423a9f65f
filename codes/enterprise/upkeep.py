"""Forgets checks, tasks and pushes whose time is over; oldest first, a part at a time, so that nobody waits for it.

Ids are made in the order of time, so the oldest rows are the first of the primary key. What was rated stays rated.
"""

from datetime import datetime, timedelta
from typing import Final

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from codes.enterprise.ratings.models import PUBLISHED_FOR
from codes.scenarios.catalogue import Scenarios

AT_ONCE: Final = 500
PUSHES_STAY: Final = timedelta(days=1095)

TRY_LOCK = "select pg_try_advisory_xact_lock(hashtext('codes.enterprise_upkeep'))"

DELETE_CHECKS = """
delete from codes.enterprise_check
 where checked_at < $1 and id in (select id from codes.enterprise_check order by id limit $2)
"""

# A task goes with everything that hangs on it, once no check rests on it any more.
DELETE_TASKS = """
with old as (
  select id from (select id, ends_at from codes.inspection order by id limit $2) oldest
   where ends_at < $1 and not exists (select from codes.enterprise_check c where c.inspection_id = oldest.id)
),
  codes as (delete from codes.inspection_code where inspection_id in (select id from old)),
  arrivals as (delete from codes.inspection_arrival where inspection_id in (select id from old)),
  rated as (delete from codes.inspection_rated where inspection_id in (select id from old)),
  partners as (delete from codes.inspection_partner where inspection_id in (select id from old))
delete from codes.inspection where id in (select id from old)
"""

DELETE_RECEIPTS = """
delete from codes.push_delivery
 where push_id in (select id from (select id, created_at from codes.push order by id limit $2) oldest
                    where created_at < $1)
"""

DELETE_PUSHES = """
delete from codes.push
 where created_at < $1 and id in (select id from codes.push order by id limit $2)
"""

DELETE_RATINGS = "delete from codes.inspection_rating where released_on <= $1"


class EnterpriseUpkeep:
    """A periodic job; one worker at a time does it. Records stay as long as the longest of their scenarios says."""

    def __init__(self, database: Database, clock: Clock, scenarios: Scenarios) -> None:
        self._database = database
        self._clock = clock
        self._scenarios = scenarios

    async def run(self) -> None:
        """Goes on until a part was not full."""
        while await self._run_part():
            pass

    async def _run_part(self) -> bool:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            if not await connection.fetchval(TRY_LOCK):
                return False
            over = now - timedelta(days=self._longest_days())
            await connection.execute(DELETE_RATINGS, now.date() - PUBLISHED_FOR)
            gone = [
                await _delete(connection, DELETE_CHECKS, over),
                await _delete(connection, DELETE_TASKS, over),
                await _delete_pushes(connection, now - PUSHES_STAY),
            ]
        return AT_ONCE in gone

    def _longest_days(self) -> int:
        return max((scenario.retention_days for scenario in self._scenarios if scenario.sources), default=0)


async def _delete(connection: Connection, statement: str, before: datetime) -> int:
    return int((await connection.execute(statement, before, AT_ONCE)).split()[-1])


async def _delete_pushes(connection: Connection, before: datetime) -> int:
    await connection.execute(DELETE_RECEIPTS, before, AT_ONCE)
    return await _delete(connection, DELETE_PUSHES, before)
