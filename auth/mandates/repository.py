"""Rows of mandates."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.mandates.models import Mandate, MandateKind

INSERT_MANDATE = """
insert into auth.mandate (id, principal_type, principal_id, agent_id, kind, role, proof, starts_at, ends_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


async def insert_mandate(connection: Connection, mandate: Mandate) -> None:
    """A new mandate."""
    await connection.execute(
        INSERT_MANDATE,
        mandate.id,
        mandate.principal_type,
        mandate.principal_id,
        mandate.agent_id,
        mandate.kind,
        mandate.role,
        mandate.proof,
        mandate.starts_at,
        mandate.ends_at,
    )


LIST_OF_AGENT = """
select id, principal_type, principal_id, agent_id, kind, role, proof, starts_at, ends_at, revoked_at, revoked_reason
  from auth.mandate
 where agent_id = $1 and kind = $3 and revoked_at is null and starts_at <= $2 and (ends_at is null or ends_at > $2)
 order by id limit 200
"""


async def list_of_agent(connection: Connection, agent_id: UUID, kind: MandateKind, now: datetime) -> list[Mandate]:
    """The living mandates of a person, of one kind."""
    return [convert(row, Mandate) for row in await connection.fetch(LIST_OF_AGENT, agent_id, now, kind)]


FIND_OF_AGENT_FOR_SHARE = """
select id, principal_type, principal_id, agent_id, kind, role, proof, starts_at, ends_at, revoked_at, revoked_reason
  from auth.mandate
 where agent_id = $1 and principal_id = $2 and kind = $4 and revoked_at is null
   and starts_at <= $3 and (ends_at is null or ends_at > $3)
 order by id limit 1
   for share
"""


async def find_of_agent_for_share(
    connection: Connection, agent_id: UUID, principal_id: UUID, kind: MandateKind, now: datetime
) -> Mandate | None:
    """The living mandate of this person for this principal; it lives until the caller's transaction ends."""
    row = await connection.fetchrow(FIND_OF_AGENT_FOR_SHARE, agent_id, principal_id, now, kind)
    return convert(row, Mandate) if row else None


FIND_RESPONSIBLE = """
select id, principal_type, principal_id, agent_id, kind, role, proof, starts_at, ends_at, revoked_at, revoked_reason
  from auth.mandate where principal_id = $1 and kind = 'responsible_person' and revoked_at is null
   for update
"""


async def find_responsible(connection: Connection, principal_id: UUID) -> Mandate | None:
    """Who answers for the organization; locked for the caller's transaction."""
    row = await connection.fetchrow(FIND_RESPONSIBLE, principal_id)
    return convert(row, Mandate) if row else None


LIST_GUARDIANS = """
select agent_id from auth.mandate
 where principal_id = $1 and kind = 'guardian' and revoked_at is null and starts_at <= $2 and ends_at > $2
 order by id
"""


async def list_guardians(connection: Connection, child_id: UUID, now: datetime) -> list[UUID]:
    """Who is the guardian of this person now."""
    return [row["agent_id"] for row in await connection.fetch(LIST_GUARDIANS, child_id, now)]


FIND_GUARDIANSHIP = """
select id, principal_type, principal_id, agent_id, kind, role, proof, starts_at, ends_at, revoked_at, revoked_reason
  from auth.mandate where agent_id = $1 and principal_id = $2 and kind = 'guardian' and revoked_at is null
   for update
"""


async def find_guardianship(connection: Connection, guardian_id: UUID, child_id: UUID) -> Mandate | None:
    """The guardianship that nobody has ended, over or not; locked for the caller's transaction."""
    row = await connection.fetchrow(FIND_GUARDIANSHIP, guardian_id, child_id)
    return convert(row, Mandate) if row else None


MARK_REVOKED = "update auth.mandate set revoked_at = $2, revoked_reason = $3 where id = $1 and revoked_at is null"


async def mark_revoked(connection: Connection, mandate_id: UUID, now: datetime, reason: str) -> None:
    """Ends a mandate for ever."""
    await connection.execute(MARK_REVOKED, mandate_id, now, reason)
