"""How often something was tried: the one place that every way in asks before it listens, and tells when it refused.

A count is money-grade only when it commits: callers return their refusal, they do not raise it.
"""

from datetime import datetime, timedelta
from math import ceil

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.structs import Model, convert
from app.kit.vault import Vault
from auth.settings import DAY_SECONDS, AuthSettings


class Limit(Model):
    """At most `most` tries of one `kind` and key in a window that starts with the first of them."""

    kind: str
    most: int
    window_seconds: int


class Attempts(Model):
    """The running count of one key."""

    attempts: int
    ends_at: datetime


UPSERT_ATTEMPT = """
insert into auth.attempt (kind, key, attempts, ends_at) values ($1, $2, 1, $4)
on conflict (kind, key) do update
   set attempts = case when auth.attempt.ends_at <= $3 then 1 else auth.attempt.attempts + 1 end,
       ends_at  = case when auth.attempt.ends_at <= $3 then $4 else auth.attempt.ends_at end
returning attempts, ends_at
"""


async def spend_attempt(connection: Connection, limit: Limit, key: bytes, now: datetime) -> int | None:
    """Counts one try; None when it is within the limit, else the seconds until the window ends.

    Two tries at once are two tries: the row is locked until the caller's transaction ends.
    """
    ends_at = now + timedelta(seconds=limit.window_seconds)
    row = await connection.fetchrow(UPSERT_ATTEMPT, limit.kind, key, now, ends_at)
    assert row is not None
    counted = convert(row, Attempts)
    return None if counted.attempts <= limit.most else _seconds_until(counted.ends_at, now)


FIND_ATTEMPTS = """
select kind, attempts, ends_at from auth.attempt
 where ((kind = $1 and key = $2) or (kind = $3 and key = $4)) and ends_at > $5
"""


async def find_lockout(
    connection: Connection, first: tuple[Limit, bytes], second: tuple[Limit, bytes], now: datetime
) -> int | None:
    """The seconds for which one of two limits hears no more tries, or None while both do. Counts nothing."""
    rows = await connection.fetch(FIND_ATTEMPTS, first[0].kind, first[1], second[0].kind, second[1], now)
    found = {row["kind"]: convert(row, Attempts) for row in rows}
    for limit, _ in (first, second):
        counted = found.get(limit.kind)
        if counted is not None and counted.attempts >= limit.most:
            return _seconds_until(counted.ends_at, now)
    return None


REFUND_ATTEMPT = "update auth.attempt set attempts = attempts - 1 where kind = $1 and key = $2 and attempts > 0"


async def refund_attempt(connection: Connection, limit: Limit, key: bytes) -> None:
    """Gives one try back, when it was not the caller's fault."""
    await connection.execute(REFUND_ATTEMPT, limit.kind, key)


DELETE_ATTEMPTS = "delete from auth.attempt where kind = $1 and key = $2"


async def delete_attempts(connection: Connection, limit: Limit, key: bytes) -> None:
    """Forgets the count of one key, after a success."""
    await connection.execute(DELETE_ATTEMPTS, limit.kind, key)


DELETE_ENDED_ATTEMPTS = "delete from auth.attempt where ends_at <= $1"


async def delete_ended_attempts(connection: Connection, now: datetime) -> None:
    """Forgets windows that are over."""
    await connection.execute(DELETE_ENDED_ATTEMPTS, now)


class Lockout:
    """Wrong answers over all ways in together: against whom they were aimed, and from where they came.

    Whoever tries codes at the sign-in, then at a step-up, then passwords, spends one and the same count of an address.
    A `target` is the blind index of what is guessed at (a phone), or an account's id.
    """

    def __init__(self, vault: Vault, clock: Clock, settings: AuthSettings) -> None:
        self._vault = vault
        self._clock = clock
        self._target = Limit(kind="wrong", most=settings.otp_wrong_limit, window_seconds=DAY_SECONDS)
        self._address = Limit(
            kind="wrong_address", most=settings.otp_wrong_address_limit, window_seconds=settings.otp_window_seconds
        )

    async def find_wait(self, connection: Connection, address: str, *, target: bytes | None = None) -> int | None:
        """The seconds for which nothing is heard from there, or against that target; None while something is."""
        here = (self._address, self._place(address))
        aimed_at = here if target is None else (self._target, target)
        return await find_lockout(connection, aimed_at, here, self._clock.now())

    async def count_wrong(self, connection: Connection, address: str, *, target: bytes | None = None) -> None:
        """One more wrong answer; the caller returns its refusal, so that this commits."""
        now = self._clock.now()
        if target is not None:
            await spend_attempt(connection, self._target, target, now)
        await spend_attempt(connection, self._address, self._place(address), now)

    def _place(self, address: str) -> bytes:
        return self._vault.blind_index("address", address)


def _seconds_until(end: datetime, now: datetime) -> int:
    return max(1, ceil((end - now).total_seconds()))
