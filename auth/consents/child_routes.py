"""What a guardian allowed for a child under fourteen, and what the child asks for."""

from uuid import UUID

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.consents.children import ChildConsents
from auth.consents.models import ConsentRequestView, ConsentView, GrantConsent
from auth.consents.routes import ConsentList
from auth.guards import REAL_NAME, person
from auth.principal import Principal


class ConsentRequestList(Model):
    """What waits for a decision, newest first; all of it, so `next` is always null."""

    items: list[ConsentRequestView]
    next: str | None = None


@post("/v1/me/children/{child_id:uuid}/consents", summary="Consent for a child under 14", tags=["me"])
async def grant_for_child(
    *,
    data: JSONBody[GrantConsent],
    connection: Injected[Connection],
    principal: Injected[Principal],
    child_consents: Injected[ChildConsents],
    once: Injected[Once],
    child_id: FromPath[UUID],
) -> ConsentView:
    """Ends by itself on the fourteenth birthday, from which on the child consents. The child is told."""
    return await once(ConsentView, lambda: child_consents.grant_consent(connection, principal, child_id, data))


@get("/v1/me/children/{child_id:uuid}/consents", summary="What was allowed for my child", tags=["me"])
async def list_child_consents(
    *,
    connection: Injected[Connection],
    principal: Injected[Principal],
    child_consents: Injected[ChildConsents],
    child_id: FromPath[UUID],
    after: After = None,
    limit: Limit = 50,
) -> ConsentList:
    items, following = await child_consents.list_consents(connection, principal, child_id, after=after, limit=limit)
    return ConsentList(items=items, next=following)


@delete(
    "/v1/me/children/{child_id:uuid}/consents/{consent_id:uuid}",
    summary="Take a child's consent back",
    tags=["me"],
    status_code=200,
)
async def withdraw_for_child(
    *,
    connection: Injected[Connection],
    principal: Injected[Principal],
    child_consents: Injected[ChildConsents],
    once: Injected[Once],
    child_id: FromPath[UUID],
    consent_id: FromPath[UUID],
) -> ConsentView:
    """It counts at once, everywhere. The child is told."""
    return await once(ConsentView, lambda: child_consents.withdraw_consent(connection, principal, child_id, consent_id))


@get("/v1/me/children/{child_id:uuid}/consent-requests", summary="What my child would like to use", tags=["me"])
async def list_child_requests(
    connection: Injected[Connection],
    principal: Injected[Principal],
    child_consents: Injected[ChildConsents],
    child_id: FromPath[UUID],
) -> ConsentRequestList:
    """Each with the words that the child would have read. To allow one, send it back as a consent."""
    return ConsentRequestList(items=await child_consents.list_requests(connection, principal, child_id))


@delete(
    "/v1/me/children/{child_id:uuid}/consent-requests/{request_id:uuid}",
    summary="Decline what my child asked for",
    tags=["me"],
    status_code=200,
)
async def decline_child_request(
    *,
    connection: Injected[Connection],
    principal: Injected[Principal],
    child_consents: Injected[ChildConsents],
    once: Injected[Once],
    child_id: FromPath[UUID],
    request_id: FromPath[UUID],
) -> ConsentRequestView:
    return await once(
        ConsentRequestView, lambda: child_consents.decline_request(connection, principal, child_id, request_id)
    )


router = Router(
    path="/",
    route_handlers=[
        grant_for_child,
        list_child_consents,
        withdraw_for_child,
        list_child_requests,
        decline_child_request,
    ],
    guards=[person(ial=REAL_NAME)],
)
