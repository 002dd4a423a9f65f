"""The holder's side of a recovery: to see that one waits, and to object."""

from uuid import UUID

from litestar import Router, delete, get
from litestar.params import FromPath

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.guards import oneself, person
from auth.people.recoveries.models import RecoveryView
from auth.people.recoveries.service import Recoveries
from auth.principal import Principal


class RecoveryList(Model):
    """None or one; `next` is always null."""

    items: list[RecoveryView]
    next: str | None = None


@get("/v1/me/recoveries", summary="Whether somebody asks to come back to my account", tags=["me"])
async def list_my_recoveries(
    connection: Injected[Connection], principal: Injected[Principal], recoveries: Injected[Recoveries]
) -> RecoveryList:
    """With a number of yours, your name and your document, on a device that was never seen."""
    return RecoveryList(items=await recoveries.list_waiting(connection, principal.subject_id))


@delete("/v1/me/recoveries/{recovery_id:uuid}", summary="That was not me", tags=["me"], status_code=200)
async def stop_recovery(
    connection: Injected[Connection],
    principal: Injected[Principal],
    recoveries: Injected[Recoveries],
    once: Injected[Once],
    recovery_id: FromPath[UUID],
) -> RecoveryView:
    """Stops it, and ends the session that asked. Refusal: `recovery-unknown`."""
    return await once(RecoveryView, lambda: recoveries.stop(connection, principal, recovery_id))


router = Router(path="/", route_handlers=[list_my_recoveries, stop_recovery], guards=[person(), oneself])
