"""Appointing operators, at an official's desk; signing on and off, at the device."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import After, Injected, Limit, refuse
from app.kit.idempotency import Once
from auth.guards import official
from auth.principal import Principal
from codes.venues.operators.models import AppointedOperator, AppointOperator, Duty, OperatorList, OperatorView, SignOn
from codes.venues.operators.service import Operators
from codes.venues.scanners.guards import ScannerGate, carry, provide_scanner, scanner
from codes.venues.scanners.models import Scanner

registrar = official("scanner_admin", "system_admin")


@post(
    "/v1/scanner-operators",
    guards=[registrar],
    summary="Appoint an operator of an organization's scanners",
    description="Answers with a PIN and a badge, which nobody can read a second time. No name is asked.",
)
async def appoint_operator(
    data: JSONBody[AppointOperator],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    operators: Injected[Operators],
) -> Response[AppointedOperator]:
    """The badge is a text to print as a QR picture, which the device's own gun reads."""
    appointed = await once(AppointedOperator, lambda: operators.appoint(connection, principal, data))
    return Response(appointed, headers={"Cache-Control": "no-store"})


@get("/v1/scanner-operators", guards=[registrar], summary="The operators of an organization's scanners")
async def list_operators(
    *,
    organization_id: Annotated[UUID, QueryParameter()],
    connection: Injected[Connection],
    principal: Injected[Principal],
    operators: Injected[Operators],
    after: After = None,
    limit: Limit = 50,
) -> OperatorList:
    """A page, oldest first."""
    return await operators.list_page(connection, principal, organization_id, after=after, limit=limit)


@delete("/v1/scanner-operators/{operator_id:uuid}", guards=[registrar], status_code=200, summary="End an appointment")
async def end_operator(
    operator_id: FromPath[UUID],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    operators: Injected[Operators],
) -> OperatorView:
    """Ends the operator's duty at every device too."""
    return await once(OperatorView, lambda: operators.end(connection, principal, operator_id))


@post(
    "/v1/scanners/me/operator",
    guards=[scanner],
    status_code=HTTP_200_OK,
    summary="Sign an operator on to this device",
    description="By badge, or by number and PIN; five wrong PINs lock the number for 15 minutes. Ends after 12 hours. "
    "Signed by the scanner; a repetition renews the duty.",
)
async def sign_on(
    request: Request[Any, Any, Any],
    data: JSONBody[SignOn],
    connection: Injected[Connection],
    calling: Injected[Scanner],
    operators: Injected[Operators],
) -> Response[Duty]:
    """Who was on duty before is relieved."""
    answer = await operators.sign_on(connection, calling, data)
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer)


@delete("/v1/scanners/me/operator", guards=[scanner], summary="Sign the operator off from this device")
async def sign_off(
    connection: Injected[Connection], calling: Injected[Scanner], operators: Injected[Operators]
) -> None:
    """Nobody on duty: nothing to do."""
    await operators.sign_off(connection, calling)


def operator_router(operators: Operators, gate: ScannerGate) -> Router:
    """The routes over `operators`."""
    return Router(
        path="/",
        route_handlers=[appoint_operator, list_operators, end_operator, sign_on, sign_off],
        dependencies={
            "operators": Provide(lambda: operators, sync_to_thread=False),
            "calling": Provide(provide_scanner, sync_to_thread=False),
        },
        opt=carry(gate),
        tags=["codes: scanners"],
    )
