"""Rows of client assertions that were accepted."""

from datetime import datetime

from app.kit.database import Connection

INSERT_ASSERTION = """
insert into auth.client_assertion (assertion_hash, expires_at) values ($1, $2) on conflict do nothing returning true
"""


async def insert_assertion(connection: Connection, assertion_hash: bytes, expires_at: datetime) -> bool:
    """Whether it is new. Of simultaneous calls with the same one exactly one is told so."""
    new: bool | None = await connection.fetchval(INSERT_ASSERTION, assertion_hash, expires_at)
    return bool(new)


DELETE_EXPIRED = "delete from auth.client_assertion where expires_at < $1"


async def delete_expired(connection: Connection, before: datetime) -> None:
    """Forgets assertions that nobody could show any more."""
    await connection.execute(DELETE_EXPIRED, before)
