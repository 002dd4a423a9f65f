"""The rows of officers' codes, and of their arrivals at enterprises."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from codes.enterprise.arrivals.models import InspectionCode
from codes.enterprise.inspections.models import Inspection, Way

COLUMNS = "id, inspection_id, cti, shard, index, carrier, state, issued_at, expires_at, revoked_at"

INSERT_CODE = """
insert into codes.inspection_code
       (id, inspection_id, cti, shard, index, carrier, profile, state, issued_at, issued_by, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, 'active', $8, $9, $10)
on conflict (inspection_id) where state = 'active' do nothing
"""


async def insert_code(connection: Connection, code: InspectionCode, *, profile: int, issued_by: str) -> bool:
    """Whether the code was added; False when another one of the same task counts already."""
    status = await connection.execute(
        INSERT_CODE,
        code.id,
        code.inspection_id,
        code.cti,
        code.shard,
        code.index,
        code.carrier,
        profile,
        code.issued_at,
        issued_by,
        code.expires_at,
    )
    return status == "INSERT 0 1"


FIND_ACTIVE = f"select {COLUMNS} from codes.inspection_code where inspection_id = $1 and state = 'active'"  # noqa: S608 - a constant


async def find_active(connection: Connection, inspection_id: UUID) -> InspectionCode | None:
    """The code of a task that has not been revoked, or None."""
    row = await connection.fetchrow(FIND_ACTIVE, inspection_id)
    return None if row is None else convert(row, InspectionCode)


FIND_BY_CTI = f"select {COLUMNS} from codes.inspection_code where cti = $1"  # noqa: S608 - a constant


async def find_by_cti(connection: Connection, cti: bytes) -> InspectionCode | None:
    """The code that this pointer stands in, in whatever state, or None."""
    row = await connection.fetchrow(FIND_BY_CTI, cti)
    return None if row is None else convert(row, InspectionCode)


MARK_REVOKED = f"""
update codes.inspection_code set state = 'revoked', revoked_at = $2
 where inspection_id = $1 and state = 'active'
returning {COLUMNS}
"""  # noqa: S608 - a constant


async def mark_revoked(connection: Connection, inspection_id: UUID, now: datetime) -> InspectionCode | None:
    """The code that this call ended, or None when none counted."""
    row = await connection.fetchrow(MARK_REVOKED, inspection_id, now)
    return None if row is None else convert(row, InspectionCode)


INSERT_ARRIVAL = """
insert into codes.inspection_arrival (inspection_id, organization_id, way, reason, arrived_at)
values ($1, $2, $3, $4, $5)
on conflict (inspection_id) do update set way = 'scanned', reason = null, arrived_at = excluded.arrived_at
 where inspection_arrival.way = 'shown' and excluded.way = 'scanned'
returning way
"""


async def insert_arrival(
    connection: Connection, inspection: Inspection, way: Way, reason: str | None, now: datetime
) -> bool:
    """Whether this call wrote it; a scan replaces what an officer only stated, and nothing replaces a scan."""
    written = await connection.fetchval(INSERT_ARRIVAL, inspection.id, inspection.organization_id, way, reason, now)
    return written is not None
