"""Rows of organizations."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.organizations.models import Organization, OrganizationForm, OrganizationStatus

FIND_ORGANIZATION = """
select id, kind, name, credit_code, status, form, created_at, parent_id, confirmed_at
  from auth.organization where id = $1
"""


async def find_organization(connection: Connection, organization_id: UUID) -> Organization | None:
    """The organization, in whatever state."""
    row = await connection.fetchrow(FIND_ORGANIZATION, organization_id)
    return convert(row, Organization) if row else None


FIND_BY_CREDIT_CODE = """
select id, kind, name, credit_code, status, form, created_at, parent_id, confirmed_at
  from auth.organization where credit_code = $1
"""


async def find_by_credit_code(connection: Connection, credit_code: str) -> Organization | None:
    """The organization with this code."""
    row = await connection.fetchrow(FIND_BY_CREDIT_CODE, credit_code)
    return convert(row, Organization) if row else None


FIND_BY_CREDIT_CODE_FOR_UPDATE = f"{FIND_BY_CREDIT_CODE} for update"


async def find_by_credit_code_for_update(connection: Connection, credit_code: str) -> Organization | None:
    """As `find_by_credit_code`; nobody changes it before the caller's transaction ends."""
    row = await connection.fetchrow(FIND_BY_CREDIT_CODE_FOR_UPDATE, credit_code)
    return convert(row, Organization) if row else None


MARK_STATUS = "update auth.organization set status = $2, confirmed_at = $3 where id = $1"


async def mark_status(connection: Connection, organization_id: UUID, status: OrganizationStatus, now: datetime) -> None:
    """Takes over what the registry says of it today."""
    await connection.execute(MARK_STATUS, organization_id, status, now)


INSERT_ORGANIZATION = """
insert into auth.organization (id, kind, name, credit_code, status, form, created_at, parent_id, confirmed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (credit_code) do nothing
returning true
"""


async def insert_organization(connection: Connection, organization: Organization) -> bool:
    """A new organization; False when its code is registered already."""
    return bool(
        await connection.fetchval(
            INSERT_ORGANIZATION,
            organization.id,
            organization.kind,
            organization.name,
            organization.credit_code,
            organization.status,
            organization.form,
            organization.created_at,
            organization.parent_id,
            organization.confirmed_at,
        )
    )


MARK_CONFIRMED = """
update auth.organization set name = $2, status = $3, form = $4, confirmed_at = $5 where id = $1
"""


async def mark_confirmed(
    connection: Connection,
    organization_id: UUID,
    *,
    name: str,
    status: OrganizationStatus,
    form: OrganizationForm,
    now: datetime,
) -> None:
    """Takes over what the registry says of it today."""
    await connection.execute(MARK_CONFIRMED, organization_id, name, status, form, now)


LIST_DEPARTMENTS = """
select id, kind, name, credit_code, status, form, created_at, parent_id, confirmed_at
  from auth.organization where kind = 'department' and ($1::uuid is null or id > $1) order by id limit $2
"""


async def list_departments(connection: Connection, after: UUID | None, limit: int) -> list[Organization]:
    """Departments in the order of their registration."""
    return [convert(row, Organization) for row in await connection.fetch(LIST_DEPARTMENTS, after, limit)]
