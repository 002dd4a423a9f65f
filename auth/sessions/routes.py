"""Where am I signed in, and sign out."""

from uuid import UUID

from litestar import Router, delete, get, put
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.guards import signed_in
from auth.principal import Principal
from auth.sessions.overview.models import NameSession, SessionView
from auth.sessions.overview.service import SessionOverview
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
    connection: Injected[Connection], principal: Injected[Principal], session_overview: Injected[SessionOverview]
) -> SessionList:
    """For whom, on which device, in which program, when first and last. No place is kept.

    A session that stands on a phone alone sees itself: its holder may not be the person. It may end the others.
    """
    return SessionList(items=await session_overview.list_sessions(connection, principal))


@put("/v1/me/sessions/{session_id:uuid}/name", summary="Give a session a name", tags=["me"])
async def name_my_session(
    *,
    data: JSONBody[NameSession],
    connection: Injected[Connection],
    principal: Injected[Principal],
    session_overview: Injected[SessionOverview],
    once: Injected[Once],
    session_id: FromPath[UUID],
) -> SessionView:
    """So that it is recognised in the list, and ended when it is not. Refusal: `session-unknown`."""
    return await once(SessionView, lambda: session_overview.name_session(connection, principal, session_id, data))


@delete("/v1/me/sessions/{session_id:uuid}", summary="Sign out one session", tags=["me"], status_code=200)
async def end_my_session(
    connection: Injected[Connection],
    principal: Injected[Principal],
    sessions: Injected[Sessions],
    once: Injected[Once],
    session_id: FromPath[UUID],
) -> Ended:
    """With it ends everything that began in it. Refusal: `session-unknown`."""

    async def act() -> Ended:
        return Ended(ended=await sessions.end_session(connection, principal, session_id))

    return await once(Ended, act)


@delete("/v1/me/sessions/others", summary="Sign out everywhere but here", tags=["me"], status_code=200)
async def end_my_other_sessions(
    connection: Injected[Connection], principal: Injected[Principal], sessions: Injected[Sessions], once: Injected[Once]
) -> Ended:
    """Every phone, browser and department but the session that asks."""

    async def act() -> Ended:
        return Ended(ended=await sessions.end_other_sessions(connection, principal))

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
    route_handlers=[list_my_sessions, name_my_session, end_my_session, end_my_other_sessions, end_all_my_sessions],
    guards=[signed_in],
)
