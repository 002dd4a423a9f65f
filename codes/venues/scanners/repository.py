"""The rows of scanners and their sites."""

from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.database import Connection
from app.kit.structs import convert
from codes.venues.scanners.errors import ScannerUnknown
from codes.venues.scanners.models import EnrolledScanner, Site

SELECT_SCANNER = """
select s.id, s.organization_id, s.site_id, t.name as site_name, t.address as site_address, s.device_name, s.scenarios,
       s.public_key, s.state, s.enrolled_at, s.revoked_at, s.terms, d.operator_id, d.until as operator_until
  from codes.scanner s
  join codes.scanner_site t on t.id = s.site_id
  left join codes.operator_duty d on d.scanner_id = s.id
"""

FIND_SCANNER = SELECT_SCANNER + " where s.id = $1"


async def find_scanner(connection: Connection, scanner_id: UUID) -> EnrolledScanner | None:
    """The scanner in whatever state, or None."""
    row = await connection.fetchrow(FIND_SCANNER, scanner_id)
    return None if row is None else convert(row, EnrolledScanner)


async def get_scanner(connection: Connection, scanner_id: UUID) -> EnrolledScanner:
    """The scanner in whatever state; raises `ScannerUnknown`."""
    found = await find_scanner(connection, scanner_id)
    if found is None:
        raise ScannerUnknown
    return found


LIST_SCANNERS = (
    SELECT_SCANNER
    + " where s.organization_id = $1 and s.id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)"
    " order by s.id limit $3"
)


async def list_scanners(
    connection: Connection, organization_id: UUID, after: UUID | None, limit: int
) -> list[EnrolledScanner]:
    """A page of an organization's scanners, oldest first."""
    rows = await connection.fetch(LIST_SCANNERS, organization_id, after, limit)
    return [convert(row, EnrolledScanner) for row in rows]


UPSERT_SITE = """
insert into codes.scanner_site (id, organization_id, name, address, created_at) values ($1, $2, $3, $4, $5)
on conflict (organization_id, name) do update set address = excluded.address
returning id
"""


async def insert_site(connection: Connection, site_id: UUID, organization_id: UUID, site: Site, now: datetime) -> UUID:
    """The id of the organization's site of this name; its address is the latest one told."""
    found: UUID = await connection.fetchval(UPSERT_SITE, site_id, organization_id, site.name, site.address, now)
    return found


INSERT_SCANNER = """
insert into codes.scanner
       (id, organization_id, site_id, device_name, scenarios, public_key, thumbprint, profile, state, enrolled_at,
        terms)
values ($1, $2, $3, $4, $5, $6, $7, $8, 'active', $9, $10)
on conflict (thumbprint) do nothing
returning id
"""


async def insert_scanner(connection: Connection, scanner: EnrolledScanner, *, thumbprint: str, profile: int) -> bool:
    """Whether the scanner is enrolled now; False when its key was enrolled before."""
    inserted = await connection.fetchval(
        INSERT_SCANNER,
        scanner.id,
        scanner.organization_id,
        scanner.site_id,
        scanner.device_name,
        scanner.scenarios,
        scanner.public_key,
        thumbprint,
        profile,
        scanner.enrolled_at,
        msgspec.to_builtins(scanner.terms),
    )
    return inserted is not None


MARK_REVOKED = "update codes.scanner set state = 'revoked', revoked_at = $2 where id = $1 and state = 'active'"


async def mark_revoked(connection: Connection, scanner_id: UUID, now: datetime) -> bool:
    """Whether this call ended the registration; False when it had ended before, or there is none."""
    return await connection.execute(MARK_REVOKED, scanner_id, now) == "UPDATE 1"
