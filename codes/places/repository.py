"""The rows of places and things. There is no function that writes down a scan, because there is no row for it."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from codes.places.models import Place

COLUMNS = (
    "id, organization_id, site_id, site_name, site_address, label, number, scenarios, cti, shard, index, carrier, "
    "state, issued_at, expires_at, revoked_at"
)

NEXT_NUMBER = "select nextval('codes.place_number')"


async def draw_number(connection: Connection) -> int:
    """A number that no other sticker has."""
    number: int = await connection.fetchval(NEXT_NUMBER)
    return number


LIST_SCANNED = """
select distinct unnest(scenarios) as scenario from codes.scanner where site_id = $1 and state = 'active'
"""


async def list_scanned_at(connection: Connection, site_id: UUID) -> set[int]:
    """The scenarios in which scanners that stand at this site may ask."""
    return {row["scenario"] for row in await connection.fetch(LIST_SCANNED, site_id)}


INSERT_PLACE = """
insert into codes.place
       (id, organization_id, site_id, site_name, site_address, label, number, scenarios, cti, shard, index, carrier,
        profile, state, issued_at, issued_by, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'active', $14, $15, $16)
"""


async def insert_place(connection: Connection, place: Place, *, profile: int, issued_by: str) -> None:
    """Adds a sticker."""
    await connection.execute(
        INSERT_PLACE,
        place.id,
        place.organization_id,
        place.site_id,
        place.site_name,
        place.site_address,
        place.label,
        place.number,
        place.scenarios,
        place.cti,
        place.shard,
        place.index,
        place.carrier,
        profile,
        place.issued_at,
        issued_by,
        place.expires_at,
    )


FIND_PLACE_BY_CTI = f"select {COLUMNS} from codes.place where cti = $1"  # noqa: S608 - a constant


async def find_place_by_cti(connection: Connection, cti: bytes) -> Place | None:
    """The sticker that this pointer stands in, in whatever state, or None."""
    row = await connection.fetchrow(FIND_PLACE_BY_CTI, cti)
    return None if row is None else convert(row, Place)


FIND_PLACE = f"select {COLUMNS} from codes.place where id = $1 and organization_id = $2"  # noqa: S608 - a constant


async def find_place(connection: Connection, place_id: UUID, organization_id: UUID) -> Place | None:
    """The organization's own sticker, or None."""
    row = await connection.fetchrow(FIND_PLACE, place_id, organization_id)
    return None if row is None else convert(row, Place)


LIST_PLACES = f"""
select {COLUMNS} from codes.place
 where organization_id = $1 and ($2::uuid is null or id < $2)
 order by id desc limit $3
"""  # noqa: S608 - a constant


async def list_places(connection: Connection, organization_id: UUID, after: UUID | None, limit: int) -> list[Place]:
    """A page of an organization's stickers, newest first."""
    rows = await connection.fetch(LIST_PLACES, organization_id, after, limit)
    return [convert(row, Place) for row in rows]


COUNT_VALID = "select count(*) from codes.place where organization_id = $1 and state = 'active' and expires_at > $2"


async def count_valid(connection: Connection, organization_id: UUID, now: datetime) -> int:
    """How many stickers of the organization are good now."""
    counted: int = await connection.fetchval(COUNT_VALID, organization_id, now)
    return counted


MARK_REVOKED = "update codes.place set state = 'revoked', revoked_at = $2 where id = $1 and state = 'active'"


async def mark_revoked(connection: Connection, place_id: UUID, now: datetime) -> bool:
    """Whether this call ended the sticker; False when it had ended before."""
    return await connection.execute(MARK_REVOKED, place_id, now) == "UPDATE 1"
