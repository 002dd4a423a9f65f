"""The scorecard over HTTP."""

from litestar import Router, get

from app.kit.database import Connection
from app.kit.http import Injected
from auth.guards import official
from auth.principal import Principal
from miniapps.errors import AppUnknown, OtherDepartment, StateConflict
from miniapps.refusals import refuses
from miniapps.registry.routes import TAGS, AppIdPath
from miniapps.scorecards.models import Scorecard
from miniapps.scorecards.service import Scorecards


@get(
    "/v1/apps/{app_id:str}/scorecard",
    summary="A mini-app's year: keep, merge or retire",
    tags=TAGS,
    guards=[official("developer", "reviewer", "system_admin", "audit_admin")],
    responses=refuses(AppUnknown, OtherDepartment, StateConflict),
)
async def get_scorecard(
    app_id: AppIdPath,
    connection: Injected[Connection],
    principal: Injected[Principal],
    scorecards: Injected[Scorecards],
) -> Scorecard:
    """Use, success, speed, ratings, punctual replies, accessibility and nightly conformance, with the reasons.

    For the department itself and for the city. A verdict is advice: people decide.
    """
    return await scorecards.get_scorecard(connection, principal, app_id)


router = Router(path="/", route_handlers=[get_scorecard])
