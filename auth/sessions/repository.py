"""Rows of sessions. No token stands in them, only the hash of the newest refresh token."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model, convert
from auth.sessions.models import Method, Session

COLUMNS: Final = """
id, parent_id, subject_type, subject_id, agent_id, holder_id, organization_id, mandate_id, device_id, client_id, scopes,
roles, ial, aal, method, jkt, generation, refresh_hash, rotated_at, authenticated_at, created_at, idle_seconds,
idle_expires_at, expires_at, unproven, phone_index, revoked_at, revoked_reason
"""


class RevokedSession(Model):
    """An ended session, as every worker must know it while its access tokens live."""

    id: UUID
    revoked_at: datetime
    subject_id: UUID
    client_id: str
    method: Method


INSERT_SESSION = f"""
insert into auth.session ({COLUMNS})
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
        $25, $26, null, null)
"""  # noqa: S608 - constants of this module


async def insert_session(connection: Connection, session: Session) -> None:
    """A new session."""
    await connection.execute(
        INSERT_SESSION,
        session.id,
        session.parent_id,
        session.subject_type,
        session.subject_id,
        session.agent_id,
        session.holder_id,
        session.organization_id,
        session.mandate_id,
        session.device_id,
        session.client_id,
        sorted(session.scopes),
        sorted(session.roles),
        session.ial,
        session.aal,
        session.method,
        session.jkt,
        session.generation,
        session.refresh_hash,
        session.rotated_at,
        session.authenticated_at,
        session.created_at,
        session.idle_seconds,
        session.idle_expires_at,
        session.expires_at,
        session.unproven,
        session.phone_index,
    )


ROTATE_SESSION = f"""
update auth.session
   set generation = generation + 1, refresh_hash = $6, rotated_at = $7,
       idle_expires_at = least($7 + make_interval(secs => idle_seconds), expires_at)
 where id = $1 and generation = $2 and refresh_hash = $3 and jkt is not distinct from $4
   and client_id = coalesce($5, client_id) and revoked_at is null and idle_expires_at > $7 and expires_at > $7
returning {COLUMNS}
"""  # noqa: S608 - constants of this module


async def rotate_session(
    connection: Connection,
    session_id: UUID,
    *,
    generation: int,
    refresh_hash: bytes,
    jkt: str | None,
    client_id: str | None,
    next_hash: bytes,
    now: datetime,
) -> Session | None:
    """The session one generation on, or None when this token is not the newest of a living family and key.

    Of any number of simultaneous calls with the same token exactly one gets the session.
    """
    row = await connection.fetchrow(
        ROTATE_SESSION, session_id, generation, refresh_hash, jkt, client_id, next_hash, now
    )
    return convert(row, Session) if row else None


HOLD_PERSON = "select status from auth.person where id = $1 for share"


async def hold_person(connection: Connection, person_id: UUID) -> str | None:
    """The status of somebody's account; nobody freezes or ends it before the caller's transaction ends."""
    status: str | None = await connection.fetchval(HOLD_PERSON, person_id)
    return status


LOCK_PERSON = "select from auth.person where id = $1 for no key update"


async def lock_person(connection: Connection, person_id: UUID) -> None:
    """Waits for whoever changes the account, and keeps others from it; what only points at the person goes on."""
    await connection.execute(LOCK_PERSON, person_id)


FIND_SESSION_FOR_UPDATE = f"select {COLUMNS} from auth.session where id = $1 for update"  # noqa: S608 - constants


async def find_session_for_update(connection: Connection, session_id: UUID) -> Session | None:
    """The session, ended or not; as it is until the caller's transaction ends."""
    row = await connection.fetchrow(FIND_SESSION_FOR_UPDATE, session_id)
    return convert(row, Session) if row else None


FIND_SESSION = f"select {COLUMNS} from auth.session where id = $1"  # noqa: S608 - constants


async def find_session(connection: Connection, session_id: UUID) -> Session | None:
    """The session, ended or not."""
    row = await connection.fetchrow(FIND_SESSION, session_id)
    return convert(row, Session) if row else None


MARK_USED = """
update auth.session
   set rotated_at = $2, idle_expires_at = least($2 + make_interval(secs => idle_seconds), expires_at)
 where id = $1 and revoked_at is null and expires_at > $2
"""


async def mark_used(connection: Connection, session_id: UUID, now: datetime) -> None:
    """Begins the idle time of a living session anew."""
    await connection.execute(MARK_USED, session_id, now)


