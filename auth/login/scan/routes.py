"""The phone's side of signing a computer in. The computer's side is a page of the provider and reads cookies."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, post
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import Injected, refuse
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.guards import person
from auth.login.scan.models import ScanNumber, ScanPicture, ScanState, ScanView
from auth.login.scan.service import ScanLogin
from auth.principal import Principal


class ScanEnded(Model):
    """What became of it."""

    state: ScanState


@post("/v1/login/scan", summary="Read a computer's sign-in picture", tags=["login"], status_code=200)
async def scan_picture(
    *,
    data: JSONBody[ScanPicture],
    connection: Injected[Connection],
    principal: Injected[Principal],
    scan_login: Injected[ScanLogin],
    once: Injected[Once],
    address: Injected[str],
) -> ScanView:
    """For which site and in which program, so that the citizen can decide. The picture now belongs to this phone.

    Needs a session that is bound to a key (DPoP). Refusals: `scan-login-over`, `scan-login-needs-key`.
    """
    return await once(ScanView, lambda: scan_login.scan(connection, principal, data, address=address))


@post("/v1/login/scan/{scan_id:uuid}/approval", summary="Let the computer in", tags=["login"], status_code=200)
async def approve_scan(
    *,
    request: Request[Any, Any, Any],
    connection: Injected[Connection],
    principal: Injected[Principal],
    scan_login: Injected[ScanLogin],
    once: Injected[Once],
    address: Injected[str],
    scan_id: FromPath[UUID],
) -> Response[ScanNumber]:
    """The number to type into the computer, shown to this phone alone. What it opens ends with this session.

    Refusals: `scan-login-over`, `scan-login-needs-key`, `rate-limited`.
    """
    answer: ScanNumber | SuishenError = await once(
        ScanNumber, lambda: scan_login.approve(connection, principal, scan_id, address=address)
    )
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer, status_code=200, headers={"Cache-Control": "no-store"})


@post("/v1/login/scan/{scan_id:uuid}/denial", summary="Keep the computer out", tags=["login"], status_code=200)
async def deny_scan(
    connection: Injected[Connection],
    principal: Injected[Principal],
    scan_login: Injected[ScanLogin],
    once: Injected[Once],
    scan_id: FromPath[UUID],
) -> ScanEnded:
    """Works until the number was typed; afterwards end the session under `/v1/me/sessions`."""

    async def act() -> ScanEnded:
        return ScanEnded(state=await scan_login.deny(connection, principal, scan_id))

    return await once(ScanEnded, act)


router = Router(path="/", route_handlers=[scan_picture, approve_scan, deny_scan], guards=[person()])
