"""Asks phones to exchange the grants of a key, each at a random time of its own, so that they do not all come at once.

Phones read the list whenever the app is open and online anyway; showing a code still asks nobody. The list names keys,
never phones: which ones hold grants of a key only they know.
"""

from datetime import datetime, timedelta

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.structs import Model, convert

LISTED_FOR = timedelta(hours=24)  # as long as the longest grant that the key may have signed


class Reissue(Model):
    """Grants of `kid` are exchanged at a random moment of the `spread_seconds` after `announced_at`.

    When `withdrawn`, they are refused already: a phone that holds no other exchanges at once when its holder wants to
    show a code, and at its random moment otherwise.
    """

    kid: str
    announced_at: datetime
    spread_seconds: int
    withdrawn: bool


UPSERT_REISSUE = """
insert into codes.reissue (kid, announced_at, spread_seconds, withdrawn) values ($1, $2, $3, $4)
on conflict (kid) do update set announced_at = excluded.announced_at, spread_seconds = excluded.spread_seconds,
   withdrawn = codes.reissue.withdrawn or excluded.withdrawn
"""

LIST_REISSUES = """
select kid, announced_at, spread_seconds, withdrawn
  from codes.reissue where announced_at > $1 order by announced_at, kid
"""


class Reissues:
    """The keys whose grants are to be exchanged."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def ask(self, connection: Connection, kid: str, *, spread: timedelta, withdrawn: bool) -> None:
        """Asks for the exchange, in the caller's transaction. What was withdrawn stays withdrawn."""
        seconds = int(spread.total_seconds())
        await connection.execute(UPSERT_REISSUE, kid, self._clock.now(), seconds, withdrawn)

    async def list_current(self, connection: Connection) -> list[Reissue]:
        """Every exchange that a living grant may still wait for."""
        rows = await connection.fetch(LIST_REISSUES, self._clock.now() - LISTED_FOR)
        return [convert(row, Reissue) for row in rows]


def exchange_at(reissue: Reissue, chosen: float) -> datetime:
    """When a phone exchanges. `chosen` is its own random number in [0, 1), drawn once for each key and kept."""
    return reissue.announced_at + timedelta(seconds=reissue.spread_seconds * chosen)
