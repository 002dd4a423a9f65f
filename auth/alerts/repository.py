"""Rows of alerts, who may see one, and who has read it."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.alerts.models import Alert

INSERT_ALERT = """
insert into auth.alert (id, kind, organization_id, roles, city_roles, subject, raised_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""


async def insert_alert(connection: Connection, alert: Alert) -> None:
    """A new alert."""
    await connection.execute(
        INSERT_ALERT,
        alert.id,
        alert.kind,
        alert.organization_id,
        alert.roles,
        alert.city_roles,
        alert.subject,
        alert.raised_at,
    )


# Two workers that saw the same take turns: the second one finds what the first one wrote.
LOCK_SUBJECT = "select pg_advisory_xact_lock(hashtextextended('auth.alert ' || $1::text || ' ' || $2::text, 0))"

IS_FIRST_SINCE = """
select not exists (select from auth.alert where kind = $1 and subject = $2 and raised_at > $3)
"""


async def is_first_since(connection: Connection, kind: str, subject: str, since: datetime) -> bool:
    """Whether no such alert was raised after `since`; whoever asks next waits for the caller's transaction."""
    await connection.execute(LOCK_SUBJECT, kind, subject)
    first: bool = await connection.fetchval(IS_FIRST_SINCE, kind, subject, since)
    return first


FIND_ALERT = """
select id, kind, organization_id, roles, city_roles, subject, raised_at from auth.alert where id = $1
"""


async def find_alert(connection: Connection, alert_id: UUID) -> Alert | None:
    """The alert, whoever may see it."""
    row = await connection.fetchrow(FIND_ALERT, alert_id)
    return convert(row, Alert) if row else None


LIST_ALERTS = """
select a.id, a.kind, a.organization_id, a.roles, a.city_roles, a.subject, a.raised_at,
       (select read_at from auth.alert_reading r where r.alert_id = a.id and r.official_id = $1) as read_at,
       (select count(*) from auth.alert_reading r where r.alert_id = a.id) as readers
  from auth.alert a
 where (a.city_roles && $3::text[] or (a.organization_id = $2 and a.roles && $3::text[]))
   and ($4::uuid is null or a.id < $4) and ($6::uuid is null or a.id = $6)
 order by a.id desc limit $5
"""


async def list_alerts(
    connection: Connection,
    official_id: UUID,
    *,
    organization_id: UUID | None,
    roles: Collection[str],
    after: UUID | None = None,
    limit: int = 1,
    only: UUID | None = None,
) -> list[Alert]:
    """The alerts that an official of this organization with these roles may see, newest first; or the `only` one."""
    rows = await connection.fetch(LIST_ALERTS, official_id, organization_id, sorted(roles), after, limit, only)
    return [convert(row, Alert) for row in rows]


INSERT_READING = """
insert into auth.alert_reading (alert_id, official_id, read_at) values ($1, $2, $3) on conflict do nothing
"""


async def insert_reading(connection: Connection, alert_id: UUID, official_id: UUID, now: datetime) -> None:
    """This official has read it; the first time counts."""
    await connection.execute(INSERT_READING, alert_id, official_id, now)


LIST_RECIPIENTS = """
select distinct o.username from auth.official o join auth.official_role r on r.official_id = o.id
 where o.status = 'active' and (r.role = any($3::text[]) or (o.organization_id = $1 and r.role = any($2::text[])))
 order by o.username limit 200
"""


async def list_recipients(connection: Connection, alert: Alert) -> list[str]:
    """The account names of those who are told now."""
    rows = await connection.fetch(LIST_RECIPIENTS, alert.organization_id, alert.roles, alert.city_roles)
    return [row["username"] for row in rows]


DELETE_OLD_ALERTS = "delete from auth.alert where raised_at < $1"


async def delete_old_alerts(connection: Connection, before: datetime) -> None:
    """Forgets alerts from before then, with their readings and deliveries; the audit log has what was done."""
    await connection.execute(DELETE_OLD_ALERTS, before)
