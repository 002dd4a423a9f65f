"""What text messages cost: parts, as vendors bill them, a day of the city's clock. Past its cap nothing more is sent.

Notices stop at a part of the cap, so that nobody's notices keep people from signing in. Nothing here sends.
"""

import secrets
from datetime import date, datetime
from math import ceil
from typing import Final

from app.kit.database import Connection

NOTICES_SHARE: Final = 0.8
SINGLE, CONCATENATED = 70, 67  # characters of UCS-2 (3GPP TS 23.038) in one part, and in each of several

MOST_ROWS: Final = 16
ROOM_OF_A_ROW: Final = 1000
"""Below this much money for each of them a day is counted in fewer rows: what is left in each adds up."""

# Not one statement with `do update`: that locks a row which has no room as well, and two calls that look on through
# the rows from different ones would wait for each other.
SPEND = """
update auth.sms_spending set parts = parts + $2 where day = $1 and part = $4 and parts + $2 <= $3 returning true
"""

BEGIN_ROW = """
insert into auth.sms_spending (day, part, parts) values ($1, $3, $2) on conflict (day, part) do nothing returning true
"""

REFUND = "update auth.sms_spending set parts = parts - $2 where day = $1 and part = $3"

MARK_WARNED = """
insert into auth.sms_spending (day, part, parts, warned_at) values ($1, 0, 0, $2)
on conflict (day, part) do update set warned_at = $2 where auth.sms_spending.warned_at is null
returning true
"""


def parts_of(text: str) -> int:
    """How many parts a vendor bills for this text."""
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= SINGLE else ceil(units / CONCATENATED)


def rows_for(a_day: int) -> int:
    """In how many rows this much money is counted, so that messages do not queue for one."""
    return max(1, min(MOST_ROWS, a_day // ROOM_OF_A_ROW))


async def spend(connection: Connection, day: date, parts: int, *, most: int, a_day: int) -> int | None:
    """From which row these parts are spent now; None when none of the day's rows has room for them.

    `most` may be less than `a_day`, which says in how many rows the day is counted. No row is overspent by simultaneous
    calls. A call looks first at any of them, and at all before it says no: at the end of the money only.
    """
    rows = rows_for(a_day)
    room, first = most // rows, secrets.randbelow(rows)
    if parts > room:
        return None
    for row in range(first, first + rows):
        if await _spend_from(connection, day, parts, room=room, row=row % rows):
            return row % rows
    return None


async def _spend_from(connection: Connection, day: date, parts: int, *, room: int, row: int) -> bool:
    if await connection.fetchval(SPEND, day, parts, room, row):
        return True
    if await connection.fetchval(BEGIN_ROW, day, parts, row):
        return True
    return bool(await connection.fetchval(SPEND, day, parts, room, row))  # somebody began it meanwhile


async def refund(connection: Connection, day: date, parts: int, *, row: int) -> None:
    """Gives back to its row what nobody took."""
    await connection.execute(REFUND, day, parts, row)


async def mark_warned(connection: Connection, day: date, now: datetime) -> bool:
    """Whether nobody was warned of this day before."""
    return bool(await connection.fetchval(MARK_WARNED, day, now))
