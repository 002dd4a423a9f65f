"""What a client's refresh stands on, in one look: the session, how it began, and what its citizen allows now."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from app.kit.database import Connection
from app.kit.structs import Model, convert
from auth.consents import repository as consents
from auth.consents.models import Consent
from auth.provider.clients.models import Client
from auth.sessions import repository as sessions
from auth.sessions.models import Session, UsedSession


class Standing(Model):
    """A client's living session, and those consents to its department that are in force, by purpose."""

    used: UsedSession
    consents: dict[str, Consent]


FIND_STANDING: Final = f"""
select {sessions.COLUMNS},
       coalesce((select p.method from auth.session p where p.id = s.parent_id), s.method) as began_by,
       (select coalesce(jsonb_agg(to_jsonb(c)), '[]')
          from (select {consents.COLUMNS} from auth.consent
                 where person_id = s.subject_id and department_id = $4 and purpose = any($5::text[])
                   and withdrawn_at is null and (expires_at is null or expires_at > $3)) c) as consents
  from auth.session s
 where id = $1 and client_id = $2 and revoked_at is null and idle_expires_at > $3 and expires_at > $3
"""  # noqa: S608 - constants of our modules


async def find_standing(
    connection: Connection, session_id: UUID, client: Client, *, purposes: Collection[str], now: datetime
) -> Standing | None:
    """The client's own living session with the consents in force among `purposes`, as of one moment; locks nothing."""
    row = await connection.fetchrow(
        FIND_STANDING, session_id, client.client_id, now, client.organization_id, list(purposes)
    )
    if row is None:
        return None
    found = msgspec.convert(row["consents"], list[Consent])
    return Standing(
        used=UsedSession(session=convert(row, Session), began_by=row["began_by"]),
        consents={consent.purpose: consent for consent in found},
    )
