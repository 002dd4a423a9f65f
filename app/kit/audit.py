"""The log of what was done: written with the deed, sealed afterwards, checkpointed outside the database.

`record` adds a row inside the caller's transaction, unchained, because a chain there would make the whole city wait in
one line. One sealer chains the rows of finished transactions: digest(n) = SHA-256(digest(n-1) ‖ row n). Signed
checkpoints of the chain's head go to a file. Personal data never stands in a row: actors and subjects are opaque ids.
"""

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.structs import Model, convert

PROFILE_SHA256 = 1
GENESIS = bytes(32)
SEAL_BATCH = 5000
LONGEST_LINE = 4096  # of a signed checkpoint, several times over


class AuditEntry(Model):
    """One deed: `actor` did `action` to `subject`."""

    id: UUID
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


class Seal(Model):
    """One link of the chain."""

    position: int
    entry_id: UUID
    digest: bytes


class Checkpoint(Model):
    """The head of the chain at one moment, as exported."""

    position: int
    digest: str
    at: datetime


class AuditBroken(Exception):
    """The log is not what was sealed. The text names the first place that differs."""


INSERT_ENTRY = "insert into kit.audit_entry (id, at, actor, action, subject, detail) values ($1, $2, $3, $4, $5, $6)"


async def record(
    connection: Connection, *, clock_now: datetime, actor: str, action: str, subject: str, detail: dict[str, Any]
) -> None:
    """Adds the row to the caller's transaction: it exists if and only if the deed does."""
    await connection.execute(INSERT_ENTRY, new_id(), clock_now, actor, action, subject, detail)


def link_digest(previous: bytes, entry: AuditEntry) -> bytes:
    """SHA-256 over the previous digest and the entry in a fixed JSON form (sorted keys, UTC microseconds)."""
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    body = [str(entry.id), at, entry.actor, entry.action, entry.subject, entry.detail]
    return hashlib.sha256(previous + msgspec.json.encode(body, order="sorted")).digest()


SELECT_HEAD = """
select s.position, s.entry_id, s.digest, e.written_by::text as written_by,
       e.written_by >= pg_snapshot_xmax(pg_current_snapshot()) as from_elsewhere
  from kit.audit_seal s left join kit.audit_entry e on e.id = s.entry_id
 order by s.position desc limit 1
"""

# Every transaction below the snapshot's xmin has ended, so no row can still appear before the ones read here.
SELECT_UNSEALED = """
select id, at, actor, action, subject, detail
  from kit.audit_entry
 where written_by > $1::text::xid8 and written_by < pg_snapshot_xmin(pg_current_snapshot())
 order by written_by, id
"""

INSERT_SEALS = """
insert into kit.audit_seal (position, entry_id, digest, profile)
select * from unnest($1::bigint[], $2::uuid[], $3::bytea[], $4::smallint[])
"""

TRY_LOCK = "select pg_try_advisory_xact_lock(hashtext('kit.audit.sealer'))"


async def seal_finished(connection: Connection) -> int:
    """Chains the entries of all finished transactions, inside the caller's transaction; returns how many.

    Only one sealer works at a time; others return 0 at once.
    """
    if not await connection.fetchval(TRY_LOCK):
        return 0
    head = await connection.fetchrow(SELECT_HEAD)
    _require_sound(head)
    rows = await connection.fetch(SELECT_UNSEALED, head["written_by"] if head else "0")
    position, digest = (head["position"], head["digest"]) if head else (0, GENESIS)
    seals: list[Seal] = []
    for row in rows:
        entry = convert(row, AuditEntry)
        position, digest = position + 1, link_digest(digest, entry)
        seals.append(Seal(position=position, entry_id=entry.id, digest=digest))
    await _insert_seals(connection, seals)
    return len(seals)


def _require_sound(head: Any) -> None:
    if head is None:
        return
    if head["written_by"] is None:
        raise AuditBroken(f"The entry at position {head['position']} is gone.")
    if head["from_elsewhere"]:
        raise AuditBroken("This database was restored from another cluster: run suishen audit adopt.")


async def _insert_seals(connection: Connection, seals: list[Seal]) -> None:
    for start in range(0, len(seals), SEAL_BATCH):
        part = seals[start : start + SEAL_BATCH]
        await connection.execute(
            INSERT_SEALS,
            [seal.position for seal in part],
            [seal.entry_id for seal in part],
            [seal.digest for seal in part],
            [PROFILE_SHA256] * len(part),
        )


async def take_checkpoint(connection: Connection, now: datetime) -> Checkpoint | None:
    """The chain's head, or None while nothing is sealed."""
    head = await connection.fetchrow(SELECT_HEAD)
    if head is None:
        return None
    return Checkpoint(position=head["position"], digest=head["digest"].hex(), at=now)


