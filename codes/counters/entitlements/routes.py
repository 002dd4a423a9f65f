"""Who may entitle, whom they entitled, and what of it a holder reads."""

from typing import Annotated
from uuid import UUID

from litestar import Router, delete, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from auth.guards import official, person
from auth.principal import Principal
from codes.counters.entitlements.models import (
    AssignEntitlement,
    EntitlementList,
    EntitlementView,
    HeldList,
    IssuerList,
    IssuerView,
    RegisterIssuer,
)
from codes.counters.entitlements.service import Entitlements

registrar = official("system_admin", "scenario_admin")
issuing = official("entitlement_admin")

OpenidParameter = Annotated[str | None, QueryParameter(pattern=r"^[A-Za-z0-9_-]{43}$")]


@post("/v1/entitlement-issuers", guards=[registrar], summary="Give an organization a namespace of entitlements")
async def register_issuer(
    data: JSONBody[RegisterIssuer],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    entitlements: Injected[Entitlements],
) -> IssuerView:
    """A namespace belongs to one organization, and counts in the scenarios named here only."""
    return await once(IssuerView, lambda: entitlements.register_issuer(connection, principal, data))


@get("/v1/entitlement-issuers", guards=[registrar], summary="Who may name entitlements")
async def list_issuers(connection: Injected[Connection], entitlements: Injected[Entitlements]) -> IssuerList:
    """Every issuer that is not ended."""
    return await entitlements.list_issuers(connection)


@delete("/v1/entitlement-issuers/{issuer_id:uuid}", guards=[registrar], status_code=200, summary="End an issuer")
async def end_issuer(
    issuer_id: FromPath[UUID],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    entitlements: Injected[Entitlements],
) -> IssuerView:
    """No scan tells what it assigned any more; effective at every worker within a second."""
    return await once(IssuerView, lambda: entitlements.end_issuer(connection, principal, issuer_id))


@post("/v1/entitlements", guards=[issuing], summary="Assign an entitlement to a holder")
async def assign_entitlement(
    data: JSONBody[AssignEntitlement],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    entitlements: Injected[Entitlements],
) -> EntitlementView:
    """By your organization's own openid of the holder. Assigned again, it is renewed."""
    return await once(EntitlementView, lambda: entitlements.assign(connection, principal, data))


@get("/v1/entitlements", guards=[issuing], summary="What my organization has assigned")
async def list_entitlements(
    *,
    principal: Injected[Principal],
    connection: Injected[Connection],
    entitlements: Injected[Entitlements],
    openid: OpenidParameter = None,
    after: After = None,
    limit: Limit = 50,
) -> EntitlementList:
    """A page, oldest first; `openid` asks for one holder."""
    return await entitlements.list_page(connection, principal, openid=openid, after=after, limit=limit)


@delete("/v1/entitlements/{entitlement_id:uuid}", guards=[issuing], status_code=200, summary="Withdraw an entitlement")
async def withdraw_entitlement(
    entitlement_id: FromPath[UUID],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    entitlements: Injected[Entitlements],
) -> EntitlementView:
    """From the next scan on."""
    return await once(EntitlementView, lambda: entitlements.withdraw(connection, principal, entitlement_id))


@get("/v1/codes/entitlements", guards=[person()], summary="What scans may say I am entitled to")
async def list_my_entitlements(
    principal: Injected[Principal], connection: Injected[Connection], entitlements: Injected[Entitlements]
) -> HeldList:
    """By name, with the organization that says so, the scenarios in which it is told, and its end."""
    return await entitlements.list_mine(connection, principal)


def entitlement_router(entitlements: Entitlements) -> Router:
    """The routes over `entitlements`."""
    return Router(
        path="/",
        route_handlers=[
            register_issuer,
            list_issuers,
            end_issuer,
            assign_entitlement,
            list_entitlements,
            withdraw_entitlement,
            list_my_entitlements,
        ],
        dependencies={"entitlements": Provide(lambda: entitlements, sync_to_thread=False)},
        tags=["codes: entitlements"],
    )
