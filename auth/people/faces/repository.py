"""Rows of face challenges: each is taken once."""

from datetime import datetime

from app.kit.database import Connection
from auth.people.faces.models import OpenChallenge

INSERT_CHALLENGE = """
insert into auth.face_challenge (nonce_hash, purpose, session_id, expires_at) values ($1, $2, $3, $4)
"""


async def insert_challenge(connection: Connection, challenge: OpenChallenge, expires_at: datetime) -> None:
    """A new challenge."""
    await connection.execute(
        INSERT_CHALLENGE, challenge.nonce_hash, challenge.purpose, challenge.session_id, expires_at
    )


DELETE_CHALLENGE = """
delete from auth.face_challenge
 where nonce_hash = $1 and purpose = $2 and session_id is not distinct from $3 and expires_at > $4
returning true
"""


async def delete_challenge(connection: Connection, challenge: OpenChallenge, now: datetime) -> bool:
    """Takes the challenge, once; whether there was one for this purpose, session and time."""
    return bool(
        await connection.fetchval(DELETE_CHALLENGE, challenge.nonce_hash, challenge.purpose, challenge.session_id, now)
    )


DELETE_EXPIRED = "delete from auth.face_challenge where expires_at <= $1"


async def delete_expired(connection: Connection, now: datetime) -> None:
    """Forgets challenges that nobody answered."""
    await connection.execute(DELETE_EXPIRED, now)
