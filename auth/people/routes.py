"""Who am I, and the real-name check."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.params import JSONBody

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import Injected, refuse
from app.kit.structs import Model
from auth.guards import person, signed_in
from auth.people.models import PersonView, VerifyRealName
from auth.people.real_name import RealName
from auth.people.service import People
from auth.principal import Principal, SubjectType


class MeView(Model):
    """The caller as the server sees them: the subject of the token, the human being behind it, and how sure it is."""

    subject_type: SubjectType
    subject_id: UUID
    agent_id: UUID | None
    session_id: UUID
    ial: int
    aal: int
    roles: list[str]
    organization_id: UUID | None
    mandate_id: UUID | None
    person: PersonView | None


@get("/v1/me", summary="The caller, as the server sees them", tags=["me"], guards=[signed_in])
async def show_me(connection: Injected[Connection], principal: Injected[Principal], people: Injected[People]) -> MeView:
    official = principal.subject_type == "official"
    return MeView(
        subject_type=principal.subject_type,
        subject_id=principal.subject_id,
        agent_id=principal.agent_id,
        session_id=principal.session_id,
        ial=principal.ial,
        aal=principal.aal,
        roles=sorted(principal.roles),
        organization_id=principal.organization_id,
        mandate_id=principal.mandate_id,
        person=None if official else await people.describe(connection, principal.person_id, ial=principal.ial),
    )


@post(
    "/v1/me/real-name",
    summary="Confirm my name and document number",
    tags=["me"],
    status_code=200,
    guards=[person(unproven=True)],
)
async def verify_real_name(
    request: Request[Any, Any, Any],
    data: JSONBody[VerifyRealName],
    principal: Injected[Principal],
    real_name: Injected[RealName],
) -> Response[PersonView]:
    """Takes you to identity level 2; refresh your token to carry it. Repeating it is harmless.

    Who is known already and has an active device confirms there, or at a counter: the name alone is not enough.
    """
    answer = await real_name.verify_real_name(principal, data)
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer)


router = Router(path="/", route_handlers=[show_me, verify_real_name])
