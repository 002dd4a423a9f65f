"""What a citizen decided on a consent page. A form of words that have changed since is answered with the new page."""

from uuid import UUID

from litestar import Router, post
from litestar.params import FromPath

from app.kit.database import Connection
from app.kit.http import Injected
from auth.guards import public
from auth.pages.frame import redirect
from auth.provider.authorize.desk import STOPPING, Anything, Desk, Page
from auth.provider.authorize.models import Step


@post("/oauth/requests/{request_id:uuid}/consent", summary="Decide", tags=["provider"], include_in_schema=False)
async def decide(
    request: Anything, connection: Injected[Connection], desk: Injected[Desk], request_id: FromPath[UUID]
) -> Page:
    visit, form = await desk.hear(request, connection, request_id)
    session = await desk.session(request, connection)
    next_ = await desk.authorizing.look(connection, visit, session)
    if session is None or next_.step is not Step.CONSENT or next_.question is None:  # signed out, or decided elsewhere
        return redirect(f"/oauth/requests/{request_id}")
    return await desk.decide(connection, visit, session, next_.question, form)


router = Router(path="/", route_handlers=[decide], guards=[public], exception_handlers=STOPPING)
