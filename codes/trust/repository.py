"""Versions of the trust list."""

from datetime import datetime

from app.kit.database import Connection
from app.kit.keyring import PROFILE_ES256
from app.kit.structs import Model, convert


class StoredTrustList(Model):
    """A row: the signed bytes and what decides whether a next version is due."""

    version: int
    issued_at: datetime
    next_update_at: datetime
    content_digest: bytes
    body: bytes


FIND_LATEST = """
select version, issued_at, next_update_at, content_digest, body
  from codes.trust_list order by version desc limit 1
"""


async def find_latest(connection: Connection) -> StoredTrustList | None:
    """The list in force, or None before the first."""
    row = await connection.fetchrow(FIND_LATEST)
    return None if row is None else convert(row, StoredTrustList)


LOCK_VERSIONS = "select pg_advisory_xact_lock(hashtext('codes.trust_list'))"


async def lock_versions(connection: Connection) -> None:
    """One transaction at a time may add a version."""
    await connection.execute(LOCK_VERSIONS)


INSERT_TRUST_LIST = """
insert into codes.trust_list (version, issued_at, next_update_at, content_digest, profile, body)
values ($1, $2, $3, $4, $5, $6)
"""


async def insert_trust_list(connection: Connection, stored: StoredTrustList) -> None:
    """The next version."""
    await connection.execute(
        INSERT_TRUST_LIST,
        stored.version,
        stored.issued_at,
        stored.next_update_at,
        stored.content_digest,
        PROFILE_ES256,
        stored.body,
    )


DELETE_OLD = """
delete from codes.trust_list where issued_at < $1 and version < (select max(version) from codes.trust_list)
"""


async def delete_old(connection: Connection, before: datetime) -> None:
    """Forgets lists that nobody may believe any more; the latest always stays."""
    await connection.execute(DELETE_OLD, before)
