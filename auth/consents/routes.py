"""What I allowed, and taking it back in one call."""

from typing import Annotated
from uuid import UUID

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
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


class WithdrawnConsents(Model):
    """What was ended by one call, newest first."""

    items: list[ConsentView]


@post("/v1/me/consents", summary="Allow a department to read fields for a purpose", tags=["me"])
async def grant_consent(
    data: JSONBody[GrantConsent],
    connection: Injected[Connection],
    principal: Injected[Principal],
    consents: Injected[Consents],
    once: Injected[Once],
) -> ConsentView:
    """Only what stands on consent: what a department has by law or contract is refused here.

    Sensitive fields are asked for alone. Under fourteen a guardian consents. A purpose that the department registered
    is held to its present words: send their version, which is what you showed.
    """
    return await once(ConsentView, lambda: consents.grant_consent(connection, principal, data))


@get("/v1/me/consents", summary="What I allowed", tags=["me"])
async def list_my_consents(
    connection: Injected[Connection],
    principal: Injected[Principal],
    consents: Injected[Consents],
    after: After = None,
    limit: Limit = 50,
) -> ConsentList:
    """With the words that were read. What departments have by law or contract is no consent: see the disclosures."""
    items, following = await consents.list_consents(connection, principal.subject_id, after=after, limit=limit)
    return ConsentList(items=items, next=following)


@delete("/v1/me/consents/{consent_id:uuid}", summary="Take a consent back", tags=["me"], status_code=200)
async def withdraw_consent(
    connection: Injected[Connection],
    principal: Injected[Principal],
    consents: Injected[Consents],
    once: Injected[Once],
    consent_id: FromPath[UUID],
) -> ConsentView:
    """It counts at once, everywhere. Taking back the sign-in to a mini-app signs you out of it."""
    return await once(ConsentView, lambda: consents.withdraw_consent(connection, principal, consent_id))


@delete("/v1/me/consents", summary="Take back all, or all of one department", tags=["me"], status_code=200)
async def withdraw_consents(
    connection: Injected[Connection],
    principal: Injected[Principal],
    consents: Injected[Consents],
    once: Injected[Once],
    department_id: Annotated[UUID | None, QueryParameter(description="Only those to this department")] = None,
) -> WithdrawnConsents:
    """One call ends them and lists them. Without any it is an empty list, not an error."""

    async def act() -> WithdrawnConsents:
        return WithdrawnConsents(items=await consents.withdraw_all(connection, principal, department_id))

    return await once(WithdrawnConsents, act)


router = Router(
    path="/",
    route_handlers=[grant_consent, list_my_consents, withdraw_consent, withdraw_consents],
    guards=[person()],
)
