"""Rows of mandates. What changes a tree takes turns by its principal: see `lock_tree`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.mandates.models import Mandate, MandateKind, OwnWord

COLUMNS: Final = """
id, principal_type, principal_id, agent_id, kind, role, proof, starts_at, ends_at, parent_id, depth, items, scenarios,
apps, may_delegate, given_by, sponsor_id, own_word_from, own_word, stops, revoked_at, revoked_reason
"""
LIVING: Final = "revoked_at is null and stops = '{{}}' and starts_at <= {now} and (ends_at is null or ends_at > {now})"

LOCK_TREE = "select pg_advisory_xact_lock(hashtextextended('auth.mandates ' || $1::uuid, 0))"


async def lock_tree(connection: Connection, principal_id: UUID) -> None:
    """Waits until nobody else is giving or ending this principal's mandates; taken before any row of theirs."""
    await connection.execute(LOCK_TREE, principal_id)


HOLD_PEOPLE = "select id, status from auth.person where id = any($1) order by id for share"


async def list_not_active(connection: Connection, people: Sequence[UUID]) -> list[UUID]:
    """Whose account is frozen or ended; so until the caller's transaction ends. Taken before `lock_tree`."""
    return [row["id"] for row in await connection.fetch(HOLD_PEOPLE, people) if row["status"] != "active"]


INSERT_MANDATE = """
insert into auth.mandate
       (id, principal_type, principal_id, agent_id, kind, role, proof, starts_at, ends_at, parent_id, depth, items,
        scenarios, apps, may_delegate, given_by, sponsor_id, own_word_from, reference_sealed)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
"""


async def insert_mandate(connection: Connection, mandate: Mandate, reference_sealed: bytes | None = None) -> None:
    """A new mandate, and the sealed reference of its proof where there is one."""
    await connection.execute(
        INSERT_MANDATE,
        mandate.id,
        mandate.principal_type,
        mandate.principal_id,
        mandate.agent_id,
        mandate.kind,
        mandate.role,
        mandate.proof,
        mandate.starts_at,
        mandate.ends_at,
        mandate.parent_id,
        mandate.depth,
        mandate.items,
        mandate.scenarios,
        mandate.apps,
        mandate.may_delegate,
        mandate.given_by,
        mandate.sponsor_id,
        mandate.own_word_from,
        reference_sealed,
    )


FIND_MANDATE = f"select {COLUMNS} from auth.mandate where id = $1"  # noqa: S608 - constants of this module


async def find_mandate(connection: Connection, mandate_id: UUID) -> Mandate | None:
    """The mandate, in whatever state."""
    row = await connection.fetchrow(FIND_MANDATE, mandate_id)
    return convert(row, Mandate) if row else None


FIND_FOR_UPDATE = FIND_MANDATE + " for update"


async def find_for_update(connection: Connection, mandate_id: UUID) -> Mandate | None:
    """The mandate, in whatever state, as it is until the caller's transaction ends."""
    row = await connection.fetchrow(FIND_FOR_UPDATE, mandate_id)
    return convert(row, Mandate) if row else None


FIND_FOR_SHARE = FIND_MANDATE + " for share"


async def find_for_share(connection: Connection, mandate_id: UUID) -> Mandate | None:
    """The mandate, in whatever state; nobody ends it before the caller's transaction ends."""
    row = await connection.fetchrow(FIND_FOR_SHARE, mandate_id)
    return convert(row, Mandate) if row else None


LIST_OF_AGENT = f"""
select {COLUMNS} from auth.mandate
 where agent_id = $1 and kind = any($3) and {LIVING.format(now="$2")}
 order by id limit 200
"""  # noqa: S608 - constants of this module


async def list_of_agent(
    connection: Connection, agent_id: UUID, kinds: Sequence[MandateKind], now: datetime
) -> list[Mandate]:
    """The living mandates of a person, of these kinds."""
    return [convert(row, Mandate) for row in await connection.fetch(LIST_OF_AGENT, agent_id, now, kinds)]


