"""The rows of enterprise codes."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from codes.enterprise.enterprises.models import EnterpriseCode

COLUMNS = "id, organization_id, label, cti, shard, index, carrier, state, issued_at, expires_at, revoked_at"

INSERT_CODE = """
insert into codes.enterprise_code
       (id, organization_id, label, cti, shard, index, carrier, profile, state, issued_at, issued_by, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, 'active', $9, $10, $11)
"""


async def insert_code(connection: Connection, code: EnterpriseCode, *, profile: int, issued_by: str) -> None:
    """Adds a code."""
    await connection.execute(
        INSERT_CODE,
        code.id,
        code.organization_id,
        code.label,
        code.cti,
        code.shard,
        code.index,
        code.carrier,
        profile,
        code.issued_at,
        issued_by,
        code.expires_at,
    )


FIND_CODE_BY_CTI = f"select {COLUMNS} from codes.enterprise_code where cti = $1"  # noqa: S608 - a constant


async def find_code_by_cti(connection: Connection, cti: bytes) -> EnterpriseCode | None:
    """The code that this pointer stands in, in whatever state, or None."""
    row = await connection.fetchrow(FIND_CODE_BY_CTI, cti)
    return None if row is None else convert(row, EnterpriseCode)


FIND_CODE = f"select {COLUMNS} from codes.enterprise_code where id = $1 and organization_id = $2"  # noqa: S608 - a constant


async def find_code(connection: Connection, code_id: UUID, organization_id: UUID) -> EnterpriseCode | None:
    """The organization's own code, or None."""
    row = await connection.fetchrow(FIND_CODE, code_id, organization_id)
    return None if row is None else convert(row, EnterpriseCode)


LIST_CODES = f"""
select {COLUMNS} from codes.enterprise_code
 where organization_id = $1 and ($2::uuid is null or id < $2)
 order by id desc limit $3
"""  # noqa: S608 - a constant


async def list_codes(
    connection: Connection, organization_id: UUID, after: UUID | None, limit: int
) -> list[EnterpriseCode]:
    """A page of an organization's codes, newest first."""
    rows = await connection.fetch(LIST_CODES, organization_id, after, limit)
    return [convert(row, EnterpriseCode) for row in rows]


COUNT_VALID = """
select count(*) from codes.enterprise_code where organization_id = $1 and state = 'active' and expires_at > $2
"""


async def count_valid(connection: Connection, organization_id: UUID, now: datetime) -> int:
    """How many codes of the organization are good now."""
    counted: int = await connection.fetchval(COUNT_VALID, organization_id, now)
    return counted


MARK_REVOKED = "update codes.enterprise_code set state = 'revoked', revoked_at = $2 where id = $1 and state = 'active'"


async def mark_revoked(connection: Connection, code_id: UUID, now: datetime) -> bool:
    """Whether this call ended the code; False when it had ended before."""
    return await connection.execute(MARK_REVOKED, code_id, now) == "UPDATE 1"
