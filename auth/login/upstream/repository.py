"""Rows of links and of attempts under way. Each attempt is used by one conditional update, over all workers."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.login.upstream.models import Attempt, Link, Source

ATTEMPT: Final = "id, source, key_hash, state_hash, request_id, session_id, jkt, tries, expires_at"

INSERT_ATTEMPT = f"""
insert into auth.upstream_attempt ({ATTEMPT}) values ($1, $2, $3, $4, $5, $6, $7, 0, $8)
"""  # noqa: S608 - constants of this module


async def insert_attempt(connection: Connection, attempt: Attempt) -> None:
    """A new attempt."""
    await connection.execute(
        INSERT_ATTEMPT,
        attempt.id,
        attempt.source,
        attempt.key_hash,
        attempt.state_hash,
        attempt.request_id,
        attempt.session_id,
        attempt.jkt,
        attempt.expires_at,
    )


MARK_ANSWERED = f"""
update auth.upstream_attempt set used_at = $4
 where state_hash = $1 and key_hash = $2 and jkt is not distinct from $3 and used_at is null and expires_at > $4
returning {ATTEMPT}
"""  # noqa: S608 - constants of this module


async def mark_answered(
    connection: Connection, state_hash: bytes, key_hash: bytes, *, jkt: str | None, now: datetime
) -> Attempt | None:
    """The attempt that an answer belongs to, once; None for any other holder, key, or time."""
    row = await connection.fetchrow(MARK_ANSWERED, state_hash, key_hash, jkt, now)
    return convert(row, Attempt) if row else None


MARK_SHOWN = f"""
update auth.upstream_attempt set used_at = $3
 where key_hash = $1 and source = 'network' and jkt is not distinct from $2 and used_at is null and expires_at > $3
returning {ATTEMPT}
"""  # noqa: S608 - constants of this module


async def mark_shown(connection: Connection, key_hash: bytes, *, jkt: str | None, now: datetime) -> Attempt | None:
    """The network attempt of this holder, once."""
    row = await connection.fetchrow(MARK_SHOWN, key_hash, jkt, now)
    return convert(row, Attempt) if row else None


MARK_TRIED = f"""
update auth.upstream_attempt set tries = tries + 1
 where id = $1 and key_hash = $2 and tries < $3 and used_at is null and expires_at > $4
returning {ATTEMPT}
"""  # noqa: S608 - constants of this module


async def mark_tried(
    connection: Connection, attempt_id: UUID, key_hash: bytes, *, most: int, now: datetime
) -> Attempt | None:
    """Counts one number that was typed; None when it hears no more."""
    row = await connection.fetchrow(MARK_TRIED, attempt_id, key_hash, most, now)
    return convert(row, Attempt) if row else None


MARK_USED = """
update auth.upstream_attempt set used_at = $2 where id = $1 and used_at is null returning true
"""


async def mark_used(connection: Connection, attempt_id: UUID, now: datetime) -> bool:
    """Whether it was not used before: of simultaneous calls one is told yes."""
    return bool(await connection.fetchval(MARK_USED, attempt_id, now))


FIND_LIVING = f"""
select {ATTEMPT} from auth.upstream_attempt
 where id = $1 and key_hash = $2 and used_at is null and expires_at > $3
"""  # noqa: S608 - constants of this module


async def find_living(connection: Connection, attempt_id: UUID, key_hash: bytes, now: datetime) -> Attempt | None:
    """The attempt while it may be used."""
    row = await connection.fetchrow(FIND_LIVING, attempt_id, key_hash, now)
    return convert(row, Attempt) if row else None


DELETE_EXPIRED = "delete from auth.upstream_attempt where expires_at <= $1"


async def delete_expired(connection: Connection, now: datetime) -> None:
    """Forgets attempts whose time is over."""
    await connection.execute(DELETE_EXPIRED, now)


LINK: Final = "l.id, coalesce(p.merged_into, p.id) as person_id, l.source, l.linked_at, l.last_used_at"

FIND_LINK = f"""
select {LINK} from auth.identity_link l join auth.person p on p.id = l.person_id
 where l.subject_index = $1 and l.ended_at is null
"""  # noqa: S608 - constants of this module


async def find_link(connection: Connection, subject_index: bytes) -> Link | None:
    """Whom somebody elsewhere opens."""
    row = await connection.fetchrow(FIND_LINK, subject_index)
    return convert(row, Link) if row else None


LIST_LINKS = f"""
select {LINK} from auth.identity_link l join auth.person p on p.id = l.person_id
 where (p.id = $1 or p.merged_into = $1) and l.ended_at is null
 order by l.id
"""  # noqa: S608 - constants of this module


async def list_links(connection: Connection, person_id: UUID) -> list[Link]:
    """What opens a person's account, with that of accounts merged into it, oldest first."""
    return [convert(row, Link) for row in await connection.fetch(LIST_LINKS, person_id)]


WAS_ENDED_BY_HOLDER = """
select exists (select from auth.identity_link l join auth.person p on p.id = l.person_id
                where l.subject_index = $1 and l.ended_reason = $3 and (p.id = $2 or p.merged_into = $2)
                  and l.ended_at is not null)
"""


async def was_ended(connection: Connection, subject_index: bytes, person_id: UUID, reason: str) -> bool:
    """Whether a link of these two was ended for this reason."""
    return bool(await connection.fetchval(WAS_ENDED_BY_HOLDER, subject_index, person_id, reason))


INSERT_LINK = """
insert into auth.identity_link (id, person_id, source, subject_index, linked_at, last_used_at)
values ($1, $2, $3, $4, $5, $5)
"""


async def insert_link(connection: Connection, link: Link, subject_index: bytes) -> None:
    """From now on it opens this account."""
    await connection.execute(INSERT_LINK, link.id, link.person_id, link.source, subject_index, link.linked_at)


MARK_LINK_USED = "update auth.identity_link set last_used_at = $2 where id = $1"


async def mark_link_used(connection: Connection, link_id: UUID, now: datetime) -> None:
    """It opened the account just now."""
    await connection.execute(MARK_LINK_USED, link_id, now)


MARK_LINK_ENDED = """
update auth.identity_link l set ended_at = $3, ended_reason = $4
  from auth.person p
 where l.id = $1 and p.id = l.person_id and (p.id = $2 or p.merged_into = $2) and l.ended_at is null
returning l.source
"""


async def mark_link_ended(
    connection: Connection, link_id: UUID, person_id: UUID, *, now: datetime, reason: str
) -> Source | None:
    """Ends the person's own link; None when there is none such."""
    source: Source | None = await connection.fetchval(MARK_LINK_ENDED, link_id, person_id, now, reason)
    return source


MARK_ALL_ENDED = """
update auth.identity_link set ended_at = $2, ended_reason = $3 where person_id = $1 and ended_at is null
"""


async def mark_all_ended(connection: Connection, person_id: UUID, *, now: datetime, reason: str) -> None:
    """Nothing elsewhere opens this account any more."""
    await connection.execute(MARK_ALL_ENDED, person_id, now, reason)


LIST_SESSIONS_BY = """
select id from auth.session where holder_id = $1 and method = $2 and revoked_at is null order by id
"""


async def list_sessions_by(connection: Connection, person_id: UUID, method: str) -> list[UUID]:
    """The person's sessions that began in this way."""
    return [row["id"] for row in await connection.fetch(LIST_SESSIONS_BY, person_id, method)]
