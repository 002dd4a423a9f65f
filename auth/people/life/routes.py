"""The counter's and the hotline's desk for accounts, and what the holder reads of it."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import After, Injected, Limit, refuse
from app.kit.idempotency import Once
from auth.guards import official, person
from auth.people.life.models import (
    AccountEventList,
    AccountState,
    FreezeAccount,
    RecordDeath,
    ReverseDeath,
    UnfreezeAccount,
)
from auth.people.life.service import PersonLife
from auth.principal import Principal

counter = official("counter")
AnyRequest = Request[Any, Any, Any]


@post(
    "/v1/staff/people/freezes",
    guards=[official("counter", "hotline")],
    status_code=HTTP_200_OK,
    summary="Freeze an account",
    tags=["staff"],
)
async def freeze_account(
    *,
    request: AnyRequest,
    data: JSONBody[FreezeAccount],
    connection: Injected[Connection],
    principal: Injected[Principal],
    person_life: Injected[PersonLife],
    once: Injected[Once],
) -> Response[AccountState]:
    """For a lost or stolen phone, at the holder's wish, for fraud or by a court's order; the holder reads why.

    Sessions end, codes are refused, nobody signs in. The hotline may freeze, and nothing else.
    """
    return _answer(request, await once(AccountState, lambda: person_life.freeze(connection, principal, data)))


@post(
    "/v1/staff/people/unfreezings",
    guards=[counter],
    status_code=HTTP_200_OK,
    summary="Unfreeze an account",
    tags=["staff"],
)
async def unfreeze_account(
    *,
    request: AnyRequest,
    data: JSONBody[UnfreezeAccount],
    connection: Injected[Connection],
    principal: Injected[Principal],
    person_life: Injected[PersonLife],
    once: Injected[Once],
) -> Response[AccountState]:
    """With the person at the counter, face and document compared. Fraud and orders need another official.

    Devices of a phone that was lost or stolen end, unless `phone_found`; the person enrols a new one.
    """
    return _answer(request, await once(AccountState, lambda: person_life.unfreeze(connection, principal, data)))


@post("/v1/staff/people/deaths", guards=[counter], status_code=HTTP_200_OK, summary="Record a death", tags=["staff"])
async def record_death(
    *,
    request: AnyRequest,
    data: JSONBody[RecordDeath],
    connection: Injected[Connection],
    principal: Injected[Principal],
    person_life: Injected[PersonLife],
    once: Injected[Once],
) -> Response[AccountState]:
    """Ends the person's codes, sessions, devices and mandates. Their number is free for its next holder."""
    return _answer(request, await once(AccountState, lambda: person_life.record_death(connection, principal, data)))


@post(
    "/v1/staff/people/death-reversals",
    guards=[counter],
    status_code=HTTP_200_OK,
    summary="Reverse a death recorded by mistake",
    tags=["staff"],
)
async def reverse_death(
    *,
    request: AnyRequest,
    data: JSONBody[ReverseDeath],
    connection: Injected[Connection],
    principal: Injected[Principal],
    person_life: Injected[PersonLife],
    once: Injected[Once],
) -> Response[AccountState]:
    """With the person at the counter, by another official than the one who recorded it. Devices are enrolled anew."""
    return _answer(request, await once(AccountState, lambda: person_life.reverse_death(connection, principal, data)))


@get("/v1/me/account-events", guards=[person(ial=2)], summary="What was done with my account", tags=["me"])
async def list_account_events(
    connection: Injected[Connection],
    principal: Injected[Principal],
    person_life: Injected[PersonLife],
    after: After = None,
    limit: Limit = 20,
) -> AccountEventList:
    """Freezes, documents, merges and checks of your face, newest first, each with its reason and the office."""
    return await person_life.list_events(connection, principal.subject_id, after=after, limit=limit)


def _answer(request: AnyRequest, answer: AccountState | SuishenError) -> Response[AccountState]:
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer)


router = Router(
    path="/",
    route_handlers=[freeze_account, unfreeze_account, record_death, reverse_death, list_account_events],
)
