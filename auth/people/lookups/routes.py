"""Asking for another person's data, answering such a question, and looking somebody up by law."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import After, Injected, Limit, refuse
from app.kit.idempotency import Once
from auth.guards import REAL_NAME, official, person, signed_in, stepped_up
from auth.people.lookups.models import (
    AskedView,
    AskLookup,
    BasisList,
    BasisView,
    DecideLookup,
    LookedUp,
    LookUpByLaw,
    LookupList,
    LookupView,
    RegisterBasis,
)
from auth.people.lookups.service import Lookups
from auth.principal import Principal

AnyRequest = Request[Any, Any, Any]
known = person(ial=REAL_NAME)
guardian_of_security = official("security_admin")


@post(
    "/v1/lookups",
    guards=[signed_in],
    status_code=HTTP_202_ACCEPTED,
    summary="Ask for another person's data",
    tags=["look-ups"],
)
async def ask_lookup(
    *,
    request: AnyRequest,
    data: JSONBody[AskLookup],
    connection: Injected[Connection],
    principal: Injected[Principal],
    lookups: Injected[Lookups],
    once: Injected[Once],
) -> Response[AskedView]:
    """They are told, read what for, and have a day to say yes or no. The answer is the same when nobody is asked."""
    answer: AskedView | SuishenError
    answer = await once(AskedView, lambda: lookups.ask(connection, principal, data))
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer, status_code=HTTP_202_ACCEPTED)


@get("/v1/lookups/{lookup_id:uuid}", guards=[signed_in], summary="What became of my question", tags=["look-ups"])
async def read_lookup(
    lookup_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    lookups: Injected[Lookups],
) -> Response[AskedView]:
    """For ten minutes after a yes the data stand here. A no looks like silence; each look is on the person's list."""
    view = await lookups.read(connection, principal, lookup_id)
    return Response(view, headers={"Cache-Control": "no-store"})


@get("/v1/me/lookups", guards=[known], summary="Who looked me up, or asks to", tags=["me"])
async def list_my_lookups(
    connection: Injected[Connection],
    principal: Injected[Principal],
    lookups: Injected[Lookups],
    after: After = None,
    limit: Limit = 20,
) -> LookupList:
    """查询记录: who, what, what for, by which law or at your own word, and when it was seen; newest first."""
    return await lookups.list_mine(connection, principal.subject_id, after=after, limit=limit)


@post(
    "/v1/me/lookups/{lookup_id:uuid}/decision",
    guards=[known, stepped_up(aal=1)],
    status_code=HTTP_200_OK,
    summary="Say yes or no to a question about me",
    tags=["me"],
)
async def decide_lookup(
    *,
    lookup_id: FromPath[UUID],
    data: JSONBody[DecideLookup],
    connection: Injected[Connection],
    principal: Injected[Principal],
    lookups: Injected[Lookups],
    once: Injected[Once],
) -> LookupView:
    """A yes shows what was asked for, and no more, for ten minutes. Needs a sign-in of the last minutes."""
    return await once(LookupView, lambda: lookups.decide(connection, principal, lookup_id, data.decision))


@post(
    "/v1/staff/lookups",
    guards=[official("lookup_officer")],
    status_code=HTTP_200_OK,
    summary="Look somebody up by law",
    tags=["staff"],
)
async def look_up(
    *,
    request: AnyRequest,
    data: JSONBody[LookUpByLaw],
    connection: Injected[Connection],
    principal: Injected[Principal],
    lookups: Injected[Lookups],
) -> Response[LookedUp]:
    """What a registered basis of your own department allows. The person is told, and reads basis and case.

    Each call is a look of its own: answers are never kept for a repeated request.
    """
    answer = await lookups.look_up(connection, principal, data)
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer, headers={"Cache-Control": "no-store"})


@post("/v1/staff/lookup-bases", guards=[guardian_of_security], summary="Register a basis for look-ups", tags=["staff"])
async def register_basis(
    data: JSONBody[RegisterBasis],
    connection: Injected[Connection],
    principal: Injected[Principal],
    lookups: Injected[Lookups],
    once: Injected[Once],
) -> BasisView:
    """A law, the department that acts by it, and how much of a person it may see. It ends by itself."""
    return await once(BasisView, lambda: lookups.register_basis(connection, principal, data))


@get(
    "/v1/staff/lookup-bases",
    guards=[official("security_admin", "audit_admin", "lookup_officer")],
    summary="Registered bases for look-ups",
    tags=["staff"],
)
async def list_bases(
    connection: Injected[Connection], lookups: Injected[Lookups], after: After = None, limit: Limit = 50
) -> BasisList:
    """Oldest first; ended ones too."""
    return await lookups.list_bases(connection, after=after, limit=limit)


@delete(
    "/v1/staff/lookup-bases/{basis_id:uuid}",
    guards=[guardian_of_security],
    status_code=HTTP_200_OK,
    summary="End a basis for look-ups",
    tags=["staff"],
)
async def end_basis(
    basis_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    lookups: Injected[Lookups],
    once: Injected[Once],
) -> BasisView:
    """Nobody is looked up by it from now on."""
    return await once(BasisView, lambda: lookups.end_basis(connection, principal, basis_id))


router = Router(
    path="/",
    route_handlers=[
        ask_lookup,
        read_lookup,
        list_my_lookups,
        decide_lookup,
        look_up,
        register_basis,
        list_bases,
        end_basis,
    ],
)
