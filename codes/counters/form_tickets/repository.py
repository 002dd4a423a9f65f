"""Rows of form tickets. Redeeming locks the row: of all counters on all workers exactly one changes it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.database import Connection
from app.kit.structs import convert
from codes.counters.form_tickets.models import Decision, FormTicket

INSERT_TICKET = """
insert into codes.form_ticket
       (id, ticket_hash, verification_id, item, scenario, basis, organization_id, site_id, counter, person_id,
        guardian_id, state, issued_at, expires_at, forget_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""


async def insert_ticket(connection: Connection, ticket: FormTicket) -> None:
    """A ticket that was just issued."""
    await connection.execute(
        INSERT_TICKET,
        ticket.id,
        ticket.ticket_hash,
        ticket.verification_id,
        ticket.item,
        ticket.scenario,
        ticket.basis,
        ticket.organization_id,
        ticket.site_id,
        msgspec.to_builtins(ticket.counter),
        ticket.person_id,
        ticket.guardian_id,
        ticket.state,
        ticket.issued_at,
        ticket.expires_at,
        ticket.forget_at,
    )


SELECT_TICKET = """
select id, ticket_hash, verification_id, item, scenario, basis, organization_id, site_id, counter, person_id,
       guardian_id, state, issued_at, expires_at, forget_at, redeemed_at, redeemed_by, request_id, title, fields,
       decided_at, decided_by
  from codes.form_ticket
"""

FIND_BY_HASH_FOR_UPDATE = SELECT_TICKET + " where ticket_hash = $1 for update"


async def find_by_hash_for_update(connection: Connection, ticket_hash: bytes) -> FormTicket | None:
    """The ticket; whoever asks for the same one waits until the caller's transaction ends."""
    row = await connection.fetchrow(FIND_BY_HASH_FOR_UPDATE, ticket_hash)
    return None if row is None else convert(row, FormTicket)


FIND_TICKET = SELECT_TICKET + " where id = $1 and state <> 'issued'"


async def find_redeemed(connection: Connection, form_id: UUID) -> FormTicket | None:
    """A redeemed ticket."""
    row = await connection.fetchrow(FIND_TICKET, form_id)
    return None if row is None else convert(row, FormTicket)


async def find_redeemed_for_update(connection: Connection, form_id: UUID) -> FormTicket | None:
    """As `find_redeemed`, locked for the caller's transaction."""
    row = await connection.fetchrow(FIND_TICKET + " for update", form_id)
    return None if row is None else convert(row, FormTicket)


# The span keeps the question within the partitions of a day or two.
FIND_DISCLOSED = """
select disclosed from codes.verification where id = $1 and iat >= $2 and iat <= $3 and verdict = 'ACCEPT'
"""


async def find_disclosed(
    connection: Connection, verification_id: UUID, since: datetime, until: datetime
) -> frozenset[str]:
    """What the scan disclosed, by name; nothing when it was not accepted or has been forgotten."""
    return frozenset(await connection.fetchval(FIND_DISCLOSED, verification_id, since, until) or ())


MARK_REDEEMED = """
update codes.form_ticket
   set state = 'redeemed', redeemed_at = $2, redeemed_by = $3, request_id = $4, title = $5, fields = $6, forget_at = $7
 where id = $1
"""


async def mark_redeemed(connection: Connection, ticket: FormTicket) -> None:
    """Keeps by whom and for what it was redeemed."""
    await connection.execute(
        MARK_REDEEMED,
        ticket.id,
        ticket.redeemed_at,
        ticket.redeemed_by,
        ticket.request_id,
        ticket.title,
        ticket.fields,
        ticket.forget_at,
    )


MARK_DECIDED = "update codes.form_ticket set state = $2, decided_at = $3, decided_by = $4 where id = $1"


async def mark_decided(
    connection: Connection, form_id: UUID, decision: Decision, now: datetime, person_id: UUID
) -> None:
    """Keeps the citizen's word."""
    await connection.execute(MARK_DECIDED, form_id, decision, now, person_id)


LIST_OF_PERSON = (
    SELECT_TICKET
    + """
 where (person_id = $1 or guardian_id = $1) and state <> 'issued' and ($2::uuid is null or id < $2)
 order by id desc limit $3
"""
)


async def list_of_person(
    connection: Connection, person_id: UUID, after: UUID | None, limit: int
) -> Sequence[FormTicket]:
    """Forms for a person, and those for children whose codes they showed, newest first."""
    return [convert(row, FormTicket) for row in await connection.fetch(LIST_OF_PERSON, person_id, after, limit)]


DELETE_FORGOTTEN = "delete from codes.form_ticket where forget_at <= $1"


async def delete_forgotten(connection: Connection, now: datetime) -> None:
    """Forgets tickets and forms whose time is over."""
    await connection.execute(DELETE_FORGOTTEN, now)
