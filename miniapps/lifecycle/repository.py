"""Rows of endings and emergencies. Callers lock the mini-app before they write."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.structs import convert
from miniapps.errors import EmergencyUnknown
from miniapps.lifecycle.models import EmergencyRow, Extension, Retirement

INSERT_RETIREMENT = """
insert into miniapps.retirement (app_id, ends_at, successor, reason, announced_by, announced_at)
values ($1, $2, $3, $4, $5, $6) on conflict (app_id) do nothing
"""


async def insert_retirement(connection: Connection, retirement: Retirement) -> None:
    """An announced end; one that was announced before stays as it is."""
    await connection.execute(
        INSERT_RETIREMENT,
        retirement.app_id,
        retirement.ends_at,
        retirement.successor,
        retirement.reason,
        retirement.announced_by,
        retirement.announced_at,
    )


FIND_RETIREMENT = """
select app_id, ends_at, successor, reason, announced_by, announced_at, retired_at, consents_ended_at
  from miniapps.retirement where app_id = $1
"""


async def find_retirement(connection: Connection, app_id: str) -> Retirement | None:
    """How the mini-app ends, if that was announced."""
    row = await connection.fetchrow(FIND_RETIREMENT, app_id)
    return convert(row, Retirement) if row else None


LIST_DUE = "select app_id from miniapps.retirement where retired_at is null and ends_at <= $1 order by ends_at limit $2"


async def list_due(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Mini-apps whose time is over."""
    return [row["app_id"] for row in await connection.fetch(LIST_DUE, now, limit)]


MARK_RETIRED = """
update miniapps.retirement set retired_at = $2, ends_at = least(ends_at, $2)
 where app_id = $1 and retired_at is null
"""


async def mark_retired(connection: Connection, app_id: str, now: datetime) -> None:
    """It has ended."""
    await connection.execute(MARK_RETIRED, app_id, now)


END_RELEASES = """
update miniapps.release set state = case state when 'published' then 'superseded' else 'halted' end, ended_at = $2
 where app_id = $1 and state in ('internal', 'gray', 'published')
returning id, state, percent, zones
"""


INSERT_STEP = """
insert into miniapps.release_step (id, release_id, state, percent, zones, actor, taken_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""


async def end_releases(connection: Connection, app_id: str, now: datetime, *, actor: str) -> None:
    """Nobody sees any release of the mini-app any more; the course of each says so."""
    for row in await connection.fetch(END_RELEASES, app_id, now):
        step = (new_id(), row["id"], row["state"], row["percent"], row["zones"], actor, now)
        await connection.execute(INSERT_STEP, *step)


# The manifest is canonical JSON: one that says nothing of a sunset does not have the word.
LIST_DECLARED = """
select a.app_id, v.manifest
  from miniapps.app a
  join miniapps.release r on r.app_id = a.app_id and r.state = 'published'
  join miniapps.version v on v.id = r.version_id
 where a.state in ('active', 'suspended') and position('"sunset":'::bytea in v.manifest) > 0 and a.app_id > $1
 order by a.app_id limit $2
"""


async def list_declared(connection: Connection, after: str, limit: int) -> list[tuple[str, bytes]]:
    """Mini-apps whose published manifest may name an end that was not announced yet, with the manifest. A page."""
    return [(row["app_id"], row["manifest"]) for row in await connection.fetch(LIST_DECLARED, after, limit)]


FIND_LAST_MANIFEST = """
select manifest from miniapps.version where app_id = $1 and state = 'approved' order by code desc limit 1
"""


async def find_last_manifest(connection: Connection, app_id: str) -> bytes | None:
    """The newest manifest that was approved: its keys are the department's own."""
    manifest: bytes | None = await connection.fetchval(FIND_LAST_MANIFEST, app_id)
    return manifest


LIST_APPROVED_MANIFESTS = "select manifest from miniapps.version where app_id = $1 and state = 'approved'"


async def list_approved_manifests(connection: Connection, app_id: str) -> list[bytes]:
    """Every manifest under which citizens may have been asked."""
    return [row["manifest"] for row in await connection.fetch(LIST_APPROVED_MANIFESTS, app_id)]


FIND_CONSENTS_DUE = """
select app_id from miniapps.retirement
 where retired_at is not null and consents_ended_at is null order by retired_at limit 1 for update skip locked
"""


async def find_consents_due(connection: Connection) -> str | None:
    """A mini-app that has ended and whose consents have not all; no two workers get the same."""
    app_id: str | None = await connection.fetchval(FIND_CONSENTS_DUE)
    return app_id


MARK_CONSENTS_ENDED = "update miniapps.retirement set consents_ended_at = $2 where app_id = $1"


async def mark_consents_ended(connection: Connection, app_id: str, now: datetime) -> None:
    """Nothing is left of what citizens allowed for it."""
    await connection.execute(MARK_CONSENTS_ENDED, app_id, now)


LIST_OTHER_MANIFESTS = """
select v.manifest
  from miniapps.app a
  join miniapps.release r on r.app_id = a.app_id and r.state in ('published', 'gray')
  join miniapps.version v on v.id = r.version_id
 where a.organization_id = $1 and a.state <> 'retired'
"""


