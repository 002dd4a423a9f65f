"""What text messages cost: parts, as vendors bill them, a day of the city's clock. Past its cap nothing more is sent.

Notices stop at a part of the cap, so that nobody's notices keep people from signing in. Nothing here sends.
"""

from datetime import date, datetime
from math import ceil
from typing import Final

from app.kit.database import Connection

NOTICES_SHARE: Final = 0.8
SINGLE, CONCATENATED = 70, 67  # characters of UCS-2 (3GPP TS 23.038) in one part, and in each of several

SPEND = """
insert into auth.sms_spending (day, parts) values ($1, $2)
on conflict (day) do update set parts = auth.sms_spending.parts + $2 where auth.sms_spending.parts + $2 <= $3
returning true
"""

REFUND = "update auth.sms_spending set parts = parts - $2 where day = $1"

MARK_WARNED = """
insert into auth.sms_spending (day, parts, warned_at) values ($1, 0, $2)
on conflict (day) do update set warned_at = $2 where auth.sms_spending.warned_at is null
returning true
"""


def parts_of(text: str) -> int:
    """How many parts a vendor bills for this text."""
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= SINGLE else ceil(units / CONCATENATED)


async def spend(connection: Connection, day: date, parts: int, *, most: int) -> bool:
    """Whether the day still had room for these parts, which are spent now; of simultaneous calls none overshoots."""
    return parts <= most and bool(await connection.fetchval(SPEND, day, parts, most))


async def refund(connection: Connection, day: date, parts: int) -> None:
    """Gives back what nobody took."""
    await connection.execute(REFUND, day, parts)


async def mark_warned(connection: Connection, day: date, now: datetime) -> bool:
    """Whether nobody was warned of this day before."""
    return bool(await connection.fetchval(MARK_WARNED, day, now))
