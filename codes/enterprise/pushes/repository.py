"""The rows of pushes, their receipts, and the enterprises that audiences are made of."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.database import Connection
from app.kit.structs import convert
from codes.enterprise.pushes.models import Push, Receipts, State, StoredNotice, StoredReceipt, Subject

COLUMNS = """id, department_id, author_id, template, title, body, audience, audience_count, state, created_at,
       approver_id, approved_at, sent_at, withdrawn_at"""

LOCK_DEPARTMENT = "select pg_advisory_xact_lock(hashtextextended('codes.pushes:' || $1, 0))"


async def lock_department(connection: Connection, department_id: UUID) -> None:
    """Pushes of one department are written in turn, so that each counts the others."""
    await connection.execute(LOCK_DEPARTMENT, str(department_id))


LIST_WRITTEN = """
select created_at from codes.push where department_id = $1 and created_at > $2 order by created_at desc limit $3
"""


async def list_written(connection: Connection, department_id: UUID, since: datetime, limit: int) -> list[datetime]:
    """When the department wrote its latest pushes after `since`, the newest first."""
    return [row["created_at"] for row in await connection.fetch(LIST_WRITTEN, department_id, since, limit)]


INSERT_PUSH = """
insert into codes.push
       (id, department_id, author_id, template, title, body, audience, audience_count, state, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def insert_push(connection: Connection, push: Push) -> None:
    """Adds a push, as yet without an audience."""
    await connection.execute(
        INSERT_PUSH,
        push.id,
        push.department_id,
        push.author_id,
        push.template,
        msgspec.to_builtins(push.title),
        msgspec.to_builtins(push.body),
        msgspec.to_builtins(push.audience),
        push.audience_count,
        push.state,
        push.created_at,
    )


INSERT_AUDIENCE = """
insert into codes.push_delivery (organization_id, push_id)
select s.organization_id, $1
  from codes.code_subject s
 where (cardinality($2::uuid[]) = 0 or s.organization_id = any($2))
   and (cardinality($3::text[]) = 0 or s.zone like any($3))
   and (cardinality($4::text[]) = 0 or s.industry = any($4))
   and exists (select from codes.enterprise_code c
                where c.organization_id = s.organization_id and c.state = 'active' and c.expires_at > $5)
 limit $6
returning organization_id
"""


async def insert_audience(
    connection: Connection, push: Push, named: Sequence[UUID], now: datetime, limit: int
) -> set[UUID]:
    """Fixes whom the push is for, at most `limit`: enterprises with a code that counts, named or described."""
    zones = [f"{zone}%" for zone in push.audience.zones]
    rows = await connection.fetch(INSERT_AUDIENCE, push.id, list(named), zones, push.audience.industries, now, limit)
    return {row["organization_id"] for row in rows}


MARK_ADDRESSED = "update codes.push set audience_count = $2, state = $3 where id = $1"


async def mark_addressed(connection: Connection, push_id: UUID, count: int, state: State) -> None:
    """Keeps how many it is for, and whether it waits for a second official."""
    await connection.execute(MARK_ADDRESSED, push_id, count, state)


FIND_PUSH = f"select {COLUMNS} from codes.push where id = $1 and department_id = $2"  # noqa: S608 - a constant
LOCK_PUSH = f"{FIND_PUSH} for update"


async def find_push(connection: Connection, push_id: UUID, department_id: UUID) -> Push | None:
    """The department's own push, or None."""
    row = await connection.fetchrow(FIND_PUSH, push_id, department_id)
    return None if row is None else convert(row, Push)


async def lock_push(connection: Connection, push_id: UUID, department_id: UUID) -> Push | None:
    """The department's own push, which nobody changes until the caller's transaction ends; or None."""
    row = await connection.fetchrow(LOCK_PUSH, push_id, department_id)
    return None if row is None else convert(row, Push)


LIST_PUSHES = f"""
select {COLUMNS} from codes.push
 where department_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3
"""  # noqa: S608 - a constant


async def list_pushes(connection: Connection, department_id: UUID, after: UUID | None, limit: int) -> list[Push]:
    """A page of a department's pushes, newest first."""
    return [convert(row, Push) for row in await connection.fetch(LIST_PUSHES, department_id, after, limit)]


MARK_APPROVED = "update codes.push set state = 'sending', approver_id = $2, approved_at = $3 where id = $1"


async def mark_approved(connection: Connection, push_id: UUID, approver_id: UUID, now: datetime) -> None:
    """Lets it go."""
    await connection.execute(MARK_APPROVED, push_id, approver_id, now)


MARK_WITHDRAWN = "update codes.push set state = 'withdrawn', withdrawn_at = $2 where id = $1"


async def mark_withdrawn(connection: Connection, push_id: UUID, now: datetime) -> None:
    """Nobody gets it from now on; who has it reads that it was withdrawn."""
    await connection.execute(MARK_WITHDRAWN, push_id, now)


LOCK_SENDING = "select id from codes.push where state = 'sending' order by id limit 1 for update skip locked"


async def lock_sending(connection: Connection) -> UUID | None:
    """A push on its way that no other worker delivers at this moment, or None."""
    push_id: UUID | None = await connection.fetchval(LOCK_SENDING)
    return push_id


MARK_DELIVERED = """
update codes.push_delivery set delivered_at = $2
 where push_id = $1 and organization_id in (
   select organization_id from codes.push_delivery where push_id = $1 and delivered_at is null
    order by organization_id limit $3)
"""


async def mark_delivered(connection: Connection, push_id: UUID, now: datetime, limit: int) -> int:
    """Puts it into the lists of the next enterprises; how many that were."""
    return int((await connection.execute(MARK_DELIVERED, push_id, now, limit)).split()[-1])


MARK_SENT = "update codes.push set state = 'sent', sent_at = $2 where id = $1"


async def mark_sent(connection: Connection, push_id: UUID, now: datetime) -> None:
    """Everybody has it."""
    await connection.execute(MARK_SENT, push_id, now)


COUNT_RECEIPTS = """
select count(delivered_at) as delivered, count(read_at) as read from codes.push_delivery where push_id = $1
"""


async def count_receipts(connection: Connection, push_id: UUID) -> Receipts:
    """How many have it, how many read it."""
    row = await connection.fetchrow(COUNT_RECEIPTS, push_id)
    return Receipts() if row is None else convert(row, Receipts)


LIST_RECEIPTS = """
select organization_id, delivered_at, read_at from codes.push_delivery
 where push_id = $1 and ($2::uuid is null or organization_id > $2) order by organization_id limit $3
"""


async def list_receipts(connection: Connection, push_id: UUID, after: UUID | None, limit: int) -> list[StoredReceipt]:
    """A page of a push's receipts."""
    return [convert(row, StoredReceipt) for row in await connection.fetch(LIST_RECEIPTS, push_id, after, limit)]


SELECT_NOTICE = """
select p.id, p.department_id, p.template, p.title, p.body, d.delivered_at, d.read_at, p.withdrawn_at
  from codes.push_delivery d join codes.push p on p.id = d.push_id
 where d.organization_id = $1 and d.delivered_at is not null
"""

LIST_NOTICES = SELECT_NOTICE + " and ($2::uuid is null or d.push_id < $2) order by d.push_id desc limit $3"


async def list_notices(
    connection: Connection, organization_id: UUID, after: UUID | None, limit: int
) -> list[StoredNotice]:
    """A page of what reached an enterprise, newest first."""
    return [convert(row, StoredNotice) for row in await connection.fetch(LIST_NOTICES, organization_id, after, limit)]


FIND_NOTICE = SELECT_NOTICE + " and d.push_id = $2"


async def find_notice(connection: Connection, organization_id: UUID, push_id: UUID) -> StoredNotice | None:
    """One that reached this enterprise, or None."""
    row = await connection.fetchrow(FIND_NOTICE, organization_id, push_id)
    return None if row is None else convert(row, StoredNotice)


MARK_READ = """
update codes.push_delivery set read_at = $3
 where organization_id = $1 and push_id = $2 and delivered_at is not null and read_at is null
"""


async def mark_read(connection: Connection, organization_id: UUID, push_id: UUID, now: datetime) -> bool:
    """Whether this call is the first to say that it was read."""
    return await connection.execute(MARK_READ, organization_id, push_id, now) == "UPDATE 1"


INSERT_SUBJECT = """
insert into codes.code_subject (organization_id, zone) values ($1, $2) on conflict (organization_id) do nothing
"""


async def insert_subject(connection: Connection, organization_id: UUID, zone: str) -> None:
    """Makes the enterprise part of audiences, as registered; what it has declared itself stays."""
    await connection.execute(INSERT_SUBJECT, organization_id, zone)


WRITE_DECLARED = """
insert into codes.code_subject (organization_id, zone, industry, declared_at) values ($1, $2, $3, $4)
on conflict (organization_id) do update
   set zone = excluded.zone, industry = excluded.industry, declared_at = excluded.declared_at
"""


async def write_declared(connection: Connection, subject: Subject) -> None:
    """Keeps what the enterprise says of itself."""
    await connection.execute(
        WRITE_DECLARED, subject.organization_id, subject.zone, subject.industry, subject.declared_at
    )


FIND_SUBJECT = "select organization_id, zone, industry, declared_at from codes.code_subject where organization_id = $1"


async def find_subject(connection: Connection, organization_id: UUID) -> Subject | None:
    """The enterprise as part of audiences, or None."""
    row = await connection.fetchrow(FIND_SUBJECT, organization_id)
    return None if row is None else convert(row, Subject)


LIST_UNREGISTERED = """
select distinct c.organization_id from codes.enterprise_code c
 where c.state = 'active' and c.expires_at > $1
   and not exists (select from codes.code_subject s where s.organization_id = c.organization_id)
 limit $2
"""


async def list_unregistered(connection: Connection, now: datetime, limit: int) -> list[UUID]:
    """Enterprises with a code that are in no audience yet."""
    return [row["organization_id"] for row in await connection.fetch(LIST_UNREGISTERED, now, limit)]


TRY_LOCK_SUBJECTS = "select pg_try_advisory_xact_lock(hashtext('codes.pushes.subjects'))"


async def try_lock_subjects(connection: Connection) -> bool:
    """Whether this worker is the one that registers enterprises now."""
    locked: bool = await connection.fetchval(TRY_LOCK_SUBJECTS)
    return locked
