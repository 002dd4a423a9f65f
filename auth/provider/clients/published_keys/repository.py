"""Rows of published keys."""

from datetime import datetime

import msgspec

from app.kit.database import Connection
from app.kit.structs import convert
from auth.keys import PublicJwk
from auth.provider.clients.published_keys.models import StoredKeys

FIND_KEYS = "select jwks_uri, keys, asked_at, fetched_at from auth.client_keys where client_id = $1"


async def find_keys(connection: Connection, client_id: str) -> StoredKeys | None:
    """What is known of this client's keys."""
    row = await connection.fetchrow(FIND_KEYS, client_id)
    return convert(row, StoredKeys) if row else None


MARK_ASKED = """
insert into auth.client_keys as known (client_id, jwks_uri, asked_at) values ($1, $2, $3)
on conflict (client_id) do update set
  asked_at = excluded.asked_at,
  keys = case when known.jwks_uri = excluded.jwks_uri then known.keys else '{}' end,
  fetched_at = case when known.jwks_uri = excluded.jwks_uri then known.fetched_at end,
  jwks_uri = excluded.jwks_uri
 where known.asked_at <= $4 or known.jwks_uri <> excluded.jwks_uri
returning true
"""


async def mark_asked(connection: Connection, client_id: str, jwks_uri: str, *, now: datetime, before: datetime) -> bool:
    """Whether nobody has asked since `before`: of any number of callers one is told so. Another address begins anew."""
    return bool(await connection.fetchval(MARK_ASKED, client_id, jwks_uri, now, before))


MARK_FETCHED = """
update auth.client_keys set keys = $3, fetched_at = $4 where client_id = $1 and jwks_uri = $2
"""


async def mark_fetched(
    connection: Connection, client_id: str, jwks_uri: str, keys: dict[str, PublicJwk], now: datetime
) -> None:
    """What stands at the address now; nothing, when the client has another address meanwhile."""
    await connection.execute(MARK_FETCHED, client_id, jwks_uri, msgspec.to_builtins(keys), now)
