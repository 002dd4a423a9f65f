"""Rows of permissions to type documents: one for a scanner."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from codes.venues.documents.models import DocumentEntry

UPSERT_ENTRY = """
insert into codes.document_entry (scanner_id, scenarios, legal_basis, granted_by, granted_at)
values ($1, $2, $3, $4, $5)
on conflict (scanner_id) do update set scenarios = excluded.scenarios, legal_basis = excluded.legal_basis,
   granted_by = excluded.granted_by, granted_at = excluded.granted_at, revoked_at = null
"""


async def insert_entry(connection: Connection, entry: DocumentEntry) -> None:
    """Gives the permission, in place of an earlier one."""
    await connection.execute(
        UPSERT_ENTRY, entry.scanner_id, entry.scenarios, entry.legal_basis, entry.granted_by, entry.granted_at
    )


SELECT_ENTRY = """
select scanner_id, scenarios, legal_basis, granted_by, granted_at, revoked_at from codes.document_entry
 where scanner_id = $1
"""


async def find_entry(connection: Connection, scanner_id: UUID) -> DocumentEntry | None:
    """The permission of a scanner, also one that has ended."""
    row = await connection.fetchrow(SELECT_ENTRY, scanner_id)
    return None if row is None else convert(row, DocumentEntry)


MARK_REVOKED = "update codes.document_entry set revoked_at = $2 where scanner_id = $1 and revoked_at is null"


async def mark_revoked(connection: Connection, scanner_id: UUID, now: datetime) -> bool:
    """Whether this call ended the permission."""
    return await connection.execute(MARK_REVOKED, scanner_id, now) == "UPDATE 1"
