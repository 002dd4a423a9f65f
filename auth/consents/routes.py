"""What I allowed, and taking it back in one call."""

from typing import Annotated
from uuid import UUID

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.consents.models import ConsentView, GrantConsent
from auth.consents.service import Consents
from auth.guards import person
from auth.principal import Principal


class ConsentList(Model):
    """Consents, newest first, ended ones too; `next` is the `after` of the following page."""

    items: list[ConsentView]
    next: UUID | None


@post("/v1/me/consents", summary="Allow a department to read fields for a purpose", tags=["me"])
async def grant_consent(
    data: JSONBody[GrantConsent],
    connection: Injected[Connection],
    principal: Injected[Principal],
    consents: Injected[Consents],
    once: Injected[Once],
) -> ConsentView:
    return await once(ConsentView, lambda: consents.grant_consent(connection, principal, data))


@get("/v1/me/consents", summary="What I allowed", tags=["me"])
async def list_my_consents(
    connection: Injected[Connection],
    principal: Injected[Principal],
    consents: Injected[Consents],
    after: Annotated[UUID | None, QueryParameter()] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> ConsentList:
    items = await consents.list_consents(connection, principal.subject_id, after=after, limit=limit)
    return ConsentList(items=items, next=items[-1].id if len(items) == limit else None)


@delete("/v1/me/consents/{consent_id:uuid}", summary="Take a consent back", tags=["me"], status_code=200)
async def withdraw_consent(
    connection: Injected[Connection],
    principal: Injected[Principal],
    consents: Injected[Consents],
    once: Injected[Once],
    consent_id: FromPath[UUID],
) -> ConsentView:
    return await once(ConsentView, lambda: consents.withdraw_consent(connection, principal, consent_id))


router = Router(path="/", route_handlers=[grant_consent, list_my_consents, withdraw_consent], guards=[person()])
