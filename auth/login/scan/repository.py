"""Rows of scan sign-ins. Every step is one conditional update, so that it happens once, over all workers."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.login.scan.models import MOST_TRIES, StoredScan

COLUMNS: Final = """
id, secret_hash, cookie_hash, place, agent, address_index, created_at, expires_at, person_id, session_id, number_mac,
tries, redeemed_at, denied_at
"""
LIVING: Final = f"redeemed_at is null and denied_at is null and tries < {MOST_TRIES}"

INSERT_SCAN = """
insert into auth.scan_login (id, secret_hash, cookie_hash, place, agent, address_index, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def insert_scan(connection: Connection, scan: StoredScan) -> None:
    """A new attempt."""
    await connection.execute(
        INSERT_SCAN,
        scan.id,
        scan.secret_hash,
        scan.cookie_hash,
        scan.place,
        scan.agent,
        scan.address_index,
        scan.created_at,
        scan.expires_at,
    )


FIND_SCAN = f"select {COLUMNS} from auth.scan_login where id = $1 and cookie_hash = $2"  # noqa: S608 - constants


async def find_scan(connection: Connection, scan_id: UUID, cookie_hash: bytes) -> StoredScan | None:
    """The attempt of the browser that keeps the cookie."""
    row = await connection.fetchrow(FIND_SCAN, scan_id, cookie_hash)
    return convert(row, StoredScan) if row else None


MARK_SCANNED = f"""
update auth.scan_login set person_id = $2, session_id = $3
 where secret_hash = $1 and (session_id is null or session_id = $3) and {LIVING} and expires_at > $4
returning {COLUMNS}
"""  # noqa: S608 - constants of this module


async def mark_scanned(
    connection: Connection, secret_hash: bytes, *, person_id: UUID, session_id: UUID, now: datetime
) -> StoredScan | None:
    """Gives the attempt to the first phone that scans it; the same phone may look again, no other."""
    row = await connection.fetchrow(MARK_SCANNED, secret_hash, person_id, session_id, now)
    return convert(row, StoredScan) if row else None


MARK_APPROVED = f"""
update auth.scan_login set number_mac = $3
 where id = $1 and session_id = $2 and number_mac is null and {LIVING} and expires_at > $4
returning {COLUMNS}
"""  # noqa: S608 - constants of this module


async def mark_approved(
    connection: Connection, scan_id: UUID, session_id: UUID, *, number_mac: bytes, now: datetime
) -> StoredScan | None:
    """The phone that scanned says yes, once."""
    row = await connection.fetchrow(MARK_APPROVED, scan_id, session_id, number_mac, now)
    return convert(row, StoredScan) if row else None


MARK_DENIED = f"""
update auth.scan_login set denied_at = $3
 where id = $1 and session_id = $2 and redeemed_at is null and denied_at is null
returning {COLUMNS}
"""  # noqa: S608 - constants of this module


async def mark_denied(connection: Connection, scan_id: UUID, session_id: UUID, now: datetime) -> StoredScan | None:
    """The phone that scanned says no, also after it had said yes, as long as nothing was opened."""
    row = await connection.fetchrow(MARK_DENIED, scan_id, session_id, now)
    return convert(row, StoredScan) if row else None


MARK_TRIED = f"""
update auth.scan_login set tries = tries + 1
 where id = $1 and cookie_hash = $2 and number_mac is not null and {LIVING} and expires_at > $3
returning {COLUMNS}
"""  # noqa: S608 - constants of this module


async def mark_tried(connection: Connection, scan_id: UUID, cookie_hash: bytes, now: datetime) -> StoredScan | None:
    """Counts one try of the browser and locks the attempt for the caller's transaction; None when it hears none."""
    row = await connection.fetchrow(MARK_TRIED, scan_id, cookie_hash, now)
    return convert(row, StoredScan) if row else None


MARK_REDEEMED = "update auth.scan_login set redeemed_at = $2 where id = $1"


async def mark_redeemed(connection: Connection, scan_id: UUID, now: datetime) -> None:
    """Never opens anything again."""
    await connection.execute(MARK_REDEEMED, scan_id, now)


DELETE_EXPIRED = "delete from auth.scan_login where expires_at < $1"


async def delete_expired(connection: Connection, before: datetime) -> None:
    """Forgets attempts that ended before then."""
    await connection.execute(DELETE_EXPIRED, before)