LIST_FOR_SHARE = f"""
select {COLUMNS} from auth.mandate
 where agent_id = $1 and principal_id = $2 and kind = any($3) and revoked_at is null
 order by depth, id limit 50
   for share
"""  # noqa: S608 - constants of this module


async def list_for_share(
    connection: Connection, agent_id: UUID, principal_id: UUID, kinds: Sequence[MandateKind]
) -> list[Mandate]:
    """What nobody has ended of what this person holds for this principal, nearest to the root first.

    None of them ends before the caller's transaction does.
    """
    return [convert(row, Mandate) for row in await connection.fetch(LIST_FOR_SHARE, agent_id, principal_id, kinds)]


FIND_RESPONSIBLE = f"""
select {COLUMNS} from auth.mandate where principal_id = $1 and kind = 'responsible_person' and revoked_at is null
   for update
"""  # noqa: S608 - constants of this module


async def find_responsible(connection: Connection, principal_id: UUID) -> Mandate | None:
    """Who answers for the organization; locked for the caller's transaction."""
    row = await connection.fetchrow(FIND_RESPONSIBLE, principal_id)
    return convert(row, Mandate) if row else None


FIND_RESPONSIBLE_ID = """
select agent_id from auth.mandate where principal_id = $1 and kind = 'responsible_person' and revoked_at is null
"""


async def find_responsible_id(connection: Connection, principal_id: UUID) -> UUID | None:
    """Who answers for the organization."""
    found: UUID | None = await connection.fetchval(FIND_RESPONSIBLE_ID, principal_id)
    return found


LIST_GUARDIANS = f"""
select distinct agent_id from auth.mandate
 where principal_id = $1 and kind in ('guardian', 'adult_guardian') and {LIVING.format(now="$2")}
 order by agent_id
"""  # noqa: S608 - constants of this module


async def list_guardians(connection: Connection, ward_id: UUID, now: datetime) -> list[UUID]:
    """Who is the guardian of this person now."""
    return [row["agent_id"] for row in await connection.fetch(LIST_GUARDIANS, ward_id, now)]


FIND_GUARDIANSHIP = f"""
select {COLUMNS} from auth.mandate
 where agent_id = $1 and principal_id = $2 and kind = 'guardian' and revoked_at is null
   for update
"""  # noqa: S608 - constants of this module


async def find_guardianship(connection: Connection, guardian_id: UUID, child_id: UUID) -> Mandate | None:
    """The guardianship that nobody has ended, over or not; locked for the caller's transaction."""
    row = await connection.fetchrow(FIND_GUARDIANSHIP, guardian_id, child_id)
    return convert(row, Mandate) if row else None


LIST_OF_PRINCIPAL = f"""
select {COLUMNS} from auth.mandate
 where principal_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3
"""  # noqa: S608 - constants of this module


async def list_of_principal(
    connection: Connection, principal_id: UUID, *, after: UUID | None, limit: int
) -> list[Mandate]:
    """All that was ever given for this principal, newest first."""
    return [convert(row, Mandate) for row in await connection.fetch(LIST_OF_PRINCIPAL, principal_id, after, limit)]


LIST_HELD = f"""
select {COLUMNS} from auth.mandate
 where agent_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3
"""  # noqa: S608 - constants of this module


async def list_held(connection: Connection, agent_id: UUID, *, after: UUID | None, limit: int) -> list[Mandate]:
    """All that this person ever held, newest first."""
    return [convert(row, Mandate) for row in await connection.fetch(LIST_HELD, agent_id, after, limit)]


LIST_TREE_FOR_UPDATE = f"""
with recursive tree (branch_id) as (
  select $1::uuid
  union
  select m.id from auth.mandate m join tree on m.parent_id = tree.branch_id
)
select {COLUMNS} from auth.mandate
 where id in (select branch_id from tree) and revoked_at is null
 order by depth, id
   for update
"""  # noqa: S608 - constants of this module


async def list_tree_for_update(connection: Connection, mandate_id: UUID) -> list[Mandate]:
    """The mandate and all below it that nobody has ended, from the root down; locked. The caller holds `lock_tree`."""
    return [convert(row, Mandate) for row in await connection.fetch(LIST_TREE_FOR_UPDATE, mandate_id)]