LIST_SESSIONS = f"""
select {COLUMNS} from auth.session
 where holder_id = $1 and revoked_at is null and idle_expires_at > $2 and expires_at > $2
 order by id desc
 limit 200
"""  # noqa: S608 - constants of this module


async def list_sessions(connection: Connection, holder_id: UUID, now: datetime) -> list[Session]:
    """The living sessions of a human being, newest first."""
    return [convert(row, Session) for row in await connection.fetch(LIST_SESSIONS, holder_id, now)]


LOCK_SESSIONS = "select from auth.session where holder_id = $1 and revoked_at is null order by id for update"


async def lock_sessions(connection: Connection, holder_id: UUID) -> None:
    """Waits for whoever is about to begin a session in one of the holder's, so that what ends them next ends it too."""
    await connection.execute(LOCK_SESSIONS, holder_id)


# A session may begin in one that began in another: a client's in a browser's, a browser's in a phone's.
MARK_SESSION_REVOKED = """
with recursive ending as (
  select id from auth.session where id = $1 and holder_id = $2
   union
  select s.id from auth.session s join ending on s.parent_id = ending.id)
update auth.session s set revoked_at = $3, revoked_reason = $4
  from ending where s.id = ending.id and s.revoked_at is null
returning s.id, s.revoked_at, s.subject_id, s.client_id, s.method
"""


async def mark_session_revoked(
    connection: Connection, session_id: UUID, holder_id: UUID, *, now: datetime, reason: str
) -> list[RevokedSession]:
    """Ends the holder's session and all that began in it, however far; the ones that were ended by this call."""
    rows = await connection.fetch(MARK_SESSION_REVOKED, session_id, holder_id, now, reason)
    return [convert(row, RevokedSession) for row in rows]


MARK_ALL_REVOKED = """
update auth.session set revoked_at = $2, revoked_reason = $3
 where holder_id = $1 and revoked_at is null
returning id, revoked_at, subject_id, client_id, method
"""


async def mark_all_revoked(
    connection: Connection, holder_id: UUID, *, now: datetime, reason: str
) -> list[RevokedSession]:
    """Ends every session of a human being, also those for organizations."""
    rows = await connection.fetch(MARK_ALL_REVOKED, holder_id, now, reason)
    return [convert(row, RevokedSession) for row in rows]


MARK_OTHERS_REVOKED = """
with recursive kept as (
  select id, parent_id from auth.session where id = $2 and holder_id = $1
   union
  select s.id, s.parent_id from auth.session s join kept on s.id = kept.parent_id)
update auth.session set revoked_at = $3, revoked_reason = $4
 where holder_id = $1 and revoked_at is null and id not in (select id from kept)
returning id, revoked_at, subject_id, client_id, method
"""


async def mark_others_revoked(
    connection: Connection, holder_id: UUID, kept_id: UUID, *, now: datetime, reason: str
) -> list[RevokedSession]:
    """Ends every session of a human being but one, and the ones that it stands on."""
    rows = await connection.fetch(MARK_OTHERS_REVOKED, holder_id, kept_id, now, reason)
    return [convert(row, RevokedSession) for row in rows]


MARK_MOVED = "update auth.session set parent_id = $2 where parent_id = $1 and revoked_at is null"


async def mark_moved(connection: Connection, from_id: UUID, to_id: UUID) -> None:
    """What began in one session stands on another from now on; the holder's sessions are locked by the caller."""
    await connection.execute(MARK_MOVED, from_id, to_id)


MARK_DEVICE_SESSIONS_REVOKED = """
with recursive ending as (
  select id from auth.session where holder_id = $1 and (device_id = $2 or jkt = $3)
   union
  select s.id from auth.session s join ending on s.parent_id = ending.id)
update auth.session s set revoked_at = $4, revoked_reason = $5
  from ending where s.id = ending.id and s.revoked_at is null
returning s.id, s.revoked_at, s.subject_id, s.client_id, s.method
"""


async def mark_device_sessions_revoked(
    connection: Connection, holder_id: UUID, *, device_id: UUID, jkt: str, now: datetime, reason: str
) -> list[RevokedSession]:
    """Ends every session of the holder that began with this device or is bound to its key, and all begun in one."""
    rows = await connection.fetch(MARK_DEVICE_SESSIONS_REVOKED, holder_id, device_id, jkt, now, reason)
    return [convert(row, RevokedSession) for row in rows]


