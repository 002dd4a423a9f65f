"""Rows of launches: authorization requests that no browser opens, each of one session of a phone."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.provider.authorize.models import StoredRequest
from auth.provider.authorize.repository import COLUMNS

INSERT_LAUNCH = """
insert into auth.authorization_request
  (id, client_id, parameters, uri_hash, created_at, expires_at, browser_session_id)
values ($1, $2, $3, $4, $5, $6, $7)
"""


async def insert_launch(connection: Connection, launch: StoredRequest, uri_hash: bytes) -> None:
    """A new launch. `uri_hash` is of a value that nobody was told, so that no browser can open it."""
    await connection.execute(
        INSERT_LAUNCH,
        launch.id,
        launch.client_id,
        launch.parameters,
        uri_hash,
        launch.created_at,
        launch.expires_at,
        launch.browser_session_id,
    )


FIND_LAUNCH = f"""
select {COLUMNS} from auth.authorization_request
 where id = $1 and browser_session_id = $2 and browser_hash is null and ended_at is null and expires_at > $3
   for update
"""  # noqa: S608 - constants of another module


async def find_launch_for_update(
    connection: Connection, launch_id: UUID, session_id: UUID, now: datetime
) -> StoredRequest | None:
    """The launch of this very session while it lasts, locked until the caller's transaction ends."""
    row = await connection.fetchrow(FIND_LAUNCH, launch_id, session_id, now)
    return convert(row, StoredRequest) if row else None
