"""Turns taken by key: two requests about the same secret value wait for each other, in the caller's transaction."""

from app.kit.database import Connection

LOCK_KEY = "select pg_advisory_xact_lock($1)"


async def lock_key(connection: Connection, key: bytes) -> None:
    """Waits until no other transaction holds `key` (a blind index; its first 8 bytes count)."""
    await connection.execute(LOCK_KEY, int.from_bytes(key[:8], "big", signed=True))
