"""How often somebody may be wrong: tries are counted in the database, so that workers share one count.

A try is counted before it is looked at and given back when it was right: of many at once none slips past the limit.
Windows are fixed, so around the turn of one up to twice the number can pass.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model

Act: TypeAlias = Literal["online", "document"]
KEPT = timedelta(days=2)


class Allowance(Model):
    """At most `tries` in a window of `seconds`."""

    tries: int
    seconds: int

    def window_of(self, now: datetime) -> datetime:
        """When the window that `now` lies in began."""
        return datetime.fromtimestamp(now.timestamp() // self.seconds * self.seconds, UTC)


# The row stays locked until the caller's transaction ends: whoever guesses does so one guess after the other.
TAKE = """
insert into codes.attempt (who, what, window_start, tried) values ($1, $2, $3, 1)
on conflict (who, what, window_start) do update set tried = codes.attempt.tried + 1 where codes.attempt.tried < $4
returning true
"""


async def take_attempt(connection: Connection, who: UUID, what: Act, allowance: Allowance, now: datetime) -> bool:
    """Counts one try; False when there was none left."""
    return await connection.fetchval(TAKE, who, what, allowance.window_of(now), allowance.tries) is not None


GIVE_BACK = """
update codes.attempt set tried = tried - 1 where who = $1 and what = $2 and window_start = $3 and tried > 0
"""


async def give_attempt_back(connection: Connection, who: UUID, what: Act, allowance: Allowance, now: datetime) -> None:
    """Takes a try back that was right."""
    await connection.execute(GIVE_BACK, who, what, allowance.window_of(now))


DELETE_OLD = "delete from codes.attempt where window_start < $1"


async def forget_old_attempts(connection: Connection, now: datetime) -> None:
    """Forgets windows that are long over; a periodic job."""
    await connection.execute(DELETE_OLD, now - KEPT)