SELECT_CHAIN = """
select s.position, s.entry_id, s.digest, e.id, e.at, e.actor, e.action, e.subject, e.detail
  from kit.audit_seal s left join kit.audit_entry e on e.id = s.entry_id
 order by s.position
"""

# A row below the head's transaction that carries no seal was slipped in afterwards.
COUNT_SLIPPED_IN = """
select count(*) from kit.audit_entry e
 where not exists (select from kit.audit_seal s where s.entry_id = e.id)
   and e.written_by <= (select e.written_by from kit.audit_seal s join kit.audit_entry e on e.id = s.entry_id
                         order by s.position desc limit 1)
"""


SELECT_DIGEST = "select digest from kit.audit_seal where position = $1"


async def require_unchanged(connection: Connection, checkpoint: Checkpoint) -> None:
    """Raises `AuditBroken` when the chain no longer passes through `checkpoint`; reads one row."""
    digest = await connection.fetchval(SELECT_DIGEST, checkpoint.position)
    if digest is None or digest.hex() != checkpoint.digest:
        raise AuditBroken(f"Position {checkpoint.position} differs from its checkpoint.")


ADOPT = """
update kit.audit_entry e set written_by = case when s.entry_id is null then pg_current_xact_id() else '3'::xid8 end
  from kit.audit_entry o left join kit.audit_seal s on s.entry_id = o.id
 where o.id = e.id
"""


async def adopt(connection: Connection) -> None:
    """Makes the log of a restored database go on: what is sealed counts as long finished, the rest as written now.

    Digests do not cover transaction numbers, so the chain stays what it was. Verify it first.
    """
    await connection.execute(ADOPT)


async def verify_chain(connection: Connection, checkpoints: list[Checkpoint]) -> int:
    """Recomputes the whole chain and holds it against every checkpoint; returns how many links hold.

    Raises `AuditBroken` at the first edit, deletion, reordering, insertion, or truncation before the last checkpoint.
    """
    expected = _digests_by_position(checkpoints)
    position, digest = 0, GENESIS
    async with connection.transaction():
        async for row in connection.cursor(SELECT_CHAIN, prefetch=2000):
            position += 1
            digest = _next_link(row, position, digest)
            if expected.pop(position, digest) != digest:
                raise AuditBroken(f"Position {position} differs from its checkpoint.")
        slipped_in = await connection.fetchval(COUNT_SLIPPED_IN)
    if expected:
        raise AuditBroken(f"The log ends at {position}, before the checkpoint at {max(expected)}.")
    if slipped_in:
        raise AuditBroken(f"{slipped_in} entries stand among sealed ones without a seal.")
    return position


def _digests_by_position(checkpoints: list[Checkpoint]) -> dict[int, bytes]:
    expected: dict[int, bytes] = {}
    for checkpoint in checkpoints:
        digest = bytes.fromhex(checkpoint.digest)
        if expected.setdefault(checkpoint.position, digest) != digest:
            raise AuditBroken(f"Two checkpoints disagree about position {checkpoint.position}.")
    return expected


def _next_link(row: Any, position: int, previous: bytes) -> bytes:
    if row["position"] != position:
        raise AuditBroken(f"Position {position} is missing.")
    if row["id"] is None:
        raise AuditBroken(f"The entry at position {position} is gone.")
    entry = convert({name: row[name] for name in AuditEntry.__struct_fields__}, AuditEntry)
    digest = link_digest(previous, entry)
    if digest != row["digest"]:
        raise AuditBroken(f"The entry at position {position} was changed.")
    return digest


def append_checkpoint(path: Path, signed: str) -> None:
    """Adds one signed checkpoint (a compact JWS) as a line, and makes it durable."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.truncate(_end_of_whole_lines(path))
        file.write(signed.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def last_checkpoint(path: Path) -> str | None:
    """The newest whole line, found from the end of the file; None when there is none."""
    if not path.exists():
        return None
    end = _end_of_whole_lines(path)
    with path.open("rb") as file:
        file.seek(max(0, end - LONGEST_LINE))
        lines = file.read(end - file.tell()).splitlines()
    return lines[-1].decode() if lines else None


def _end_of_whole_lines(path: Path) -> int:
    """Where the last line feed ends: what follows was cut off by a crash and was never acknowledged."""
    if not path.exists():
        return 0
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - LONGEST_LINE))
        start = file.tell()
        return start + file.read().rfind(b"\n") + 1


def read_checkpoints(path: Path) -> Iterator[str]:
    """The signed checkpoints of a file, oldest first; nothing when there is no file yet."""
    if not path.exists():
        return
    with path.open("rb") as file:
        yield from (line.decode().strip() for line in file if line.endswith(b"\n") and line.strip())
