"""Rows of consents. Nothing is deleted: what was allowed once stays readable."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.consents.models import Consent

INSERT_CONSENT = """
insert into auth.consent (id, person_id, department_id, purpose, fields, text_version, granted_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def insert_consent(connection: Connection, consent: Consent) -> None:
    """A new consent."""
    await connection.execute(
        INSERT_CONSENT,
        consent.id,
        consent.person_id,
        consent.department_id,
        consent.purpose,
        list(consent.fields),
        consent.text_version,
        consent.granted_at,
        consent.expires_at,
    )


FIND_ACTIVE = """
select id, person_id, department_id, purpose, fields, text_version, granted_at, expires_at, withdrawn_at
  from auth.consent
 where person_id = $1 and department_id = $2 and purpose = $3
   and withdrawn_at is null and (expires_at is null or expires_at > $4)
"""


async def find_active(
    connection: Connection, person_id: UUID, department_id: UUID, purpose: str, now: datetime
) -> Consent | None:
    """The consent in force, if any."""
    row = await connection.fetchrow(FIND_ACTIVE, person_id, department_id, purpose, now)
    return convert(row, Consent) if row else None


MARK_REPLACED = """
update auth.consent set withdrawn_at = $4
 where person_id = $1 and department_id = $2 and purpose = $3 and withdrawn_at is null
"""


async def mark_replaced(
    connection: Connection, person_id: UUID, department_id: UUID, purpose: str, now: datetime
) -> None:
    """Ends what a new consent takes the place of."""
    await connection.execute(MARK_REPLACED, person_id, department_id, purpose, now)


MARK_WITHDRAWN = """
update auth.consent set withdrawn_at = $3
 where id = $1 and person_id = $2 and withdrawn_at is null
returning id, person_id, department_id, purpose, fields, text_version, granted_at, expires_at, withdrawn_at
"""


async def mark_withdrawn(connection: Connection, consent_id: UUID, person_id: UUID, now: datetime) -> Consent | None:
    """Ends the person's own consent; None when it is not theirs or has ended before."""
    row = await connection.fetchrow(MARK_WITHDRAWN, consent_id, person_id, now)
    return convert(row, Consent) if row else None


LIST_CONSENTS = """
select id, person_id, department_id, purpose, fields, text_version, granted_at, expires_at, withdrawn_at
  from auth.consent
 where person_id = $1 and ($2::uuid is null or id < $2)
 order by id desc limit $3
"""


async def list_consents(connection: Connection, person_id: UUID, after: UUID | None, limit: int) -> list[Consent]:
    """All that a person ever allowed, newest first."""
    return [convert(row, Consent) for row in await connection.fetch(LIST_CONSENTS, person_id, after, limit)]
