"""What was done in my name, in my ward's, or in my organization's."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.params import FromPath, QueryParameter

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from auth.acts.models import ActList
from auth.acts.readers import ActReaders
from auth.acts.service import Acts
from auth.guards import organization_agent, person
from auth.principal import Principal


@get("/v1/me/acts", summary="What was done in my name", tags=["me"], guards=[person()])
async def list_my_acts(
    *,
    connection: Injected[Connection],
    principal: Injected[Principal],
    acts: Injected[Acts],
    act_readers: Injected[ActReaders],
    of: Annotated[UUID | None, QueryParameter(description="A ward of mine, in place of myself.")] = None,
    after: After = None,
    limit: Limit = 20,
) -> ActList:
    """By guardians, family, helpers and whoever else holds a mandate; guardians read their ward's with `of`."""
    whose = await act_readers.person_of(connection, principal, of)
    return await acts.list_acts(connection, whose, after=after, limit=limit)


@get(
    "/v1/organizations/{organization_id:uuid}/acts",
    summary="What was done in the organization's name",
    tags=["organizations"],
    guards=[organization_agent],
)
async def list_organization_acts(
    *,
    connection: Injected[Connection],
    principal: Injected[Principal],
    acts: Injected[Acts],
    act_readers: Injected[ActReaders],
    organization_id: FromPath[UUID],
    after: After = None,
    limit: Limit = 20,
) -> ActList:
    """For whoever answers for the organization or administers it; agents read what is theirs under their mandates."""
    await act_readers.require_organization(connection, principal, organization_id)
    return await acts.list_acts(connection, organization_id, after=after, limit=limit)


router = Router(path="/", route_handlers=[list_my_acts, list_organization_acts])
