"""The authorization endpoint, the steps that follow it and the decision: forms and redirects, no script, no JSON.

A page is given only to the browser that opened the request; a form is heard only from a page of our own origin.
"""

from typing import Final
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from app.kit.database import Connection
from app.kit.http import Injected
from auth.guards import public
from auth.pages.frame import redirect
from auth.provider.authorize import pages
from auth.provider.authorize.desk import Anything, Desk, Page
from auth.provider.authorize.pushing import PushedRequest, Pushing
from auth.provider.authorize.service import ACCESS_DENIED
from auth.provider.errors import answer
from auth.provider.forms import read_form, read_query, takes_form
from auth.sessions.errors import INVALID_PROOF, INVALID_REQUEST, OAuthRefusal, ProofMissing
from auth.sessions.middleware import Authenticator

PUSHED: Final = (
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "acr_values",
    "id_token_hint",
    "dpop_jkt",
)


@post(
    "/oauth/par",
    summary="Push an authorization request (RFC 9126)",
    tags=["provider"],
    status_code=201,
    operation_class=takes_form("client_assertion_type", "client_assertion", "response_type", fields=PUSHED),
    responses={400: ResponseSpec(OAuthRefusal, description="RFC 6749, section 5.2", generate_examples=False)},
)
async def push_request(
    request: Anything, pushing: Injected[Pushing], authenticator: Injected[Authenticator]
) -> Response[PushedRequest]:
    """With a DPoP header the code is bound to that key (RFC 9449, section 10.1)."""
    form = await read_form(request)
    if form is None:
        return answer(INVALID_REQUEST)
    try:
        jkt = authenticator.find_proof_key(request.scope)
    except ProofMissing:
        return answer(INVALID_PROOF)
    return answer(await pushing.push(form, jkt=jkt), status=201)


@get("/oauth/authorize", summary="Open a pushed request in a browser", tags=["provider"], include_in_schema=False)
async def authorize(request: Anything, connection: Injected[Connection], desk: Injected[Desk]) -> Page:
    """Takes `client_id` and `request_uri`; anything else was said when the request was pushed (RFC 9126, section 4)."""
    return await desk.open(request, connection, read_query(request) or {})


@post("/oauth/authorize", summary="The same by a form", tags=["provider"], include_in_schema=False)
async def authorize_by_form(request: Anything, connection: Injected[Connection], desk: Injected[Desk]) -> Page:
    """OpenID Connect Core, section 3.1.2.1 wants both methods."""
    return await desk.open(request, connection, await read_form(request) or {})


@get("/oauth/requests/{request_id:uuid}", summary="The next step", tags=["provider"], include_in_schema=False)
async def show_step(
    request: Anything, connection: Injected[Connection], desk: Injected[Desk], request_id: FromPath[UUID]
) -> Page:
    visit = await desk.visit(request, connection, request_id)
    if visit is None:
        return pages.stopped_page(desk.brand)
    return await desk.show(request, connection, visit)


@post("/oauth/requests/{request_id:uuid}/cancel", summary="Go back", tags=["provider"], include_in_schema=False)
async def cancel(
    request: Anything, connection: Injected[Connection], desk: Injected[Desk], request_id: FromPath[UUID]
) -> Page:
    visit = await desk.posted_visit(request, connection, request_id)
    if visit is None:
        return pages.stopped_page(desk.brand)
    return redirect(await desk.authorizing.refuse(connection, visit, ACCESS_DENIED))


router = Router(
    path="/",
    route_handlers=[
        push_request,
        authorize,
        authorize_by_form,
        show_step,
        cancel,
    ],
    guards=[public],
)
