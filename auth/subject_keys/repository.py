"""Rows of subject keys: one for each human being of whom anything is sealed. A destroyed key leaves its row behind."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model, convert

KEY_OF_PERSON: Final = "(select k.key_sealed from auth.subject_key k where k.subject_id = p.id) as key_sealed"
"""For queries of `auth.person p` that open what they read, so that the key costs no round trip of its own."""


class StoredKey(Model):
    """A row; without `key_sealed` it was destroyed."""

    subject_id: UUID
    key_sealed: bytes | None
    destroyed_at: datetime | None


FIND_KEY = "select subject_id, key_sealed, destroyed_at from auth.subject_key where subject_id = $1"


async def find_key(connection: Connection, subject_id: UUID) -> StoredKey | None:
    """The subject's key, destroyed or not."""
    row = await connection.fetchrow(FIND_KEY, subject_id)
    return convert(row, StoredKey) if row else None


INSERT_KEY = """
insert into auth.subject_key (subject_id, key_sealed, created_at) values ($1, $2, $3) on conflict do nothing
returning true
"""


async def insert_key(connection: Connection, subject_id: UUID, key_sealed: bytes, now: datetime) -> bool:
    """Whether it is the first key; of two at once the other waits and changes nothing."""
    return bool(await connection.fetchval(INSERT_KEY, subject_id, key_sealed, now))


# Also for somebody who never had a key: nothing may be sealed for them afterwards.
MARK_DESTROYED = """
insert into auth.subject_key (subject_id, created_at, destroyed_at) values ($1, $2, $2)
on conflict (subject_id) do update set key_sealed = null, destroyed_at = excluded.destroyed_at
 where subject_key.destroyed_at is null
returning true
"""


async def mark_destroyed(connection: Connection, subject_id: UUID, now: datetime) -> bool:
    """Overwrites the key with nothing, for ever; False when that was done before."""
    return bool(await connection.fetchval(MARK_DESTROYED, subject_id, now))
