"""Rows of online codes: one for a client and call, and one for each of its handles."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from codes.showing.online.models import ISSUES_PER_DAY, PROFILE_HMAC_SHA256, KnownHandle, NewOnlineCode

# Two calls at once count the same issues: one of them meets the unique index and inserts nothing.
INSERT_CODE = """
insert into codes.online_code (id, person_id, device_id, day, issue, secret_sealed, profile, issued_at, expires_at)
select $1, $2, $3, $4, count(*), $5, $6, $7, $8 from codes.online_code where person_id = $2 and day = $4
having count(*) < $9
on conflict do nothing
returning true
"""


async def insert_code(connection: Connection, code: NewOnlineCode, day: date) -> bool:
    """Whether the row stands; False when the day's issues are used up, or another one came at the same moment."""
    inserted = await connection.fetchval(
        INSERT_CODE,
        code.id,
        code.person_id,
        code.device_id,
        day,
        code.secret_sealed,
        PROFILE_HMAC_SHA256,
        code.issued_at,
        code.expires_at,
        ISSUES_PER_DAY,
    )
    return inserted is not None


INSERT_HANDLES = """
insert into codes.online_handle (handle, digits, online_code_id)
select handle, digits, $3 from unnest($1::bytea[], $2::text[]) as drawn (handle, digits)
on conflict do nothing
returning handle
"""


async def insert_handles(connection: Connection, code_id: UUID, drawn: Mapping[bytes, str]) -> list[bytes]:
    """Those of the drawn handles that nobody had, in either form; they stand now."""
    rows = await connection.fetch(INSERT_HANDLES, list(drawn), list(drawn.values()), code_id)
    return [row["handle"] for row in rows]


SELECT_HANDLE = """
select h.handle, h.digits, h.online_code_id, c.person_id, c.secret_sealed, c.expires_at, c.revoked_at
  from codes.online_handle h join codes.online_code c on c.id = h.online_code_id
"""
FIND_BY_HANDLE = SELECT_HANDLE + " where h.handle = $1"
FIND_BY_DIGITS = SELECT_HANDLE + " where h.digits = $1"


async def find_by_handle(connection: Connection, handle: bytes) -> KnownHandle | None:
    """What is known of the handle in a token."""
    row = await connection.fetchrow(FIND_BY_HANDLE, handle)
    return None if row is None else convert(row, KnownHandle)


async def find_by_digits(connection: Connection, digits: str) -> KnownHandle | None:
    """What is known of the handle in 20 digits."""
    row = await connection.fetchrow(FIND_BY_DIGITS, digits)
    return None if row is None else convert(row, KnownHandle)


MARK_REVOKED = """
update codes.online_code set revoked_at = $2 where {whose} = $1 and expires_at > $2 and revoked_at is null returning id
"""
MARK_PERSON_REVOKED = MARK_REVOKED.format(whose="person_id")
MARK_DEVICE_REVOKED = MARK_REVOKED.format(whose="device_id")


async def mark_person_revoked(connection: Connection, person_id: UUID, now: datetime) -> int:
    """Ends every living code of a person; how many ended now."""
    return len(await connection.fetch(MARK_PERSON_REVOKED, person_id, now))


async def mark_device_revoked(connection: Connection, device_id: UUID, now: datetime) -> int:
    """Ends every living code of a device; how many ended now."""
    return len(await connection.fetch(MARK_DEVICE_REVOKED, device_id, now))


DELETE_EXPIRED = "delete from codes.online_code where expires_at < $1"


async def delete_expired(connection: Connection, before: datetime) -> None:
    """Forgets codes that ended, with their handles."""
    await connection.execute(DELETE_EXPIRED, before)
