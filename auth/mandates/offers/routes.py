"""Mandates over HTTP: offered by a person or an organization, taken or declined by the agent, ended by either."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import After, Injected, Limit, refuse
from app.kit.idempotency import Once
from auth.guards import REAL_NAME, organization_agent, person, stepped_up
from auth.mandates.holdings import DelegateSession, Holdings, Side
from auth.mandates.offers.models import (
    DecideOffer,
    OfferList,
    OfferMandate,
    OfferStaffMandate,
    OfferView,
    SayOwnWord,
)
from auth.mandates.offers.service import Offers
from auth.mandates.parties import MandateList, MandateView
from auth.organizations.errors import NotAnAgent
from auth.principal import Principal

FRESH = stepped_up(aal=1)


@post("/v1/me/mandates", summary="Let somebody act for me", tags=["me"], guards=[FRESH])
async def offer_mandate(
    *,
    request: Request[Any, Any, Any],
    data: JSONBody[OfferMandate],
    connection: Injected[Connection],
    principal: Injected[Principal],
    once: Injected[Once],
    offers: Injected[Offers],
) -> Response[OfferView]:
    """An offer; it counts when they accept it. Needs a sign-in of the last minutes.

    The answer is the same whether there is such a person here or not.
    """
    answer: OfferView | SuishenError = await once(OfferView, lambda: offers.offer(connection, principal, data))
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer)


@get("/v1/me/mandates", summary="Who acts for me, and for whom I act", tags=["me"])
async def list_my_mandates(
    *,
    connection: Injected[Connection],
    principal: Injected[Principal],
    holdings: Injected[Holdings],
    side: Annotated[Side, QueryParameter(description="`given`: who acts for me; `held`: for whom I act.")] = "held",
    after: After = None,
    limit: Limit = 20,
) -> MandateList:
    """All there ever were, newest first."""
    return await holdings.list_mine(connection, principal, side, after=after, limit=limit)


@delete("/v1/me/mandates/{mandate_id:uuid}", summary="End a mandate", tags=["me"], status_code=200)
async def end_my_mandate(
    connection: Injected[Connection],
    principal: Injected[Principal],
    once: Injected[Once],
    holdings: Injected[Holdings],
    mandate_id: FromPath[UUID],
) -> MandateView:
    """By either side, at any time, without a reason. Sessions and codes that stand on it end at once."""
    return await once(MandateView, lambda: holdings.end_mine(connection, principal, mandate_id))


@post("/v1/me/mandates/{mandate_id:uuid}/session", summary="Act for somebody", tags=["me"])
async def speak_for_person(
    connection: Injected[Connection],
    principal: Injected[Principal],
    holdings: Injected[Holdings],
    mandate_id: FromPath[UUID],
) -> Response[DelegateSession]:
    """Gives tokens of a fresh context; your own stay as they are. They are told. Tokens are never kept for a repeat."""
    session = await holdings.speak_for(connection, principal, mandate_id)
    return Response(session, status_code=201, headers={"Cache-Control": "no-store"})


@post("/v1/me/mandates/{mandate_id:uuid}/own-word", summary="A child's own word", tags=["me"], status_code=200)
async def say_own_word(
    *,
    data: JSONBody[SayOwnWord],
    connection: Injected[Connection],
    principal: Injected[Principal],
    once: Injected[Once],
    holdings: Injected[Holdings],
    mandate_id: FromPath[UUID],
) -> MandateView:
    """From the fourteenth birthday on a child says whether a guardian goes on acting for them; it may change."""
    return await once(MandateView, lambda: holdings.say_own_word(connection, principal, mandate_id, data.word))


@get("/v1/me/mandate-offers", summary="Who asks me to act for them", tags=["me"])
async def list_my_offers(
    *,
    connection: Injected[Connection],
    principal: Injected[Principal],
    offers: Injected[Offers],
    side: Annotated[Side, QueryParameter(description="`held`: to me; `given`: by me.")] = "held",
) -> OfferList:
    """Those that can still be decided."""
    if side == "given":
        return await offers.list_from(connection, principal.subject_id)
    return await offers.list_to_me(connection, principal)


@post(
    "/v1/me/mandate-offers/{offer_id:uuid}/decision",
    summary="Accept or decline to act for somebody",
    tags=["me"],
    status_code=200,
    guards=[FRESH],
)
async def decide_offer(
    *,
    data: JSONBody[DecideOffer],
    connection: Injected[Connection],
    principal: Injected[Principal],
    once: Injected[Once],
    offers: Injected[Offers],
    offer_id: FromPath[UUID],
) -> OfferView:
    """Accepted, it names the mandate that stands from now on; both sides are told."""
    return await once(OfferView, lambda: offers.decide(connection, principal, offer_id, data.decision))


@delete("/v1/me/mandate-offers/{offer_id:uuid}", summary="Take an offer back", tags=["me"], status_code=200)
async def withdraw_my_offer(
    connection: Injected[Connection],
    principal: Injected[Principal],
    once: Injected[Once],
    offers: Injected[Offers],
    offer_id: FromPath[UUID],
) -> OfferView:
    """While nobody has accepted it."""
    return await once(OfferView, lambda: offers.withdraw(connection, principal, principal.subject_id, offer_id))


@post(
    "/v1/organizations/{organization_id:uuid}/mandates",
    summary="Let somebody act for the organization",
    tags=["organizations"],
    guards=[FRESH],
)
async def offer_staff_mandate(
    *,
    request: Request[Any, Any, Any],
    organization_id: FromPath[UUID],
    data: JSONBody[OfferStaffMandate],
    connection: Injected[Connection],
    principal: Injected[Principal],
    once: Injected[Once],
    offers: Injected[Offers],
) -> Response[OfferView]:
    """An offer of a part of your own mandate; it counts when they accept it. Needs a sign-in of the last minutes."""
    _require_own(principal, organization_id)
    answer: OfferView | SuishenError = await once(OfferView, lambda: offers.offer_staff(connection, principal, data))
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer)


@get(
    "/v1/organizations/{organization_id:uuid}/mandates",
    summary="Who acts for the organization",
    tags=["organizations"],
)
async def list_staff_mandates(
    *,
    organization_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    holdings: Injected[Holdings],
    after: After = None,
    limit: Limit = 20,
) -> MandateList:
    """All there ever were, newest first, for those who may give some themselves."""
    _require_own(principal, organization_id)
    return await holdings.list_of_organization(connection, principal, after=after, limit=limit)


@get(
    "/v1/organizations/{organization_id:uuid}/mandate-offers",
    summary="Offers of the organization that wait",
    tags=["organizations"],
)
async def list_staff_offers(
    *,
    organization_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    holdings: Injected[Holdings],
    offers: Injected[Offers],
) -> OfferList:
    """For those who may give some themselves."""
    _require_own(principal, organization_id)
    await holdings.require_giver(connection, principal)
    return await offers.list_from(connection, organization_id)


@delete(
    "/v1/organizations/{organization_id:uuid}/mandates/{mandate_id:uuid}",
    summary="End an agent's mandate",
    tags=["organizations"],
    status_code=200,
)
async def end_staff_mandate(
    *,
    organization_id: FromPath[UUID],
    mandate_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    once: Injected[Once],
    holdings: Injected[Holdings],
) -> MandateView:
    """One that stands below your own; all that was passed on from it ends too."""
    _require_own(principal, organization_id)
    return await once(MandateView, lambda: holdings.end_of_organization(connection, principal, mandate_id))


@delete(
    "/v1/organizations/{organization_id:uuid}/mandate-offers/{offer_id:uuid}",
    summary="Take an offer of the organization back",
    tags=["organizations"],
    status_code=200,
)
async def withdraw_staff_offer(
    *,
    organization_id: FromPath[UUID],
    offer_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    once: Injected[Once],
    holdings: Injected[Holdings],
    offers: Injected[Offers],
) -> OfferView:
    """While nobody has accepted it."""
    _require_own(principal, organization_id)
    await holdings.require_giver(connection, principal)
    return await once(OfferView, lambda: offers.withdraw(connection, principal, organization_id, offer_id))


def _require_own(principal: Principal, organization_id: UUID) -> None:
    if principal.subject_id != organization_id:
        raise NotAnAgent


personal = Router(
    path="/",
    route_handlers=[
        offer_mandate,
        list_my_mandates,
        end_my_mandate,
        speak_for_person,
        say_own_word,
        list_my_offers,
        decide_offer,
        withdraw_my_offer,
    ],
    guards=[person(ial=REAL_NAME)],
)
of_organizations = Router(
    path="/",
    route_handlers=[
        offer_staff_mandate,
        list_staff_mandates,
        list_staff_offers,
        end_staff_mandate,
        withdraw_staff_offer,
    ],
    guards=[organization_agent],
)
