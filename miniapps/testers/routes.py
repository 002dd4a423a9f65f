"""Testers over HTTP: for the department that invites, and for the citizen who accepts and may leave."""

from uuid import UUID

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from auth.guards import citizen, official
from auth.principal import Principal
from miniapps.errors import AppUnknown, InvitationInvalid, OtherDepartment, TesterUnknown, TooManyTesters
from miniapps.refusals import refuses
from miniapps.registry.routes import TAGS, AppIdPath
from miniapps.testers.models import (
    AcceptInvitation,
    Invitation,
    InviteTester,
    TesterList,
    TesterView,
    TrialList,
    TrialView,
)
from miniapps.testers.service import Testers


@post(
    "/v1/apps/{app_id:str}/testers",
    summary="Invite a tester",
    tags=TAGS,
    guards=[official("developer")],
    responses=refuses(AppUnknown, OtherDepartment, TooManyTesters),
)
async def invite_tester(
    *,
    app_id: AppIdPath,
    data: JSONBody[InviteTester],
    connection: Injected[Connection],
    principal: Injected[Principal],
    testers: Injected[Testers],
    once: Injected[Once],
) -> Invitation:
    """A code for one citizen, shown this once, good for a week. The department never learns who accepted."""
    return await once(Invitation, lambda: testers.invite(connection, principal, app_id, data))


@get(
    "/v1/apps/{app_id:str}/testers",
    summary="A mini-app's testers",
    tags=TAGS,
    guards=[official("developer")],
    responses=refuses(AppUnknown, OtherDepartment),
)
async def list_testers(
    *,
    app_id: AppIdPath,
    connection: Injected[Connection],
    principal: Injected[Principal],
    testers: Injected[Testers],
    after: After = None,
    limit: Limit = 50,
) -> TesterList:
    """Newest first, by the department's own labels."""
    return await testers.list_testers(connection, principal, app_id, after=after, limit=limit)


@delete(
    "/v1/apps/{app_id:str}/testers/{tester_id:uuid}",
    summary="End a tester's part",
    tags=TAGS,
    status_code=200,
    guards=[official("developer")],
    responses=refuses(AppUnknown, OtherDepartment, TesterUnknown),
)
async def remove_tester(
    *,
    app_id: AppIdPath,
    tester_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    testers: Injected[Testers],
    once: Injected[Once],
) -> TesterView:
    """Whoever it was sees what everybody sees. An invitation that nobody accepted is void."""
    return await once(TesterView, lambda: testers.remove(connection, principal, app_id, tester_id))


@post(
    "/v1/me/trials",
    summary="Accept an invitation to test a mini-app",
    tags=TAGS,
    guards=[citizen],
    responses=refuses(InvitationInvalid),
)
async def accept_invitation(
    *,
    data: JSONBody[AcceptInvitation],
    connection: Injected[Connection],
    principal: Injected[Principal],
    testers: Injected[Testers],
    once: Injected[Once],
) -> TrialView:
    """From the next call on, releases on trial serve the caller: on every node within two seconds."""
    return await once(TrialView, lambda: testers.accept(connection, principal, data))


@get("/v1/me/trials", summary="What you test", tags=TAGS, guards=[citizen])
async def list_trials(
    connection: Injected[Connection], principal: Injected[Principal], testers: Injected[Testers]
) -> TrialList:
    """Mini-apps whose releases you see before others do."""
    return await testers.list_trials(connection, principal)


@delete(
    "/v1/me/trials/{app_id:str}",
    summary="Test a mini-app no longer",
    tags=TAGS,
    status_code=200,
    guards=[citizen],
    responses=refuses(TesterUnknown),
)
async def leave_trial(
    *,
    app_id: AppIdPath,
    connection: Injected[Connection],
    principal: Injected[Principal],
    testers: Injected[Testers],
    once: Injected[Once],
) -> TrialList:
    """You see what everybody sees again; the answer is what you still test."""
    return await once(TrialList, lambda: testers.leave(connection, principal, app_id))


router = Router(
    path="/",
    route_handlers=[invite_tester, list_testers, remove_tester, accept_invitation, list_trials, leave_trial],
)
