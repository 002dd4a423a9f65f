"""Rows of one-time codes."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.login.otp.models import Challenge

INSERT_CHALLENGE = """
insert into auth.otp_challenge (id, purpose, phone_index, phone_sealed, code_mac, created_at, expires_at)
values ($1, 'sign_in', $2, $3, $4, $5, $6)
"""


async def insert_challenge(connection: Connection, challenge: Challenge) -> None:
    """A new challenge."""
    await connection.execute(
        INSERT_CHALLENGE,
        challenge.id,
        challenge.phone_index,
        challenge.phone_sealed,
        challenge.code_mac,
        challenge.created_at,
        challenge.expires_at,
    )


MARK_TRIED = """
update auth.otp_challenge set tries = tries + 1
 where id = $1 and tries < $2 and expires_at > $3 and redeemed_at is null
returning id, phone_index, phone_sealed, code_mac, created_at, expires_at, tries
"""


async def mark_tried(connection: Connection, challenge_id: UUID, *, most: int, now: datetime) -> Challenge | None:
    """Counts one try and locks the challenge for the caller's transaction; None when it hears no more tries."""
    row = await connection.fetchrow(MARK_TRIED, challenge_id, most, now)
    return convert(row, Challenge) if row else None


MARK_REDEEMED = "update auth.otp_challenge set redeemed_at = $2 where id = $1"


async def mark_redeemed(connection: Connection, challenge_id: UUID, now: datetime) -> None:
    """Never opens anything again."""
    await connection.execute(MARK_REDEEMED, challenge_id, now)


DELETE_EXPIRED = "delete from auth.otp_challenge where expires_at < $1"


async def delete_expired(connection: Connection, before: datetime) -> None:
    """Forgets challenges that ended before then."""
    await connection.execute(DELETE_EXPIRED, before)
