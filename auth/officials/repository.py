"""Rows of staff accounts."""

from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.officials.models import Official

FIND_BY_USERNAME = """
select o.id, o.username, o.password_hash, o.totp_sealed, o.totp_last_step, o.organization_id, o.status, o.created_at,
       coalesce(array_agg(r.role) filter (where r.role is not null), '{}') as roles
  from auth.official o left join auth.official_role r on r.official_id = o.id
 where o.username = $1
 group by o.id
"""


async def find_by_username(connection: Connection, username: str) -> Official | None:
    """The account, in whatever state."""
    row = await connection.fetchrow(FIND_BY_USERNAME, username)
    return convert(row, Official) if row else None


FIND_OFFICIAL = FIND_BY_USERNAME.replace("o.username = $1", "o.id = $1")


async def find_official(connection: Connection, official_id: UUID) -> Official | None:
    """The account, in whatever state."""
    row = await connection.fetchrow(FIND_OFFICIAL, official_id)
    return convert(row, Official) if row else None


FIND_NAME = "select name_sealed from auth.official where id = $1"


async def find_name_sealed(connection: Connection, official_id: UUID) -> bytes | None:
    """The sealed name of an account, in whatever state."""
    sealed: bytes | None = await connection.fetchval(FIND_NAME, official_id)
    return sealed


INSERT_OFFICIAL = """
insert into auth.official (id, username, name_sealed, password_hash, totp_sealed, organization_id, status, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (username) do nothing
returning true
"""

INSERT_ROLES = "insert into auth.official_role (official_id, role) select $1, unnest($2::text[])"


async def insert_official(connection: Connection, official: Official, name_sealed: bytes) -> bool:
    """A new account with its roles; False when the username is taken."""
    inserted = await connection.fetchval(
        INSERT_OFFICIAL,
        official.id,
        official.username,
        name_sealed,
        official.password_hash,
        official.totp_sealed,
        official.organization_id,
        official.status,
        official.created_at,
    )
    if inserted:
        await connection.execute(INSERT_ROLES, official.id, sorted(official.roles))
    return bool(inserted)


MARK_STEP_USED = """
update auth.official set totp_last_step = $2
 where id = $1 and totp_last_step < $2 and status = 'active'
returning true
"""


async def mark_step_used(connection: Connection, official_id: UUID, step: int) -> bool:
    """Uses up a time step of an active account; False when it, or a later one, was used before."""
    return bool(await connection.fetchval(MARK_STEP_USED, official_id, step))


LIST_ROLES = "select role from auth.official_role where official_id = $1"


async def list_roles(connection: Connection, official_id: UUID) -> list[str]:
    """The roles of an account, in whatever state."""
    return [row["role"] for row in await connection.fetch(LIST_ROLES, official_id)]


MARK_DISABLED = "update auth.official set status = 'disabled' where id = $1 and status = 'active' returning true"


async def mark_disabled(connection: Connection, official_id: UUID) -> bool:
    """Closes the account; False when there is no active one."""
    return bool(await connection.fetchval(MARK_DISABLED, official_id))


LIST_OFFICIALS = """
select o.id, o.username, o.password_hash, o.totp_sealed, o.totp_last_step, o.organization_id, o.status, o.created_at,
       coalesce(array_agg(r.role) filter (where r.role is not null), '{}') as roles
  from auth.official o left join auth.official_role r on r.official_id = o.id
 where $1::uuid is null or o.id > $1
 group by o.id
 order by o.id limit $2
"""


async def list_officials(connection: Connection, after: UUID | None, limit: int) -> list[Official]:
    """Accounts in the order of their making."""
    return [convert(row, Official) for row in await connection.fetch(LIST_OFFICIALS, after, limit)]
