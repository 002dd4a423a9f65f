"""Rows of freezes, and the locks under which one begins and ends."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from codes.showing.freezes.models import Decision, Freeze

# Freezes are rare: they take turns all over the city, so that none restores what another takes out. The second lock
# is the one that granting shares.
LOCK_FREEZES = "select pg_advisory_xact_lock(hashtext('codes.freezes'))"
LOCK_PERSON = "select pg_advisory_xact_lock(hashtextextended('codes.person ' || $1::uuid, 0))"


async def lock_person(connection: Connection, person_id: UUID) -> None:
    """Nobody else freezes, lifts, or issues codes for this person until the caller's transaction ends."""
    await connection.execute(LOCK_FREEZES)
    await connection.execute(LOCK_PERSON, person_id)


INSERT_FREEZE = """
insert into codes.freeze (id, person_id, reason, explanation_sealed, frozen_at, frozen_by, organization_id)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (person_id, reason) where lifted_at is null do nothing
returning true
"""


async def insert_freeze(connection: Connection, freeze: Freeze) -> bool:
    """Whether it stands now; False when one for the same reason lasts already."""
    inserted = await connection.fetchval(
        INSERT_FREEZE,
        freeze.id,
        freeze.person_id,
        freeze.reason,
        freeze.explanation_sealed,
        freeze.frozen_at,
        freeze.frozen_by,
        freeze.organization_id,
    )
    return inserted is not None


SELECT_FREEZE = """
select id, person_id, reason, explanation_sealed, frozen_at, frozen_by, organization_id, lifted_at, lifted_by,
       lifted_because_sealed, appealed_at, appealed_by, appeal_sealed, decided_at, decided_by, decision,
       decision_because_sealed
  from codes.freeze
"""

FIND_FREEZE = SELECT_FREEZE + " where id = $1 and reason <> 'account'"


async def find_freeze(connection: Connection, freeze_id: UUID) -> Freeze | None:
    """A counter's freeze as it stands; callers who change it hold `lock_person`, and read again after that."""
    row = await connection.fetchrow(FIND_FREEZE, freeze_id)
    return None if row is None else convert(row, Freeze)


HAS_LASTING = "select exists (select from codes.freeze where person_id = $1 and lifted_at is null)"


async def has_lasting(connection: Connection, person_id: UUID) -> bool:
    """Whether any freeze lies on this person now."""
    return bool(await connection.fetchval(HAS_LASTING, person_id))


LIST_OF_PEOPLE = (
    SELECT_FREEZE
    + """
 where person_id = any($1) and reason <> 'account' and ($2::uuid is null or id < $2) order by id desc limit $3
"""
)


async def list_of_people(
    connection: Connection, people: Sequence[UUID], after: UUID | None, limit: int
) -> list[Freeze]:
    """Counters' freezes of these people, newest first."""
    return [convert(row, Freeze) for row in await connection.fetch(LIST_OF_PEOPLE, people, after, limit)]


LIST_APPEALED = (
    SELECT_FREEZE
    + """
 where appealed_at is not null and decided_at is null and ($1::uuid is null or id > $1) order by id limit $2
"""
)


async def list_appealed(connection: Connection, after: UUID | None, limit: int) -> list[Freeze]:
    """Freezes whose appeals wait for an answer, oldest first."""
    return [convert(row, Freeze) for row in await connection.fetch(LIST_APPEALED, after, limit)]


MARK_LIFTED = """
update codes.freeze set lifted_at = $2, lifted_by = $3, lifted_because_sealed = $4 where id = $1
"""


async def mark_lifted(
    connection: Connection, freeze_id: UUID, now: datetime, official_id: UUID, because_sealed: bytes
) -> None:
    """Ends it."""
    await connection.execute(MARK_LIFTED, freeze_id, now, official_id, because_sealed)


MARK_APPEALED = "update codes.freeze set appealed_at = $2, appealed_by = $3, appeal_sealed = $4 where id = $1"


async def mark_appealed(
    connection: Connection, freeze_id: UUID, now: datetime, person_id: UUID, appeal_sealed: bytes
) -> None:
    """Keeps what the holder says."""
    await connection.execute(MARK_APPEALED, freeze_id, now, person_id, appeal_sealed)


MARK_DECIDED = """
update codes.freeze set decided_at = $2, decided_by = $3, decision = $4, decision_because_sealed = $5 where id = $1
"""


async def mark_decided(
    connection: Connection,
    freeze_id: UUID,
    decision: Decision,
    *,
    now: datetime,
    official_id: UUID,
    because_sealed: bytes,
) -> None:
    """Keeps the answer."""
    await connection.execute(MARK_DECIDED, freeze_id, now, official_id, decision, because_sealed)


INSERT_ACCOUNT_MARK = """
insert into codes.freeze (id, person_id, reason, frozen_at) values ($1, $2, 'account', $3)
on conflict (person_id, reason) where lifted_at is null do nothing
"""


async def insert_account_mark(connection: Connection, mark_id: UUID, person_id: UUID, now: datetime) -> None:
    """Freezes the person's codes with their account; the caller holds `lock_person`."""
    await connection.execute(INSERT_ACCOUNT_MARK, mark_id, person_id, now)


DELETE_ACCOUNT_MARK = "delete from codes.freeze where person_id = $1 and reason = 'account'"


async def delete_account_mark(connection: Connection, person_id: UUID) -> None:
    """The account is back; the caller holds `lock_person`."""
    await connection.execute(DELETE_ACCOUNT_MARK, person_id)