# Locked in the order of all endings, so that two of them never wait for each other.
MARK_MANDATE_SESSIONS_REVOKED = """
with ending as (select id from auth.session where mandate_id = $1 and revoked_at is null order by id for update)
update auth.session s set revoked_at = $2, revoked_reason = $3 from ending where s.id = ending.id
returning s.id, s.revoked_at, s.subject_id, s.client_id, s.method
"""


async def mark_mandate_sessions_revoked(
    connection: Connection, mandate_id: UUID, *, now: datetime, reason: str
) -> list[RevokedSession]:
    """Ends every session that stands on a mandate."""
    rows = await connection.fetch(MARK_MANDATE_SESSIONS_REVOKED, mandate_id, now, reason)
    return [convert(row, RevokedSession) for row in rows]


# Locked in the order of all endings, so that two of them never wait for each other.
MARK_SUBJECT_SESSIONS_REVOKED = """
with ending as (select id from auth.session
                 where subject_type = 'organization' and subject_id = $1 and revoked_at is null order by id for update)
update auth.session s set revoked_at = $2, revoked_reason = $3 from ending where s.id = ending.id
returning s.id, s.revoked_at, s.subject_id, s.client_id, s.method
"""


async def mark_organization_sessions_revoked(
    connection: Connection, organization_id: UUID, *, now: datetime, reason: str
) -> list[RevokedSession]:
    """Ends every session in which somebody speaks for an organization."""
    rows = await connection.fetch(MARK_SUBJECT_SESSIONS_REVOKED, organization_id, now, reason)
    return [convert(row, RevokedSession) for row in rows]


# Locked in the order of all endings, so that two of them never wait for each other.
MARK_CLIENT_SESSIONS_REVOKED = """
with ending as (select id from auth.session
                 where client_id = $1 and method = 'code' and revoked_at is null order by id for update)
update auth.session s set revoked_at = $2, revoked_reason = $3 from ending where s.id = ending.id
returning s.id, s.revoked_at, s.subject_id, s.client_id, s.method
"""


async def mark_client_sessions_revoked(
    connection: Connection, client_id: str, *, now: datetime, reason: str
) -> list[RevokedSession]:
    """Ends every session that a department's client was given."""
    rows = await connection.fetch(MARK_CLIENT_SESSIONS_REVOKED, client_id, now, reason)
    return [convert(row, RevokedSession) for row in rows]


MARK_LEVEL_OF_PERSON = """
update auth.session set ial = $3
 where subject_type = 'person' and subject_id = $1 and ial between $2 and $3 and not unproven and revoked_at is null
"""


async def mark_level_of_person(connection: Connection, person_id: UUID, *, from_level: int, ial: int) -> None:
    """Raises the level of those sessions of a person that know who they are, at `from_level` at least."""
    await connection.execute(MARK_LEVEL_OF_PERSON, person_id, from_level, ial)


MARK_IDENTITY_LEVEL = """
update auth.session set ial = greatest(ial, $2), unproven = false where id = $1 and revoked_at is null
"""


async def mark_identity_level(connection: Connection, session_id: UUID, ial: int) -> None:
    """Raises the level that the session's next access tokens carry; it no longer stands on a phone alone."""
    await connection.execute(MARK_IDENTITY_LEVEL, session_id, ial)


LIST_REVOKED_SINCE = "select id, revoked_at, subject_id, client_id, method from auth.session where revoked_at >= $1"


async def list_revoked_since(connection: Connection, since: datetime) -> list[RevokedSession]:
    """Sessions ended since then, of everybody."""
    return [convert(row, RevokedSession) for row in await connection.fetch(LIST_REVOKED_SINCE, since)]


ENDED_KEPT: Final = timedelta(days=90)
"""For its holder, and for whoever looks into what happened; the audit log has it longer."""
DELETE_EXPIRED_SESSIONS = "delete from auth.session where expires_at < $1"

# With a session goes what began in it, so none goes on which a living one stands.
DELETE_ENDED_SESSIONS = """
delete from auth.session s
 where revoked_at < $1
   and not exists (select from auth.session begun where begun.parent_id = s.id and begun.revoked_at is null)
"""


async def delete_ended_sessions(connection: Connection, before: datetime) -> None:
    """Forgets sessions that were ended before then."""
    await connection.execute(DELETE_ENDED_SESSIONS, before)


async def delete_expired_sessions(connection: Connection, before: datetime) -> None:
    """Forgets sessions that ended by age before then."""
    await connection.execute(DELETE_EXPIRED_SESSIONS, before)
