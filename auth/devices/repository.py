"""Rows of devices and of the challenges that prove them."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.devices.models import StoredDevice

INSERT_CHALLENGE = "insert into auth.device_challenge (nonce_hash, session_id, expires_at) values ($1, $2, $3)"


async def insert_challenge(connection: Connection, nonce_hash: bytes, session_id: UUID, expires_at: datetime) -> None:
    """A new nonce."""
    await connection.execute(INSERT_CHALLENGE, nonce_hash, session_id, expires_at)


DELETE_CHALLENGE = """
delete from auth.device_challenge where nonce_hash = $1 and session_id = $2 and expires_at > $3 returning true
"""


async def delete_challenge(connection: Connection, nonce_hash: bytes, session_id: UUID, now: datetime) -> bool:
    """Takes the nonce, once; whether there was one for this session and time."""
    return bool(await connection.fetchval(DELETE_CHALLENGE, nonce_hash, session_id, now))


DELETE_EXPIRED_CHALLENGES = "delete from auth.device_challenge where expires_at <= $1"


async def delete_expired_challenges(connection: Connection, now: datetime) -> None:
    """Forgets nonces that were never used."""
    await connection.execute(DELETE_EXPIRED_CHALLENGES, now)


INSERT_DEVICE = """
insert into auth.device (id, person_id, name_sealed, public_key, thumbprint, enrolled_at, active_from)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (thumbprint) do nothing
returning true
"""


async def insert_device(connection: Connection, device: StoredDevice) -> bool:
    """A new device; False when its key was enrolled before."""
    return bool(
        await connection.fetchval(
            INSERT_DEVICE,
            device.id,
            device.person_id,
            device.name_sealed,
            device.public_key,
            device.thumbprint,
            device.enrolled_at,
            device.active_from,
        )
    )


FIND_DEVICE = """
select id, person_id, name_sealed, public_key, thumbprint, enrolled_at, active_from, revoked_at, revoked_reason
  from auth.device where id = $1
"""


async def find_device(connection: Connection, device_id: UUID) -> StoredDevice | None:
    """The device, in whatever state."""
    row = await connection.fetchrow(FIND_DEVICE, device_id)
    return convert(row, StoredDevice) if row else None


FIND_DEVICE_FOR_SHARE = f"{FIND_DEVICE} for share"


async def find_device_for_share(connection: Connection, device_id: UUID) -> StoredDevice | None:
    """As `find_device`; nobody revokes it before the caller's transaction ends."""
    row = await connection.fetchrow(FIND_DEVICE_FOR_SHARE, device_id)
    return convert(row, StoredDevice) if row else None


LIST_DEVICES = """
select id, person_id, name_sealed, public_key, thumbprint, enrolled_at, active_from, revoked_at, revoked_reason
  from auth.device where person_id = $1 order by id
"""


async def list_devices(connection: Connection, person_id: UUID) -> list[StoredDevice]:
    """Every device a person ever enrolled, oldest first."""
    return [convert(row, StoredDevice) for row in await connection.fetch(LIST_DEVICES, person_id)]


FIND_ACTIVE_ID = """
select id from auth.device
 where thumbprint = $1 and person_id = $2 and revoked_at is null and active_from <= $3
   for share
"""


async def find_active_id(connection: Connection, thumbprint: str, person_id: UUID, now: datetime) -> UUID | None:
    """The person's active device with this key; nobody revokes it before the caller's transaction ends."""
    found: UUID | None = await connection.fetchval(FIND_ACTIVE_ID, thumbprint, person_id, now)
    return found


HAS_GUARD = """
select exists (
  select from auth.device
   where person_id = $1 and active_from <= $2
     and (revoked_at is null or (revoked_reason = 'reported_lost' and revoked_at > $3))
   union all
  select from auth.passkey
   where holder_id = $1 and holder_type = 'person'
     and (revoked_at is null or (revoked_reason = 'reported_lost' and revoked_at > $3)))
"""


