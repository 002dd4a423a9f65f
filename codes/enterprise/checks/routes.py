"""The officer's question about an enterprise, and the enterprise's record of it."""

import hashlib
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody

from app.kit import idempotency
from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import After, Injected, Limit, refuse
from auth.guards import official, organization_agent_for
from auth.principal import Principal
from codes.enterprise.checks.models import CheckEnterprise, CheckRecords, CheckView, EmergencyChecks
from codes.enterprise.checks.records import CheckHistory
from codes.enterprise.checks.service import EnterpriseChecks

inspector = official("inspector")
READS_CHECKS: Final = organization_agent_for("enterprise-checks")


@post(
    "/v1/enterprise-checks",
    guards=[inspector],
    status_code=200,
    summary="Check an enterprise by its code (一码核查)",
    description="Needs an active inspection task for this enterprise and scenario whose code the enterprise has "
    "scanned or was shown; in an emergency (802) a reason in its place, which marks the check for good. Every source "
    "of the scenario is asked side by side; one that does not answer in time is shown as missing, with the cause. A "
    "bad code is a verdict, with status 200. Safe to repeat with the same Idempotency-Key: the stored answer comes "
    "back with `repeated`.",
)
async def check_enterprise(
    request: Request[Any, Any, Any],
    data: JSONBody[CheckEnterprise],
    principal: Injected[Principal],
    enterprise_checks: Injected[EnterpriseChecks],
) -> Response[CheckView]:
    """Takes no connection of the request: none is held while sources are asked."""
    answer = await enterprise_checks.check(principal, data, request_key_of(request))
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer)


@get(
    "/v1/organizations/{organization_id:uuid}/checks",
    guards=[READS_CHECKS],
    summary="Who checked this organization, and why",
)
async def list_checks(
    *,
    organization_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    check_history: Injected[CheckHistory],
    after: After = None,
    limit: Limit = 50,
) -> CheckRecords:
    """A page, newest first: department, officer, purpose, authority, sources asked."""
    return await check_history.list_page(connection, principal, organization_id, after=after, limit=limit)


@get(
    "/v1/enterprise-checks/emergencies",
    guards=[official("audit_admin")],
    summary="Checks that went without a task",
)
async def list_emergencies(
    connection: Injected[Connection],
    check_history: Injected[CheckHistory],
    after: After = None,
    limit: Limit = 50,
) -> EmergencyChecks:
    """A page of the whole city's, newest first, each with the officer's reason."""
    return await check_history.list_emergencies(connection, after=after, limit=limit)


def request_key_of(request: Request[Any, Any, Any]) -> bytes | None:
    """The digest of the Idempotency-Key, None without one; raises `IdempotencyKeyInvalid`."""
    key = idempotency.key_of(request)
    return None if key is None else hashlib.sha256(key.encode()).digest()


def enterprise_check_router(enterprise_checks: EnterpriseChecks, check_history: CheckHistory) -> Router:
    """The routes over enterprise checks."""
    return Router(
        path="/",
        route_handlers=[check_enterprise, list_checks, list_emergencies],
        dependencies={
            "enterprise_checks": Provide(lambda: enterprise_checks, sync_to_thread=False),
            "check_history": Provide(lambda: check_history, sync_to_thread=False),
        },
        tags=["codes: enterprise checks"],
    )
