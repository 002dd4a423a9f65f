"""What a helper asks me to confirm."""

from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.idempotency import Once
from auth.guards import person
from auth.mandates.confirmations.models import ConfirmationList, ConfirmationView, DecideConfirmation
from auth.mandates.confirmations.service import Confirmations
from auth.principal import Principal


@get("/v1/me/confirmations", summary="What a helper asks me to confirm", tags=["me"])
async def list_my_confirmations(
    connection: Injected[Connection], principal: Injected[Principal], confirmations: Injected[Confirmations]
) -> ConfirmationList:
    return await confirmations.list_mine(connection, principal)


@post(
    "/v1/me/confirmations/{confirmation_id:uuid}/decision",
    summary="Confirm or decline a helper's act",
    tags=["me"],
    status_code=200,
)
async def decide_confirmation(
    *,
    data: JSONBody[DecideConfirmation],
    connection: Injected[Connection],
    principal: Injected[Principal],
    once: Injected[Once],
    confirmations: Injected[Confirmations],
    confirmation_id: FromPath[UUID],
) -> ConfirmationView:
    """Confirmed, the helper may do exactly this, once, within ten minutes of asking."""
    return await once(
        ConfirmationView, lambda: confirmations.decide(connection, principal, confirmation_id, data.decision)
    )


router = Router(path="/", route_handlers=[list_my_confirmations, decide_confirmation], guards=[person()])
