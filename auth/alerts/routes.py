"""An official's alerts."""

from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from auth.alerts.models import AlertList, AlertView
from auth.alerts.service import Alerts
from auth.guards import official
from auth.principal import Principal


@get("/v1/staff/alerts", summary="What my roles should look at", tags=["staff"])
async def list_alerts(
    connection: Injected[Connection],
    principal: Injected[Principal],
    alerts: Injected[Alerts],
    after: After = None,
    limit: Limit = 20,
) -> AlertList:
    """Alerts of my department for my roles, and those that go to my roles in the whole city, newest first."""
    return await alerts.list_alerts(connection, principal, after=after, limit=limit)


@post("/v1/staff/alerts/{alert_id:uuid}/reading", summary="I have seen this alert", tags=["staff"], status_code=200)
async def read_alert(
    connection: Injected[Connection],
    principal: Injected[Principal],
    alerts: Injected[Alerts],
    once: Injected[Once],
    alert_id: FromPath[UUID],
) -> AlertView:
    """Colleagues see how many have. Refusal: `alert-unknown`."""
    return await once(AlertView, lambda: alerts.read(connection, principal, alert_id))


router = Router(path="/", route_handlers=[list_alerts, read_alert], guards=[official()])
