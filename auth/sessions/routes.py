"""Where am I signed in, and sign out."""

from uuid import UUID

from litestar import Router, delete, get
from litestar.params import FromPath

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.guards import signed_in
from auth.principal import Principal
from auth.sessions.models import SessionView
from auth.sessions.service import Sessions


class SessionList(Model):
    """Living sessions, newest first; all of them, so `next` is always null."""

    items: list[SessionView]
    next: str | None = None


class Ended(Model):
    """How many sessions were ended."""

    ended: int


@get("/v1/me/sessions", summary="Where I am signed in", tags=["me"])
async def list_my_sessions(
    connection: Injected[Connection], principal: Injected[Principal], sessions: Injected[Sessions]
) -> SessionList:
    return SessionList(items=await sessions.list_sessions(connection, principal))


@delete("/v1/me/sessions/{session_id:uuid}", summary="Sign out one session", tags=["me"], status_code=200)
async def end_my_session(
    connection: Injected[Connection],
    principal: Injected[Principal],
    sessions: Injected[Sessions],
    once: Injected[Once],
    session_id: FromPath[UUID],
) -> Ended:
    async def act() -> Ended:
        await sessions.end_session(connection, principal, session_id)
        return Ended(ended=1)

    return await once(Ended, act)


@delete("/v1/me/sessions", summary="Sign out everywhere, here too", tags=["me"], status_code=200)
async def end_all_my_sessions(
    connection: Injected[Connection], principal: Injected[Principal], sessions: Injected[Sessions], once: Injected[Once]
) -> Ended:
    async def act() -> Ended:
        return Ended(ended=await sessions.end_all_sessions(connection, principal))

    return await once(Ended, act)


router = Router(
    path="/",
    route_handlers=[list_my_sessions, end_my_session, end_all_my_sessions],
    guards=[signed_in],
)
