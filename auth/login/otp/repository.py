"""Rows of one-time codes."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.login.otp.models import Challenge, CodePurpose

COLUMNS: Final = "id, purpose, session_id, phone_index, phone_sealed, code_mac, created_at, expires_at, tries"

INSERT_CHALLENGE = f"""
insert into auth.otp_challenge ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, 0)
"""  # noqa: S608 - constants of this module


async def insert_challenge(connection: Connection, challenge: Challenge) -> None:
    """A new challenge."""
    await connection.execute(
        INSERT_CHALLENGE,
        challenge.id,
        challenge.purpose,
        challenge.session_id,
        challenge.phone_index,
        challenge.phone_sealed,
        challenge.code_mac,
        challenge.created_at,
        challenge.expires_at,
    )


MARK_TRIED = f"""
update auth.otp_challenge set tries = tries + 1
 where id = $1 and purpose = $2 and session_id is not distinct from $3
   and tries < $4 and expires_at > $5 and redeemed_at is null
returning {COLUMNS}
"""  # noqa: S608 - constants of this module


async def mark_tried(
    connection: Connection,
    challenge_id: UUID,
    *,
    purpose: CodePurpose,
    session_id: UUID | None,
    most: int,
    now: datetime,
) -> Challenge | None:
    """Counts one try and locks the challenge for the caller's transaction.

    None when it hears no more tries, or was not made for this purpose in this session.
    """
    row = await connection.fetchrow(MARK_TRIED, challenge_id, purpose, session_id, most, now)
    return convert(row, Challenge) if row else None


MARK_REDEEMED = "update auth.otp_challenge set redeemed_at = $2 where id = $1"


async def mark_redeemed(connection: Connection, challenge_id: UUID, now: datetime) -> None:
    """Never opens anything again."""
    await connection.execute(MARK_REDEEMED, challenge_id, now)


DELETE_EXPIRED = "delete from auth.otp_challenge where expires_at < $1"


async def delete_expired(connection: Connection, before: datetime) -> None:
    """Forgets challenges that ended before then."""
    await connection.execute(DELETE_EXPIRED, before)
