"""Batches of grants: one row for a device and day, and for each refill of that day."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.keyring import PROFILE_ES256
from app.kit.structs import convert
from codes.grants.models import BATCHES_PER_DAY, GRANTS_PER_BATCH, GrantBatch, NewBatch

# Two calls at once count the same refills: one of them meets the unique index and inserts nothing.
INSERT_BATCH = """
insert into codes.grant_batch (device_id, person_id, day, refill, request_jti, grants, profile, issued_at, expires_at)
select $1, $2, $3, count(*), $4, $5, $6, $7, $8
  from codes.grant_batch where device_id = $1 and day = $3
having count(*) < $9
on conflict do nothing
returning number
"""


async def insert_batch(connection: Connection, batch: NewBatch) -> int | None:
    """The number of the new batch; None when the day's batches are used up or the request was used before."""
    number: int | None = await connection.fetchval(
        INSERT_BATCH,
        batch.device_id,
        batch.person_id,
        batch.day,
        batch.request_jti,
        GRANTS_PER_BATCH,
        PROFILE_ES256,
        batch.issued_at,
        batch.expires_at,
        BATCHES_PER_DAY,
    )
    return number


HAS_REQUEST = "select exists (select from codes.grant_batch where device_id = $1 and request_jti = $2)"


async def has_request(connection: Connection, device_id: UUID, jti: str) -> bool:
    """Whether this signed request was used before."""
    return bool(await connection.fetchval(HAS_REQUEST, device_id, jti))


MARK_REVOKED = """
update codes.grant_batch set revoked_at = $2
 where {whose} = $1 and expires_at > $2 and revoked_at is null
returning number, device_id, person_id, grants, issued_at, expires_at, revoked_at
"""
MARK_DEVICE_REVOKED = MARK_REVOKED.format(whose="device_id")
MARK_PERSON_REVOKED = MARK_REVOKED.format(whose="person_id")


async def mark_device_revoked(connection: Connection, device_id: UUID, now: datetime) -> list[GrantBatch]:
    """Ends every living batch of a device; those that ended now."""
    return [convert(row, GrantBatch) for row in await connection.fetch(MARK_DEVICE_REVOKED, device_id, now)]


async def mark_person_revoked(connection: Connection, person_id: UUID, now: datetime) -> list[GrantBatch]:
    """Ends every living batch of a person, on whatever device; those that ended now."""
    return [convert(row, GrantBatch) for row in await connection.fetch(MARK_PERSON_REVOKED, person_id, now)]


DELETE_EXPIRED = "delete from codes.grant_batch where expires_at < $1"


async def delete_expired(connection: Connection, before: datetime) -> None:
    """Forgets batches that ended."""
    await connection.execute(DELETE_EXPIRED, before)