async def has_guard(connection: Connection, person_id: UUID, *, now: datetime, lost_after: datetime) -> bool:
    """Whether the person has an active device or a passkey, or had one that was reported lost after then."""
    return bool(await connection.fetchval(HAS_GUARD, person_id, now, lost_after))


MARK_NAMED = """
update auth.device set name_sealed = $3 where id = $1 and person_id = $2
returning id, person_id, name_sealed, public_key, thumbprint, enrolled_at, active_from, revoked_at, revoked_reason
"""


async def mark_named(
    connection: Connection, device_id: UUID, person_id: UUID, name_sealed: bytes
) -> StoredDevice | None:
    """The person's device by its new name; None when it is not theirs."""
    row = await connection.fetchrow(MARK_NAMED, device_id, person_id, name_sealed)
    return convert(row, StoredDevice) if row else None


LIST_LAST_USED = """
select d.id, max(s.rotated_at) as last_used_at
  from auth.device d
  join auth.session s on s.holder_id = d.person_id and (s.device_id = d.id or s.jkt = d.thumbprint)
 where d.person_id = $1 and s.revoked_at is null
 group by d.id
"""


async def list_last_used(connection: Connection, person_id: UUID) -> dict[UUID, datetime]:
    """When each of the person's devices was last heard of, as far as a session lives on it."""
    return {row["id"]: row["last_used_at"] for row in await connection.fetch(LIST_LAST_USED, person_id)}


MARK_ACTIVE = "update auth.device set active_from = least(active_from, $2) where id = $1"


async def mark_active(connection: Connection, device_id: UUID, now: datetime) -> None:
    """It waits no longer."""
    await connection.execute(MARK_ACTIVE, device_id, now)


MARK_REVOKED = """
update auth.device set revoked_at = $3, revoked_reason = $4
 where id = $1 and person_id = $2 and revoked_at is null
returning id, person_id, name_sealed, public_key, thumbprint, enrolled_at, active_from, revoked_at, revoked_reason
"""


async def mark_revoked(
    connection: Connection, device_id: UUID, person_id: UUID, *, now: datetime, reason: str
) -> StoredDevice | None:
    """Ends the person's device for ever; None when it is not theirs or has ended already."""
    row = await connection.fetchrow(MARK_REVOKED, device_id, person_id, now, reason)
    return convert(row, StoredDevice) if row else None


# Locked in one order, so that two endings of one person's devices never wait for each other.
MARK_ALL_REVOKED = """
with ending as (select id from auth.device where person_id = $1 and revoked_at is null order by id for update)
update auth.device d set revoked_at = $2, revoked_reason = $3 from ending where d.id = ending.id
returning d.id, d.person_id, d.name_sealed, d.public_key, d.thumbprint, d.enrolled_at, d.active_from, d.revoked_at,
          d.revoked_reason
"""


async def mark_all_revoked(
    connection: Connection, person_id: UUID, *, now: datetime, reason: str
) -> list[StoredDevice]:
    """Ends every device of a person for ever; those that ended now."""
    rows = await connection.fetch(MARK_ALL_REVOKED, person_id, now, reason)
    return [convert(row, StoredDevice) for row in rows]


MARK_WAITING_REVOKED = """
with ending as (select id from auth.device
                 where person_id = $1 and revoked_at is null and active_from > $2 order by id for update)
update auth.device d set revoked_at = $2, revoked_reason = $3 from ending where d.id = ending.id
returning d.id, d.person_id, d.name_sealed, d.public_key, d.thumbprint, d.enrolled_at, d.active_from, d.revoked_at,
          d.revoked_reason
"""


async def mark_waiting_revoked(
    connection: Connection, person_id: UUID, *, now: datetime, reason: str
) -> list[StoredDevice]:
    """Ends the person's devices whose wait is not over; those that ended now."""
    rows = await connection.fetch(MARK_WAITING_REVOKED, person_id, now, reason)
    return [convert(row, StoredDevice) for row in rows]
