"""Rows of issuers and entitlements. No person's id stands in one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from codes.counters.entitlements.models import Entitlement, Issuer

INSERT_ISSUER = """
insert into codes.entitlement_issuer (id, namespace, organization_id, scenarios, registered_at, registered_by)
values ($1, $2, $3, $4, $5, $6)
on conflict (namespace) where ended_at is null do nothing
returning true
"""


async def insert_issuer(connection: Connection, issuer: Issuer) -> bool:
    """Whether it stands now; False when the namespace belongs to somebody."""
    inserted = await connection.fetchval(
        INSERT_ISSUER,
        issuer.id,
        issuer.namespace,
        issuer.organization_id,
        issuer.scenarios,
        issuer.registered_at,
        issuer.registered_by,
    )
    return inserted is not None


LIST_ISSUERS = """
select id, namespace, organization_id, scenarios, registered_at, registered_by, ended_at
  from codes.entitlement_issuer where ended_at is null order by namespace
"""


async def list_issuers(connection: Connection) -> list[Issuer]:
    """Every issuer that is not ended."""
    return [convert(row, Issuer) for row in await connection.fetch(LIST_ISSUERS)]


FIND_ISSUER_FOR_SHARE = """
select id, namespace, organization_id, scenarios, registered_at, registered_by, ended_at
  from codes.entitlement_issuer where namespace = $1 and ended_at is null
   for share
"""


async def find_issuer_for_share(connection: Connection, namespace: str) -> Issuer | None:
    """Whose namespace it is; nobody ends it before the caller's transaction ends."""
    row = await connection.fetchrow(FIND_ISSUER_FOR_SHARE, namespace)
    return None if row is None else convert(row, Issuer)


MARK_ENDED = """
update codes.entitlement_issuer set ended_at = $2 where id = $1 and ended_at is null
returning id, namespace, organization_id, scenarios, registered_at, registered_by, ended_at
"""


async def mark_ended(connection: Connection, issuer_id: UUID, now: datetime) -> Issuer | None:
    """Ends an issuer; None when there was none to end."""
    row = await connection.fetchrow(MARK_ENDED, issuer_id, now)
    return None if row is None else convert(row, Issuer)


# Assigned again, it is the same entitlement with a new end.
UPSERT_ENTITLEMENT = """
insert into codes.entitlement (id, issuer_id, organization_id, openid, name, scenarios, valid_from, valid_until,
       assigned_at, assigned_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (openid, organization_id, name) where withdrawn_at is null
do update set issuer_id = excluded.issuer_id, scenarios = excluded.scenarios, valid_from = excluded.valid_from,
   valid_until = excluded.valid_until, assigned_at = excluded.assigned_at, assigned_by = excluded.assigned_by
returning id, issuer_id, organization_id, openid, name, scenarios, valid_from, valid_until, assigned_at, assigned_by,
          withdrawn_at
"""


async def upsert_entitlement(connection: Connection, entitlement: Entitlement) -> Entitlement:
    """The entitlement as it stands now."""
    row = await connection.fetchrow(
        UPSERT_ENTITLEMENT,
        entitlement.id,
        entitlement.issuer_id,
        entitlement.organization_id,
        entitlement.openid,
        entitlement.name,
        entitlement.scenarios,
        entitlement.valid_from,
        entitlement.valid_until,
        entitlement.assigned_at,
        entitlement.assigned_by,
    )
    assert row is not None
    return convert(row, Entitlement)


MARK_WITHDRAWN = """
update codes.entitlement set withdrawn_at = $3 where id = $1 and organization_id = $2 and withdrawn_at is null
returning id, issuer_id, organization_id, openid, name, scenarios, valid_from, valid_until, assigned_at, assigned_by,
          withdrawn_at
"""


async def mark_withdrawn(
    connection: Connection, entitlement_id: UUID, organization_id: UUID, now: datetime
) -> Entitlement | None:
    """Takes it back; None when this organization has given no such entitlement, or took it back before."""
    row = await connection.fetchrow(MARK_WITHDRAWN, entitlement_id, organization_id, now)
    return None if row is None else convert(row, Entitlement)


LIST_OF_ORGANIZATION = """
select id, issuer_id, organization_id, openid, name, scenarios, valid_from, valid_until, assigned_at, assigned_by,
       withdrawn_at
  from codes.entitlement
 where organization_id = $1 and ($2::text is null or openid = $2) and ($3::uuid is null or id > $3)
 order by id limit $4
"""


async def list_of_organization(
    connection: Connection, organization_id: UUID, *, openid: str | None, after: UUID | None, limit: int
) -> list[Entitlement]:
    """What an organization has given, or has given to one holder, oldest first."""
    rows = await connection.fetch(LIST_OF_ORGANIZATION, organization_id, openid, after, limit)
    return [convert(row, Entitlement) for row in rows]


LIST_HELD = """
select e.id, e.issuer_id, e.organization_id, e.openid, e.name, e.scenarios, e.valid_from, e.valid_until, e.assigned_at,
       e.assigned_by, e.withdrawn_at
  from unnest($1::uuid[], $2::text[]) as asked (issuer_id, openid)
  join codes.entitlement e on e.openid = asked.openid and e.issuer_id = asked.issuer_id
 where e.withdrawn_at is null and e.valid_from <= $3 and $3 < e.valid_until
 order by e.name
"""


async def list_held(
    connection: Connection, issuers: Sequence[UUID], openids: Sequence[str], now: datetime
) -> list[Entitlement]:
    """What each of these issuers says of the holder whom it knows by the openid at the same place."""
    return [convert(row, Entitlement) for row in await connection.fetch(LIST_HELD, issuers, openids, now)]


DELETE_OVER = "delete from codes.entitlement where valid_until < $1 or withdrawn_at < $1"


async def delete_over(connection: Connection, before: datetime) -> None:
    """Forgets what ended before then."""
    await connection.execute(DELETE_OVER, before)
