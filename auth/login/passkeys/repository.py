"""Rows of passkeys."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.login.passkeys.models import HolderType, StoredPasskey

COLUMNS: Final = """
id, holder_type, holder_id, credential_id, public_key, sign_count, synced, name_sealed, created_at, last_used_at,
revoked_at, revoked_reason
"""

INSERT_PASSKEY = f"""
insert into auth.passkey ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, null, null, null)
on conflict (credential_id) do nothing
returning true
"""  # noqa: S608 - constants of this module


async def insert_passkey(connection: Connection, passkey: StoredPasskey) -> bool:
    """A new passkey; False when the credential was enrolled before, by whomever."""
    return bool(
        await connection.fetchval(
            INSERT_PASSKEY,
            passkey.id,
            passkey.holder_type,
            passkey.holder_id,
            passkey.credential_id,
            passkey.public_key,
            passkey.sign_count,
            passkey.synced,
            passkey.name_sealed,
            passkey.created_at,
        )
    )


FIND_BY_CREDENTIAL = f"""
select {COLUMNS} from auth.passkey where credential_id = $1 and revoked_at is null for update
"""  # noqa: S608 - constants of this module


async def find_by_credential(connection: Connection, credential_id: bytes) -> StoredPasskey | None:
    """The passkey that has not been removed; nobody uses or removes it before the caller's transaction ends."""
    row = await connection.fetchrow(FIND_BY_CREDENTIAL, credential_id)
    return convert(row, StoredPasskey) if row else None


LIST_PASSKEYS = f"""
select {COLUMNS} from auth.passkey where holder_id = $1 and holder_type = $2 and revoked_at is null order by id
"""  # noqa: S608 - constants of this module


async def list_passkeys(connection: Connection, holder_type: HolderType, holder_id: UUID) -> list[StoredPasskey]:
    """The holder's passkeys that have not been removed, oldest first."""
    return [convert(row, StoredPasskey) for row in await connection.fetch(LIST_PASSKEYS, holder_id, holder_type)]


MARK_USED = "update auth.passkey set sign_count = $2, synced = $3, last_used_at = $4 where id = $1"


async def mark_used(connection: Connection, passkey_id: UUID, *, sign_count: int, synced: bool, now: datetime) -> None:
    """Remembers where its counter stands."""
    await connection.execute(MARK_USED, passkey_id, sign_count, synced, now)


MARK_RENAMED = f"""
update auth.passkey set name_sealed = $4 where id = $1 and holder_id = $2 and holder_type = $3 and revoked_at is null
returning {COLUMNS}
"""  # noqa: S608 - constants of this module


async def mark_renamed(
    connection: Connection, passkey_id: UUID, holder_type: HolderType, holder_id: UUID, name_sealed: bytes
) -> StoredPasskey | None:
    """Gives the holder's passkey another name; None when it is not theirs or was removed."""
    row = await connection.fetchrow(MARK_RENAMED, passkey_id, holder_id, holder_type, name_sealed)
    return convert(row, StoredPasskey) if row else None


MARK_REVOKED = f"""
update auth.passkey set revoked_at = $4, revoked_reason = $5
 where id = $1 and holder_id = $2 and holder_type = $3 and revoked_at is null
returning {COLUMNS}
"""  # noqa: S608 - constants of this module


async def mark_revoked(
    connection: Connection, passkey_id: UUID, holder_type: HolderType, holder_id: UUID, *, now: datetime, reason: str
) -> StoredPasskey | None:
    """Ends the holder's passkey for ever; None when it is not theirs or has ended already."""
    row = await connection.fetchrow(MARK_REVOKED, passkey_id, holder_id, holder_type, now, reason)
    return convert(row, StoredPasskey) if row else None


MARK_ALL_REVOKED = """
update auth.passkey set revoked_at = $3, revoked_reason = $4
 where holder_id = $1 and holder_type = $2 and revoked_at is null
returning true
"""


async def mark_all_revoked(
    connection: Connection, holder_type: HolderType, holder_id: UUID, *, now: datetime, reason: str
) -> int:
    """Ends every passkey of a holder; how many."""
    return len(await connection.fetch(MARK_ALL_REVOKED, holder_id, holder_type, now, reason))
