"""A person's organizations: claim one, see them, speak for one."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import Injected, refuse
from app.kit.structs import Model
from auth.guards import person
from auth.organizations.claims import OrganizationClaims
from auth.organizations.models import ClaimOrganization, OrganizationSession, OrganizationView
from auth.organizations.service import Organizations
from auth.principal import Principal


class OrganizationList(Model):
    """The organizations that the caller acts for; `next` is always null, since there are few."""

    items: list[OrganizationView]
    next: str | None = None


@post("/v1/organizations", summary="Claim the enterprise that I answer for", tags=["organizations"], status_code=200)
async def claim_organization(
    request: Request[Any, Any, Any],
    data: JSONBody[ClaimOrganization],
    principal: Injected[Principal],
    organization_claims: Injected[OrganizationClaims],
) -> Response[OrganizationView]:
    """The enterprise registry confirms it by your verified name and number. Claiming it again is harmless."""
    answer = await organization_claims.claim(principal, data.credit_code)
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer)


@get("/v1/organizations", summary="The organizations that I act for", tags=["organizations"])
async def list_my_organizations(
    connection: Injected[Connection], principal: Injected[Principal], organizations: Injected[Organizations]
) -> OrganizationList:
    return OrganizationList(items=await organizations.list_mine(connection, principal.subject_id))


@post("/v1/organizations/{organization_id:uuid}/session", summary="Speak for an organization", tags=["organizations"])
async def switch_to_organization(
    *,
    connection: Injected[Connection],
    principal: Injected[Principal],
    organizations: Injected[Organizations],
    organization_id: FromPath[UUID],
    mandate_id: Annotated[UUID | None, QueryParameter(description="Which of your mandates for it, if several")] = None,
) -> Response[OrganizationSession]:
    """Gives tokens of a fresh context; your own stay as they are. Tokens are never kept for a repeated request."""
    session = await organizations.switch_to(connection, principal, organization_id, mandate_id=mandate_id)
    return Response(session, status_code=201, headers={"Cache-Control": "no-store"})


router = Router(
    path="/",
    route_handlers=[claim_organization, list_my_organizations, switch_to_organization],
    guards=[person(ial=2)],
)
