"""Batches of grants: one row for a device and day, and for each refill of that day."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from codes.showing.grants.models import BATCHES_PER_DAY, GRANTS_PER_BATCH, GrantBatch, NewBatch

# Whoever freezes a person's codes takes these locks alone: no batch is begun before a freeze and ends after it unseen.
SHARE_PEOPLE = """
select pg_advisory_xact_lock_shared(hashtextextended('codes.person ' || id, 0)) from unnest($1::uuid[]) as id
"""


async def share_people(connection: Connection, people: Sequence[UUID]) -> None:
    """Waits until nobody is freezing these people's codes; nobody begins to before the caller's transaction ends."""
    await connection.execute(SHARE_PEOPLE, people)


# Two calls at once count the same refills: one of them meets the unique index and inserts nothing.
INSERT_BATCH = """
insert into codes.grant_batch
       (device_id, person_id, guardian_id, mandate_id, day, refill, request_jti, grants, profile, issued_at, expires_at)
select $1, $2, $3, $4, $5, count(*), $6, $7, $8, $9, $10
  from codes.grant_batch where device_id = $1 and person_id = $2 and day = $5
having count(*) filter (where issued_at > coalesce((select max(announced_at) from codes.reissue), '-infinity')) < $11
   and not exists (select from codes.freeze where person_id = any($12) and lifted_at is null)
on conflict do nothing
returning number
"""


async def insert_batch(connection: Connection, batch: NewBatch) -> int | None:
    """The number of the new batch; None when somebody is frozen, the day is used up, or the request was used before.

    What was fetched before the city last asked phones to exchange their grants does not count as used up.
    The caller shares the people of the batch, see `share_people`.
    """
    bearer = batch.bearer
    number: int | None = await connection.fetchval(
        INSERT_BATCH,
        batch.device_id,
        bearer.person_id,
        bearer.guardian_id,
        bearer.mandate_id,
        batch.day,
        batch.request_jti,
        GRANTS_PER_BATCH,
        batch.profile,
        batch.issued_at,
        batch.expires_at,
        BATCHES_PER_DAY,
        bearer.people,
    )
    return number


HAS_FREEZE = "select exists (select from codes.freeze where person_id = any($1) and lifted_at is null)"


async def has_freeze(connection: Connection, people: Sequence[UUID]) -> bool:
    """Whether the codes of any of these people are frozen."""
    return bool(await connection.fetchval(HAS_FREEZE, people))


HAS_REQUEST = "select exists (select from codes.grant_batch where device_id = $1 and request_jti = $2)"


async def has_request(connection: Connection, device_id: UUID, jti: str) -> bool:
    """Whether this signed request was used before."""
    return bool(await connection.fetchval(HAS_REQUEST, device_id, jti))


MARK_REVOKED = """
update codes.grant_batch set revoked_at = $2
 where {whose} and expires_at > $2 and revoked_at is null
returning number, device_id, person_id, grants, issued_at, expires_at, revoked_at
"""
MARK_DEVICE_REVOKED = MARK_REVOKED.format(whose="device_id = $1")
MARK_PERSON_REVOKED = MARK_REVOKED.format(whose="(person_id = $1 or guardian_id = $1)")
MARK_MANDATE_REVOKED = MARK_REVOKED.format(whose="mandate_id = $1")


async def mark_device_revoked(connection: Connection, device_id: UUID, now: datetime) -> list[GrantBatch]:
    """Ends every living batch of a device; those that ended now."""
    return [convert(row, GrantBatch) for row in await connection.fetch(MARK_DEVICE_REVOKED, device_id, now)]


async def mark_person_revoked(connection: Connection, person_id: UUID, now: datetime) -> list[GrantBatch]:
    """Ends every living batch that speaks of a person or that they show for a child; those that ended now."""
    return [convert(row, GrantBatch) for row in await connection.fetch(MARK_PERSON_REVOKED, person_id, now)]


async def mark_mandate_revoked(connection: Connection, mandate_id: UUID, now: datetime) -> list[GrantBatch]:
    """Ends every living batch that was given by a mandate; those that ended now."""
    return [convert(row, GrantBatch) for row in await connection.fetch(MARK_MANDATE_REVOKED, mandate_id, now)]


LIST_LIVING = """
select number, device_id, person_id, grants, issued_at, expires_at, revoked_at
  from codes.grant_batch
 where (person_id = $1 or guardian_id = $1) and expires_at > $2 and revoked_at is null
"""
UNFROZEN = """
   and not exists (select from codes.freeze
                    where person_id in (grant_batch.person_id, grant_batch.guardian_id) and lifted_at is null)
"""


async def list_living(connection: Connection, person_id: UUID, now: datetime) -> list[GrantBatch]:
    """The living batches that speak of a person or that they show for a child."""
    return [convert(row, GrantBatch) for row in await connection.fetch(LIST_LIVING, person_id, now)]


async def list_unfrozen(connection: Connection, person_id: UUID, now: datetime) -> list[GrantBatch]:
    """As `list_living`, without those on which another freeze lies: the child's, or the guardian's."""
    return [convert(row, GrantBatch) for row in await connection.fetch(LIST_LIVING + UNFROZEN, person_id, now)]


DELETE_EXPIRED = "delete from codes.grant_batch where expires_at < $1"


async def delete_expired(connection: Connection, before: datetime) -> None:
    """Forgets batches that ended."""
    await connection.execute(DELETE_EXPIRED, before)
