"""Random values that a key has to sign: each good once, for one purpose, for minutes, and where somebody is signed in,
in that session alone. Only hashes are kept, and every worker sees the same ones.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection

Purpose = Literal["sign_in", "enrol", "step_up"]
BYTES: Final = 32

INSERT_CHALLENGE = """
insert into auth.login_challenge (challenge_hash, purpose, session_id, expires_at) values ($1, $2, $3, $4)
"""

DELETE_CHALLENGE = """
delete from auth.login_challenge
 where challenge_hash = $1 and purpose = $2 and session_id is not distinct from $3 and expires_at > $4
returning true
"""

DELETE_EXPIRED_CHALLENGES = "delete from auth.login_challenge where expires_at <= $1"


class Challenges:
    """Makes challenges and uses them up."""

    def __init__(self, clock: Clock, *, seconds: int) -> None:
        self._clock = clock
        self.seconds = seconds

    async def make(self, connection: Connection, purpose: Purpose, session_id: UUID | None = None) -> bytes:
        """A new one; `session_id` is None for `sign_in` only."""
        challenge = secrets.token_bytes(BYTES)
        expires_at = self._clock.now() + timedelta(seconds=self.seconds)
        await connection.execute(INSERT_CHALLENGE, _hash(challenge), purpose, session_id, expires_at)
        return challenge

    async def use(
        self, connection: Connection, challenge: bytes, purpose: Purpose, session_id: UUID | None = None
    ) -> bool:
        """Whether it was ours, for this and not yet used. Of simultaneous calls one is told yes, if it commits."""
        now = self._clock.now()
        return bool(await connection.fetchval(DELETE_CHALLENGE, _hash(challenge), purpose, session_id, now))


async def delete_expired_challenges(connection: Connection, now: datetime) -> None:
    """Forgets those whose time is over."""
    await connection.execute(DELETE_EXPIRED_CHALLENGES, now)


def _hash(challenge: bytes) -> bytes:
    return hashlib.sha256(challenge).digest()
