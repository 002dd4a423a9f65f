"""Rows of uploaded entries, and the books as they stood when a scan took place."""

from datetime import datetime

import msgspec

from app.kit.database import Connection
from app.kit.structs import convert
from codes.records.offline_logs.models import EntryAnswer, Remembered
from codes.trust.repository import StoredTrustList
from codes.verification.ports import Scans

# Whoever uploads the same entry at the same time waits here, and then finds the answer.
INSERT_ENTRY = """
insert into codes.offline_entry (scanner_id, entry_id, body_hash, answer, recorded_at) values ($1, $2, $3, $4, $5)
on conflict (scanner_id, entry_id) do nothing
returning true
"""


async def insert_entry(
    connection: Connection, scanner: Scans, digest: bytes, answer: EntryAnswer, now: datetime
) -> bool:
    """Whether this entry was not there yet."""
    inserted = await connection.fetchval(
        INSERT_ENTRY, scanner.id, answer.entry_id, digest, msgspec.to_builtins(answer), now
    )
    return inserted is not None


GET_ENTRY = "select body_hash, answer from codes.offline_entry where scanner_id = $1 and entry_id = $2"


async def find_entry(connection: Connection, scanner: Scans, entry_id: str) -> Remembered | None:
    """What this scanner was told of this entry before."""
    row = await connection.fetchrow(GET_ENTRY, scanner.id, entry_id)
    return None if row is None else convert(row, Remembered)


MARK_ANSWER = "update codes.offline_entry set answer = $3 where scanner_id = $1 and entry_id = $2"


async def mark_answer(connection: Connection, scanner: Scans, answer: EntryAnswer) -> None:
    """Puts down what the entry is told."""
    await connection.execute(MARK_ANSWER, scanner.id, answer.entry_id, msgspec.to_builtins(answer))


DELETE_ENTRIES = "delete from codes.offline_entry where recorded_at < $1"


async def delete_entries(connection: Connection, before: datetime) -> None:
    """Forgets entries that could not be uploaded again anyway."""
    await connection.execute(DELETE_ENTRIES, before)


LIST_ISSUED = "select version, issued_at from codes.trust_list order by version"


async def list_issued(connection: Connection) -> list[tuple[datetime, int]]:
    """When each of the trust lists that are still kept came into force, oldest first."""
    return [(row["issued_at"], row["version"]) for row in await connection.fetch(LIST_ISSUED)]


FIND_TRUST_LIST = """
select version, issued_at, next_update_at, content_digest, body from codes.trust_list where version = $1
"""


async def find_trust_list(connection: Connection, version: int) -> StoredTrustList | None:
    """The list of that version, unless it was forgotten a moment ago."""
    row = await connection.fetchrow(FIND_TRUST_LIST, version)
    return None if row is None else convert(row, StoredTrustList)


LIST_WITHDRAWN = "select kid from codes.reissue where withdrawn"


async def list_withdrawn(connection: Connection) -> set[bytes]:
    """The keys of grants that were taken back because they were stolen."""
    return {bytes.fromhex(row["kid"]) for row in await connection.fetch(LIST_WITHDRAWN)}