LIST_OF_PERSON = f"""
select {COLUMNS} from auth.mandate
 where (agent_id = $1 or principal_id = $1) and revoked_at is null
 order by principal_id, depth, id
"""  # noqa: S608 - constants of this module


async def list_of_person(connection: Connection, person_id: UUID) -> list[Mandate]:
    """All that nobody has ended of what a person holds or gave."""
    return [convert(row, Mandate) for row in await connection.fetch(LIST_OF_PERSON, person_id)]


LIST_GUARDIANSHIPS_FOR_UPDATE = f"""
select {COLUMNS} from auth.mandate
 where principal_id = $1 and kind in ('guardian', 'adult_guardian') and revoked_at is null
 order by id
   for update
"""  # noqa: S608 - constants of this module


async def list_guardianships_for_update(connection: Connection, ward_id: UUID) -> list[Mandate]:
    """The guardianships over a person that nobody has ended, stopped or not; locked."""
    return [convert(row, Mandate) for row in await connection.fetch(LIST_GUARDIANSHIPS_FOR_UPDATE, ward_id)]


LIST_ANCESTOR_IDS = """
with recursive line (id, parent_id) as (
  select id, parent_id from auth.mandate where id = $1
  union
  select m.id, m.parent_id from auth.mandate m join line on m.id = line.parent_id
)
select id from line where id <> $1
"""


async def list_ancestor_ids(connection: Connection, mandate_id: UUID) -> list[UUID]:
    """Under which mandates it was given."""
    return [row["id"] for row in await connection.fetch(LIST_ANCESTOR_IDS, mandate_id)]


LIST_OF_SPONSOR = f"""
select {COLUMNS} from auth.mandate
 where agent_id = $1 and sponsor_id = $2 and kind = any($3) and revoked_at is null
 order by principal_id, id
"""  # noqa: S608 - constants of this module


async def list_of_sponsor(
    connection: Connection, agent_id: UUID, sponsor_id: UUID, kinds: Sequence[MandateKind]
) -> list[Mandate]:
    """What this person holds on an organization's word, and nobody has ended; in the order of the trees' locks."""
    return [convert(row, Mandate) for row in await connection.fetch(LIST_OF_SPONSOR, agent_id, sponsor_id, kinds)]


LIST_OVER = f"""
select {COLUMNS} from auth.mandate where ends_at <= $1 and revoked_at is null order by id limit $2
"""  # noqa: S608 - constants of this module


async def list_over(connection: Connection, now: datetime, limit: int) -> list[Mandate]:
    """Mandates whose time has passed and whose end nobody has written down yet."""
    return [convert(row, Mandate) for row in await connection.fetch(LIST_OVER, now, limit)]


MARK_REVOKED = "update auth.mandate set revoked_at = $2, revoked_reason = $3 where id = $1 and revoked_at is null"


async def mark_revoked(connection: Connection, mandate_id: UUID, now: datetime, reason: str) -> None:
    """Ends a mandate for ever."""
    await connection.execute(MARK_REVOKED, mandate_id, now, reason)


MARK_STOPPED = "update auth.mandate set stops = array_append(stops, $2) where id = $1 and $2 <> all (stops)"


async def mark_stopped(connection: Connection, mandate_id: UUID, why: str) -> None:
    """Stops a mandate until `mark_resumed` for the same reason."""
    await connection.execute(MARK_STOPPED, mandate_id, why)


MARK_RESUMED = "update auth.mandate set stops = array_remove(stops, $2) where id = $1"


async def mark_resumed(connection: Connection, mandate_id: UUID, why: str) -> None:
    """A mandate counts again, unless it is stopped for another reason too."""
    await connection.execute(MARK_RESUMED, mandate_id, why)


MARK_OWN_WORD = "update auth.mandate set own_word = $2 where id = $1"


async def mark_own_word(connection: Connection, mandate_id: UUID, word: OwnWord) -> None:
    """What the child says to it."""
    await connection.execute(MARK_OWN_WORD, mandate_id, word)