async def list_other_manifests(connection: Connection, organization_id: UUID) -> list[bytes]:
    """What the department still shows."""
    return [row["manifest"] for row in await connection.fetch(LIST_OTHER_MANIFESTS, organization_id)]


EMERGENCY: Final = "app_id, legal_basis, approved_at, expires_at, ended_at, proof_due_at, proven_at, proof"

INSERT_EMERGENCY = """
insert into miniapps.emergency (app_id, legal_basis, approved_at, expires_at) values ($1, $2, $3, $4)
on conflict (app_id) do nothing
"""


async def insert_emergency(connection: Connection, row: EmergencyRow) -> None:
    """An emergency begins with its first approval; a later version changes neither law nor date."""
    await connection.execute(INSERT_EMERGENCY, row.app_id, row.legal_basis, row.approved_at, row.expires_at)


FIND_EMERGENCY = f"select {EMERGENCY} from miniapps.emergency where app_id = $1"  # noqa: S608 - constants


async def find_emergency(connection: Connection, app_id: str) -> EmergencyRow | None:
    """The mini-app's emergency, if it is one that was approved."""
    row = await connection.fetchrow(FIND_EMERGENCY, app_id)
    return convert(row, EmergencyRow) if row else None


async def get_emergency(connection: Connection, app_id: str) -> EmergencyRow:
    """The same; raises `EmergencyUnknown`."""
    found = await find_emergency(connection, app_id)
    if found is None:
        raise EmergencyUnknown
    return found


LIST_EXPIRED = """
select app_id from miniapps.emergency where ended_at is null and expires_at <= $1 order by expires_at limit $2
"""


async def list_expired(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Emergencies that are over."""
    return [row["app_id"] for row in await connection.fetch(LIST_EXPIRED, now, limit)]


MARK_EMERGENCY_ENDED = """
update miniapps.emergency set ended_at = $2, proof_due_at = $3 where app_id = $1 and ended_at is null
"""


async def mark_emergency_ended(connection: Connection, app_id: str, now: datetime, proof_due_at: datetime) -> None:
    """It is over; the deletion is to be proven until then. Nothing happens to what is no emergency."""
    await connection.execute(MARK_EMERGENCY_ENDED, app_id, now, proof_due_at)


MARK_PROVEN = "update miniapps.emergency set proven_at = $2, proof = $3 where app_id = $1 and proven_at is null"


async def mark_proven(connection: Connection, app_id: str, now: datetime, proof: str) -> None:
    """The department has signed that nothing is left."""
    await connection.execute(MARK_PROVEN, app_id, now, proof)


MARK_UNPROVEN_TOLD = """
with late as (
  select app_id from miniapps.emergency
   where proof_due_at <= $1 and proven_at is null and overdue_told_at is null
   order by proof_due_at limit $2 for update skip locked
)
update miniapps.emergency e set overdue_told_at = $1 from late, miniapps.app a
 where e.app_id = late.app_id and a.app_id = late.app_id
returning e.app_id, a.organization_id
"""


async def mark_unproven_told(connection: Connection, now: datetime, limit: int) -> list[tuple[str, UUID]]:
    """Emergencies whose proof is late and of which nobody was told; from now on somebody was."""
    rows = await connection.fetch(MARK_UNPROVEN_TOLD, now, limit)
    return [(row["app_id"], row["organization_id"]) for row in rows]


EXTENSION: Final = "id, app_id, until, reason, proposed_by, proposed_at, decided_by, decided_at, agreed"

INSERT_EXTENSION = f"""
insert into miniapps.emergency_extension ({EXTENSION}) values ($1, $2, $3, $4, $5, $6, null, null, null)
on conflict (app_id) where decided_at is null do nothing returning true
"""  # noqa: S608 - constants


async def insert_extension(connection: Connection, extension: Extension) -> bool:
    """A new proposal; False while another one waits."""
    return bool(
        await connection.fetchval(
            INSERT_EXTENSION,
            extension.id,
            extension.app_id,
            extension.until,
            extension.reason,
            extension.proposed_by,
            extension.proposed_at,
        )
    )


LIST_EXTENSIONS = f"""
select {EXTENSION} from miniapps.emergency_extension where app_id = $1 order by id desc limit 100
"""  # noqa: S608 - constants


async def list_extensions(connection: Connection, app_id: str) -> list[Extension]:
    """Every proposal, newest first."""
    return [convert(row, Extension) for row in await connection.fetch(LIST_EXTENSIONS, app_id)]


MARK_DECIDED = """
update miniapps.emergency_extension set decided_by = $2, decided_at = $3, agreed = $4 where id = $1
"""


async def mark_decided(
    connection: Connection, extension_id: UUID, decided_by: UUID, now: datetime, *, agreed: bool
) -> None:
    """The second reviewer's word."""
    await connection.execute(MARK_DECIDED, extension_id, decided_by, now, agreed)


MARK_EXTENDED = "update miniapps.emergency set expires_at = greatest(expires_at, $2) where app_id = $1"


async def mark_extended(connection: Connection, app_id: str, until: datetime) -> None:
    """The emergency goes on until then."""
    await connection.execute(MARK_EXTENDED, app_id, until)
