"""Rows of offers."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.mandates.offers.models import Offer, OfferState

COLUMNS: Final = """
id, principal_type, principal_id, kind, role, parent_id, items, scenarios, apps, may_delegate, sponsor_id, given_by,
agent_index, starts_at, ends_at, lasts_seconds, offered_at, expires_at, decided_at, decision, mandate_id
"""

INSERT_OFFER = f"""
insert into auth.mandate_offer ({COLUMNS})
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, null, null, null)
"""  # noqa: S608 - constants of this module


async def insert_offer(connection: Connection, offer: Offer) -> None:
    """A new offer."""
    await connection.execute(
        INSERT_OFFER,
        offer.id,
        offer.principal_type,
        offer.principal_id,
        offer.kind,
        offer.role,
        offer.parent_id,
        offer.items,
        offer.scenarios,
        offer.apps,
        offer.may_delegate,
        offer.sponsor_id,
        offer.given_by,
        offer.agent_index,
        offer.starts_at,
        offer.ends_at,
        offer.lasts_seconds,
        offer.offered_at,
        offer.expires_at,
    )


FIND_FOR_UPDATE = f"select {COLUMNS} from auth.mandate_offer where id = $1 for update"  # noqa: S608 - constants


async def find_for_update(connection: Connection, offer_id: UUID) -> Offer | None:
    """The offer, decided or not; nobody decides it before the caller's transaction ends."""
    row = await connection.fetchrow(FIND_FOR_UPDATE, offer_id)
    return convert(row, Offer) if row else None


LIST_TO_AGENT = f"""
select {COLUMNS} from auth.mandate_offer
 where agent_index = $1 and decided_at is null and expires_at > $2 order by id desc limit 100
"""  # noqa: S608 - constants of this module


async def list_to_agent(connection: Connection, agent_index: bytes, now: datetime) -> list[Offer]:
    """What waits for this person's word."""
    return [convert(row, Offer) for row in await connection.fetch(LIST_TO_AGENT, agent_index, now)]


LIST_OF_PRINCIPAL = f"""
select {COLUMNS} from auth.mandate_offer
 where principal_id = $1 and decided_at is null and expires_at > $2 order by id desc limit 100
"""  # noqa: S608 - constants of this module


async def list_of_principal(connection: Connection, principal_id: UUID, now: datetime) -> list[Offer]:
    """What this principal offered and nobody has decided."""
    return [convert(row, Offer) for row in await connection.fetch(LIST_OF_PRINCIPAL, principal_id, now)]


MARK_DECIDED = "update auth.mandate_offer set decided_at = $2, decision = $3, mandate_id = $4 where id = $1"


async def mark_decided(
    connection: Connection,
    offer_id: UUID,
    now: datetime,
    decision: OfferState,
    mandate_id: UUID | None = None,
) -> None:
    """Ends an offer; accepted, it names the mandate that came of it."""
    await connection.execute(MARK_DECIDED, offer_id, now, decision, mandate_id)


DELETE_EXPIRED = "delete from auth.mandate_offer where expires_at < $1"


async def delete_expired(connection: Connection, before: datetime) -> None:
    """Forgets offers that nobody can decide any more."""
    await connection.execute(DELETE_EXPIRED, before)
