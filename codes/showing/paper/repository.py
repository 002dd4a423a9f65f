"""Rows of paper codes."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.keyring import PROFILE_ES256
from app.kit.structs import convert
from codes.showing.paper.models import NewPaperCode, PaperCode

# The lock that granting shares and freezing takes: nobody is frozen, or given a further code, in between.
LOCK_HOLDER = "select pg_advisory_xact_lock(hashtextextended('codes.person ' || $1::uuid, 0))"


async def lock_holder(connection: Connection, person_id: UUID) -> None:
    """Waits until nobody else freezes this person or issues to them, until the caller's transaction ends."""
    await connection.execute(LOCK_HOLDER, person_id)


COUNT_LIVING = """
select count(*) from codes.paper_code where person_id = $1 and voided_at is null and expires_at > $2
"""


async def count_living(connection: Connection, person_id: UUID, now: datetime) -> int:
    """How many codes of this person count now."""
    count: int = await connection.fetchval(COUNT_LIVING, person_id, now)
    return count


INSERT_PAPER_CODE = """
insert into codes.paper_code
       (id, person_id, cti, shard, index, carrier_sealed, profile, issued_at, issued_by, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def insert_paper_code(connection: Connection, code: NewPaperCode) -> None:
    """Adds a code."""
    await connection.execute(
        INSERT_PAPER_CODE,
        code.id,
        code.person_id,
        code.cti,
        code.shard,
        code.index,
        code.carrier_sealed,
        PROFILE_ES256,
        code.issued_at,
        code.issued_by,
        code.expires_at,
    )


SELECT_PAPER_CODE = """
select id, person_id, cti, shard, index, carrier_sealed, issued_at, issued_by, expires_at, voided_at
  from codes.paper_code
"""

FIND_PAPER_CODE = SELECT_PAPER_CODE + " where id = $1 and person_id = $2"


async def find_paper_code(connection: Connection, code_id: UUID, person_id: UUID) -> PaperCode | None:
    """The code, if it is this person's."""
    row = await connection.fetchrow(FIND_PAPER_CODE, code_id, person_id)
    return None if row is None else convert(row, PaperCode)


FIND_ISSUED = SELECT_PAPER_CODE + " where id = $1 and issued_by = $2 and issued_at > $3"


async def find_issued(connection: Connection, code_id: UUID, issued_by: str, since: datetime) -> PaperCode | None:
    """The code, if this official issued it, and not long ago."""
    row = await connection.fetchrow(FIND_ISSUED, code_id, issued_by, since)
    return None if row is None else convert(row, PaperCode)


FIND_BY_CTI = SELECT_PAPER_CODE + " where cti = $1"


async def find_by_cti(connection: Connection, cti: bytes) -> PaperCode | None:
    """The code with this pointer."""
    row = await connection.fetchrow(FIND_BY_CTI, cti)
    return None if row is None else convert(row, PaperCode)


LIST_PAPER_CODES = SELECT_PAPER_CODE + (
    " where person_id = $1 and id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)"
    " order by id desc limit $3"
)


async def list_paper_codes(connection: Connection, person_id: UUID, after: UUID | None, limit: int) -> list[PaperCode]:
    """A page of a person's codes, latest first."""
    return [convert(row, PaperCode) for row in await connection.fetch(LIST_PAPER_CODES, person_id, after, limit)]


LIST_LIVING = SELECT_PAPER_CODE + " where person_id = $1 and voided_at is null and expires_at > $2 order by id"


async def list_living(connection: Connection, person_id: UUID, now: datetime) -> list[PaperCode]:
    """The codes of this person that count now."""
    return [convert(row, PaperCode) for row in await connection.fetch(LIST_LIVING, person_id, now)]


MARK_VOIDED = """
update codes.paper_code set voided_at = $2, voided_by = $3
 where person_id = $1 and voided_at is null and expires_at > $2 and ($4::uuid is null or id = $4)
returning id, person_id, cti, shard, index, carrier_sealed, issued_at, issued_by, expires_at, voided_at
"""


async def mark_voided(
    connection: Connection, person_id: UUID, now: datetime, *, voided_by: str, code_id: UUID | None = None
) -> list[PaperCode]:
    """Ends one living code of a person, or all of them; those that ended now."""
    rows = await connection.fetch(MARK_VOIDED, person_id, now, voided_by, code_id)
    return [convert(row, PaperCode) for row in rows]


DELETE_EXPIRED = "delete from codes.paper_code where expires_at < $1"


async def delete_expired(connection: Connection, before: datetime) -> None:
    """Forgets codes whose time is long over."""
    await connection.execute(DELETE_EXPIRED, before)
