"""Mandates at a counter, with both documents on the table."""

from typing import Any, TypeVar

from litestar import Request, Response, Router, post
from litestar.params import JSONBody

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import Injected, refuse
from app.kit.idempotency import Once
from auth.guards import official
from auth.mandates.counter.models import (
    CustodySettled,
    EndMandate,
    GuardiansStopped,
    RecordMandate,
    SettleCustody,
    StopGuardians,
)
from auth.mandates.counter.service import CounterMandates
from auth.mandates.parties import MandateView
from auth.principal import Principal

T = TypeVar("T")


@post("/v1/staff/mandates", summary="Record a mandate at a counter", tags=["staff"])
async def record_mandate(
    *,
    request: Request[Any, Any, Any],
    data: JSONBody[RecordMandate],
    connection: Injected[Connection],
    principal: Injected[Principal],
    once: Injected[Once],
    counter_mandates: Injected[CounterMandates],
) -> Response[MandateView]:
    """By a court's decision for an adult without capacity, or as an elder says in person. Both sides are told."""
    answer: MandateView | SuishenError = await once(
        MandateView, lambda: counter_mandates.record(connection, principal, data)
    )
    return _answered(answer, request)


@post("/v1/staff/mandates/endings", summary="End a mandate at a counter", tags=["staff"], status_code=200)
async def end_mandate_at_counter(
    *,
    request: Request[Any, Any, Any],
    data: JSONBody[EndMandate],
    connection: Injected[Connection],
    principal: Injected[Principal],
    once: Injected[Once],
    counter_mandates: Injected[CounterMandates],
) -> Response[MandateView]:
    """When a decision was lifted, or the principal says so in person."""
    answer: MandateView | SuishenError = await once(
        MandateView, lambda: counter_mandates.end(connection, principal, data)
    )
    return _answered(answer, request)


@post("/v1/staff/custody/disputes", summary="Stop a child's guardians", tags=["staff"], status_code=200)
async def stop_guardians(
    *,
    request: Request[Any, Any, Any],
    data: JSONBody[StopGuardians],
    connection: Injected[Connection],
    principal: Injected[Principal],
    once: Injected[Once],
    counter_mandates: Injected[CounterMandates],
) -> Response[GuardiansStopped]:
    """While custody is disputed nobody acts for the child, nor shows the child's code. The guardians are told."""
    answer: GuardiansStopped | SuishenError = await once(
        GuardiansStopped, lambda: counter_mandates.stop_guardians(connection, principal, data.ward)
    )
    return _answered(answer, request)


@post("/v1/staff/custody/decisions", summary="Settle a child's custody", tags=["staff"], status_code=200)
async def settle_custody(
    *,
    request: Request[Any, Any, Any],
    data: JSONBody[SettleCustody],
    connection: Injected[Connection],
    principal: Injected[Principal],
    once: Injected[Once],
    counter_mandates: Injected[CounterMandates],
) -> Response[CustodySettled]:
    """Those named go on, the others' guardianships end."""
    answer: CustodySettled | SuishenError = await once(
        CustodySettled, lambda: counter_mandates.settle_custody(connection, principal, data)
    )
    return _answered(answer, request)


def _answered(answer: T | SuishenError, request: Request[Any, Any, Any]) -> Response[T]:
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer)


router = Router(
    path="/",
    route_handlers=[record_mandate, end_mandate_at_counter, stop_guardians, settle_custody],
    guards=[official("counter")],
)
