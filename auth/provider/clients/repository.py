"""Rows of client assertions that were accepted; and turns taken by client."""

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


LOCK_CLIENT_SHARED = "select pg_advisory_xact_lock_shared(hashtextextended('auth.client ' || $1::text, 0))"


async def lock_client_shared(connection: Connection, client_id: str) -> None:
    """Waits for whoever changes the client, beside others that only use it; until the transaction ends."""
    await connection.execute(LOCK_CLIENT_SHARED, client_id)


LOCK_CLIENT = "select pg_advisory_xact_lock(hashtextextended('auth.client ' || $1::text, 0))"


async def lock_client(connection: Connection, client_id: str) -> None:
    """Waits for all who use the client and keeps them waiting, until the transaction ends."""
    await connection.execute(LOCK_CLIENT, client_id)
