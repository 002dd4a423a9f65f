"""Rows of helpers."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.mandates.helpers.models import Helper, HelperKind

COLUMNS: Final = "id, badge, kind, person_id, organization_id, appointed_at, ends_at, ended_at"

INSERT_HELPER = f"""
insert into auth.helper ({COLUMNS}, appointed_by) values ($1, $2, $3, $4, $5, $6, $7, null, $8)
on conflict do nothing
returning true
"""  # noqa: S608 - constants of this module


async def insert_helper(connection: Connection, helper: Helper, appointed_by: UUID) -> bool:
    """A new helper; False when the badge is worn already, or the organization has this helper already."""
    return bool(
        await connection.fetchval(
            INSERT_HELPER,
            helper.id,
            helper.badge,
            helper.kind,
            helper.person_id,
            helper.organization_id,
            helper.appointed_at,
            helper.ends_at,
            appointed_by,
        )
    )


FIND_BY_BADGE = f"""
select {COLUMNS} from auth.helper where badge = $1 and kind = $2 and ended_at is null and ends_at > $3
"""  # noqa: S608 - constants of this module


async def find_by_badge(connection: Connection, badge: str, kind: HelperKind, now: datetime) -> Helper | None:
    """Who wears this badge now."""
    row = await connection.fetchrow(FIND_BY_BADGE, badge, kind, now)
    return convert(row, Helper) if row else None


FIND_LIVING = f"""
select {COLUMNS} from auth.helper
 where person_id = $1 and organization_id = $2 and kind = $3 and ended_at is null
   for share
"""  # noqa: S608 - constants of this module


async def find_living(
    connection: Connection, person_id: UUID, organization_id: UUID, kind: HelperKind
) -> Helper | None:
    """This person as this organization's helper, whom nobody has dismissed; so until the caller's transaction ends."""
    row = await connection.fetchrow(FIND_LIVING, person_id, organization_id, kind)
    return convert(row, Helper) if row else None


LIST_HELPERS = f"""
select {COLUMNS} from auth.helper
 where organization_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3
"""  # noqa: S608 - constants of this module


async def list_helpers(connection: Connection, organization_id: UUID, after: UUID | None, limit: int) -> list[Helper]:
    """An organization's helpers, dismissed or not, newest first."""
    return [convert(row, Helper) for row in await connection.fetch(LIST_HELPERS, organization_id, after, limit)]


MARK_ENDED = f"""
update auth.helper set ended_at = $3 where id = $1 and organization_id = $2 and ended_at is null returning {COLUMNS}
"""  # noqa: S608 - constants of this module


async def mark_ended(connection: Connection, helper_id: UUID, organization_id: UUID, now: datetime) -> Helper | None:
    """Takes a badge back; None when it is none of this organization's living ones."""
    row = await connection.fetchrow(MARK_ENDED, helper_id, organization_id, now)
    return convert(row, Helper) if row else None
