"""The citizen's own list of disclosures."""

from litestar import Router, get

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from auth.guards import citizen
from auth.principal import Principal
from gateway.disclosures.models import DisclosureList
from gateway.disclosures.service import Disclosures


@get("/v1/me/disclosures", summary="Which department was told what about me (数据调用记录)", tags=["me"])
async def list_my_disclosures(
    connection: Injected[Connection],
    principal: Injected[Principal],
    disclosures: Injected[Disclosures],
    after: After = None,
    limit: Limit = 20,
) -> DisclosureList:
    """Newest first. Names of fields only: the values stay where they are."""
    return await disclosures.list_disclosures(connection, principal, after=after, limit=limit)


router = Router(path="/", route_handlers=[list_my_disclosures], guards=[citizen])
