"""The rows of scenario editions."""

from datetime import datetime

from app.kit.database import Connection
from app.kit.structs import Model, convert


class StoredEdition(Model):
    """A city's scenario file as it was adopted; `slugs` are of every number that any edition ever gave a meaning."""

    edition: int
    version: str
    body: bytes
    slugs: dict[int, str]
    adopted_at: datetime


FIND_LATEST_NUMBER = "select max(edition) from codes.scenario_edition"


async def find_latest_number(connection: Connection) -> int | None:
    """The edition in force, or None when no file was ever adopted."""
    number: int | None = await connection.fetchval(FIND_LATEST_NUMBER)
    return number


FIND_LATEST = (
    "select edition, version, body, slugs, adopted_at from codes.scenario_edition order by edition desc limit 1"
)


async def find_latest(connection: Connection) -> StoredEdition | None:
    """The edition in force with its text, or None."""
    row = await connection.fetchrow(FIND_LATEST)
    if row is None:
        return None
    slugs = {int(number): slug for number, slug in row["slugs"].items()}  # JSON knows no whole numbers as names
    return convert({**row, "slugs": slugs}, StoredEdition)


LOCK_EDITIONS = "select pg_advisory_xact_lock(hashtextextended('codes.scenario_edition', 0))"


async def lock_editions(connection: Connection) -> None:
    """Lets workers adopt one after the other, until the transaction ends."""
    await connection.execute(LOCK_EDITIONS)


INSERT_EDITION = """
insert into codes.scenario_edition (edition, version, body, slugs, adopted_at) values ($1, $2, $3, $4, $5)
"""


async def insert_edition(connection: Connection, edition: StoredEdition) -> None:
    """Adds an edition; its number must be new."""
    await connection.execute(
        INSERT_EDITION,
        edition.edition,
        edition.version,
        edition.body,
        {str(number): slug for number, slug in edition.slugs.items()},
        edition.adopted_at,
    )
