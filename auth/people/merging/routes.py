"""Merging two accounts of one person at a counter."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import After, Injected, Limit, refuse
from app.kit.idempotency import Once
from auth.guards import official, person, stepped_up
from auth.people.merging.models import MergeAccounts, MergeList, MergeTicket, MergeView, UndoMerge
from auth.people.merging.service import Merging
from auth.principal import Principal

counter = official("counter")


@post(
    "/v1/me/merge-tickets",
    guards=[person(), stepped_up(aal=1)],
    status_code=HTTP_201_CREATED,
    summary="Show at a counter that this account is mine too",
    tags=["me"],
)
async def make_ticket(
    connection: Injected[Connection],
    principal: Injected[Principal],
    merging: Injected[Merging],
    once: Injected[Once],
) -> Response[MergeTicket]:
    """Eight characters, good once and for ten minutes: the official types them beside your document."""
    ticket = await once(MergeTicket, lambda: merging.make_ticket(connection, principal))
    return Response(ticket, status_code=HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


@post(
    "/v1/staff/people/merges",
    guards=[counter],
    status_code=HTTP_200_OK,
    summary="Merge two accounts of one person",
    tags=["staff"],
)
async def merge_accounts(
    *,
    request: Request[Any, Any, Any],
    data: JSONBody[MergeAccounts],
    connection: Injected[Connection],
    principal: Injected[Principal],
    merging: Injected[Merging],
    once: Injected[Once],
) -> Response[MergeView]:
    """With the person at the counter. Phones, documents and mandates go on under the kept account.

    Sessions, devices, codes and consents of the merged one end.
    """
    answer: MergeView | SuishenError
    answer = await once(MergeView, lambda: merging.merge(connection, principal, data))
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer)


@post(
    "/v1/staff/people/merges/{merge_id:uuid}/undoing",
    guards=[counter],
    status_code=HTTP_200_OK,
    summary="Undo a merge",
    tags=["staff"],
)
async def undo_merge(
    *,
    merge_id: FromPath[UUID],
    data: JSONBody[UndoMerge],
    connection: Injected[Connection],
    principal: Injected[Principal],
    merging: Injected[Merging],
    once: Injected[Once],
) -> MergeView:
    """Each account has its own phones, documents and mandates again; what ended stays ended."""
    return await once(MergeView, lambda: merging.undo(connection, principal, merge_id, data))


@get("/v1/staff/people/merges", guards=[counter], summary="Merges of my office", tags=["staff"])
async def list_merges(
    connection: Injected[Connection],
    principal: Injected[Principal],
    merging: Injected[Merging],
    after: After = None,
    limit: Limit = 20,
) -> MergeList:
    """Newest first; undone ones too."""
    return await merging.list_merges(connection, principal, after=after, limit=limit)


router = Router(path="/", route_handlers=[make_ticket, merge_accounts, undo_merge, list_merges])
