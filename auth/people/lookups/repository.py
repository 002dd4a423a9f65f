"""Rows of look-ups and of the laws by which they are made."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.people.lookups.models import Basis, Decision, Lookup

LOOKUP: Final = """
select id, subject_id, requester_type, requester_id, agent_id, organization_id, basis_id, attributes, purpose_sealed,
       state, requested_at, expires_at, decided_at, read_at
  from auth.lookup
"""
INSERT_LOOKUP = """
insert into auth.lookup (id, subject_id, requester_type, requester_id, agent_id, organization_id, basis_id, attributes,
                         purpose_sealed, state, requested_at, expires_at, read_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""


async def insert_lookup(connection: Connection, lookup: Lookup) -> None:
    """A new one."""
    await connection.execute(
        INSERT_LOOKUP,
        lookup.id,
        lookup.subject_id,
        lookup.requester_type,
        lookup.requester_id,
        lookup.agent_id,
        lookup.organization_id,
        lookup.basis_id,
        lookup.attributes,
        lookup.purpose_sealed,
        lookup.state,
        lookup.requested_at,
        lookup.expires_at,
        lookup.read_at,
    )


FIND_LOOKUP_FOR_UPDATE = f"{LOOKUP} where id = $1 for update"


async def find_lookup_for_update(connection: Connection, lookup_id: UUID) -> Lookup | None:
    """The look-up; nobody answers or reads it beside the caller."""
    row = await connection.fetchrow(FIND_LOOKUP_FOR_UPDATE, lookup_id)
    return convert(row, Lookup) if row else None


LIST_OF_SUBJECT = f"""
{LOOKUP}
 where subject_id in (select id from auth.person where id = $1 or merged_into = $1)
   and ($2::uuid is null or id < $2)
 order by id desc limit $3
"""  # noqa: S608 - constants of this module


async def list_of_subject(connection: Connection, person_id: UUID, after: UUID | None, limit: int) -> list[Lookup]:
    """Looks at a person, newest first; those at accounts merged into theirs too."""
    return [convert(row, Lookup) for row in await connection.fetch(LIST_OF_SUBJECT, person_id, after, limit)]


MARK_DECIDED = "update auth.lookup set state = $2, decided_at = $3, expires_at = $4 where id = $1"


async def mark_decided(
    connection: Connection, lookup_id: UUID, decision: Decision, *, now: datetime, expires_at: datetime
) -> None:
    """The word of whoever was asked."""
    await connection.execute(MARK_DECIDED, lookup_id, decision, now, expires_at)


MARK_READ = "update auth.lookup set read_at = coalesce(read_at, $2) where id = $1"


async def mark_read(connection: Connection, lookup_id: UUID, now: datetime) -> None:
    """It was seen; the first time counts."""
    await connection.execute(MARK_READ, lookup_id, now)


DELETE_OLD = """
delete from auth.lookup where requested_at < case when subject_id is null then $1::timestamptz else $2::timestamptz end
"""


async def delete_old(connection: Connection, *, nobodys_before: datetime, before: datetime) -> None:
    """Forgets what is old, and sooner what concerned nobody."""
    await connection.execute(DELETE_OLD, nobodys_before, before)


BASIS: Final = """
select id, organization_id, purpose, legal_basis, attributes, registered_by, registered_at, expires_at, ended_at
  from auth.lookup_basis
"""
INSERT_BASIS = """
insert into auth.lookup_basis
       (id, organization_id, purpose, legal_basis, attributes, registered_by, registered_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def insert_basis(connection: Connection, basis: Basis) -> None:
    """A new one."""
    await connection.execute(
        INSERT_BASIS,
        basis.id,
        basis.organization_id,
        basis.purpose,
        basis.legal_basis,
        basis.attributes,
        basis.registered_by,
        basis.registered_at,
        basis.expires_at,
    )


FIND_BASIS = f"{BASIS} where id = $1"
FIND_BASIS_FOR_SHARE = f"{FIND_BASIS} for share"


async def find_basis(connection: Connection, basis_id: UUID) -> Basis | None:
    """The basis, in whatever state."""
    row = await connection.fetchrow(FIND_BASIS, basis_id)
    return convert(row, Basis) if row else None


async def find_basis_for_share(connection: Connection, basis_id: UUID) -> Basis | None:
    """As `find_basis`; nobody ends it before the caller's transaction does."""
    row = await connection.fetchrow(FIND_BASIS_FOR_SHARE, basis_id)
    return convert(row, Basis) if row else None


LIST_BASES = f"{BASIS} where $1::uuid is null or id > $1 order by id limit $2"


async def list_bases(connection: Connection, after: UUID | None, limit: int) -> list[Basis]:
    """In the order of their registration, ended ones too."""
    return [convert(row, Basis) for row in await connection.fetch(LIST_BASES, after, limit)]


MARK_ENDED = """
update auth.lookup_basis set ended_at = $2, ended_by = $3 where id = $1 and ended_at is null returning true
"""


async def mark_ended(connection: Connection, basis_id: UUID, now: datetime, official_id: UUID) -> bool:
    """Ends it for ever; False when it had ended."""
    return bool(await connection.fetchval(MARK_ENDED, basis_id, now, official_id))
