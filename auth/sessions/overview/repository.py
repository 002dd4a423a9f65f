"""Rows that stand beside sessions: the program that speaks, and the holder's own name for it."""

from collections.abc import Sequence
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.sessions.overview.models import SessionContext

UPSERT_AGENT = """
insert into auth.session_context (session_id, agent) values ($1, $2)
on conflict (session_id) do update set agent = excluded.agent
"""


async def upsert_agent(connection: Connection, session_id: UUID, agent: str) -> None:
    """The program through which a session speaks."""
    await connection.execute(UPSERT_AGENT, session_id, agent)


UPSERT_NAME = """
insert into auth.session_context (session_id, name_sealed) values ($1, $2)
on conflict (session_id) do update set name_sealed = excluded.name_sealed
"""


async def upsert_name(connection: Connection, session_id: UUID, name_sealed: bytes) -> None:
    """What its holder calls it."""
    await connection.execute(UPSERT_NAME, session_id, name_sealed)


LIST_CONTEXTS = "select session_id, agent, name_sealed from auth.session_context where session_id = any($1::uuid[])"


async def list_contexts(connection: Connection, session_ids: Sequence[UUID]) -> dict[UUID, SessionContext]:
    """What is known beside these sessions; those of which nothing is are left out."""
    rows = await connection.fetch(LIST_CONTEXTS, list(session_ids))
    return {row["session_id"]: convert(row, SessionContext) for row in rows}
