"""The counter's desk, and what the holder reads and says."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import After, Injected, Limit, refuse
from app.kit.idempotency import Once
from auth.guards import official, person
from auth.principal import Principal
from codes.showing.freezes.models import AppealFreeze, DecideAppeal, FreezeCodes, FreezeList, FreezeView, LiftFreeze
from codes.showing.freezes.service import Freezes

counter = official("counter")


@post("/v1/codes/freezes", guards=[counter], summary="Freeze a person's codes")
async def freeze_codes(
    *,
    request: Request[Any, Any, Any],
    data: JSONBody[FreezeCodes],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    freezes: Injected[Freezes],
) -> Response[FreezeView]:
    """On the holder's request, for loss, fraud, death, or a court's order; the holder reads why, and may appeal.

    Online scanners refuse at once, offline ones when they next pull the status lists. Nothing is voided.
    """
    answer: FreezeView | SuishenError = await once(FreezeView, lambda: freezes.freeze(connection, principal, data))
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer)


@post("/v1/codes/freezes/{freeze_id:uuid}/lift", guards=[counter], status_code=HTTP_200_OK, summary="End a freeze")
async def lift_freeze(
    *,
    freeze_id: FromPath[UUID],
    data: JSONBody[LiftFreeze],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    freezes: Injected[Freezes],
) -> FreezeView:
    """With the person at the counter, face and document compared. Fraud, death and orders need another official."""
    return await once(FreezeView, lambda: freezes.lift(connection, principal, freeze_id, data))


@get("/v1/codes/freezes/appeals", guards=[counter], summary="Appeals that wait for an answer")
async def list_appeals(
    connection: Injected[Connection], freezes: Injected[Freezes], after: After = None, limit: Limit = 20
) -> FreezeList:
    """A page, oldest first."""
    return await freezes.list_appeals(connection, after=after, limit=limit)


@post(
    "/v1/codes/freezes/{freeze_id:uuid}/decision",
    guards=[counter],
    status_code=HTTP_200_OK,
    summary="Answer an appeal",
)
async def decide_appeal(
    *,
    freeze_id: FromPath[UUID],
    data: JSONBody[DecideAppeal],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    freezes: Injected[Freezes],
) -> FreezeView:
    """By another official than the one who froze. The holder reads the reasons."""
    return await once(FreezeView, lambda: freezes.decide(connection, principal, freeze_id, data))


@get("/v1/codes/freezes", guards=[person()], summary="Freezes of my codes")
async def list_my_freezes(
    principal: Injected[Principal],
    connection: Injected[Connection],
    freezes: Injected[Freezes],
    after: After = None,
    limit: Limit = 20,
) -> FreezeList:
    """码冻结记录: why my codes, or my children's, were frozen, by which office, and what became of an appeal."""
    return await freezes.list_mine(connection, principal, after=after, limit=limit)


@post("/v1/codes/freezes/{freeze_id:uuid}/appeal", guards=[person()], summary="Appeal against a freeze")
async def appeal_freeze(
    *,
    freeze_id: FromPath[UUID],
    data: JSONBody[AppealFreeze],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    freezes: Injected[Freezes],
) -> FreezeView:
    """Once for each freeze, by the holder or a child's guardian. Another official answers."""
    return await once(FreezeView, lambda: freezes.appeal(connection, principal, freeze_id, data))


def freeze_router(freezes: Freezes) -> Router:
    """The routes over `freezes`."""
    return Router(
        path="/",
        route_handlers=[freeze_codes, lift_freeze, list_appeals, decide_appeal, list_my_freezes, appeal_freeze],
        dependencies={"freezes": Provide(lambda: freezes, sync_to_thread=False)},
        tags=["codes: freezes"],
    )
