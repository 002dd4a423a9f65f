"""Introspection, revocation and userinfo over HTTP. Errors are OAuth's."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec

from app.kit.database import Connection
from app.kit.http import Injected
from auth.guards import public
from auth.provider.errors import INVALID_TOKEN, answer
from auth.provider.forms import read_form, takes_form
from auth.provider.inspection.service import Done, Introspection, TokenDesk
from auth.sessions.errors import INVALID_REQUEST, OAuthRefusal, ProofMissing
from auth.sessions.middleware import Authenticator, bound_token

Anything = Request[Any, Any, Any]
FORM = takes_form("token", "client_assertion_type", "client_assertion", fields=("token_type_hint", "client_id"))
REFUSED = ResponseSpec(OAuthRefusal, description="RFC 6749, section 5.2", generate_examples=False)


@post(
    "/oauth/introspect",
    summary="What a token means now (RFC 7662)",
    tags=["provider"],
    status_code=200,
    operation_class=FORM,
    responses={400: REFUSED},
)
async def introspect(
    request: Anything, connection: Injected[Connection], token_desk: Injected[TokenDesk]
) -> Response[Introspection]:
    """For the authenticated client's own tokens, and for those that are meant for it."""
    form = await read_form(request)
    return answer(INVALID_REQUEST if form is None else await token_desk.introspect(connection, form))


@post(
    "/oauth/revoke",
    summary="Give a token back (RFC 7009)",
    tags=["provider"],
    status_code=200,
    operation_class=FORM,
    responses={400: REFUSED},
)
async def revoke(
    request: Anything, connection: Injected[Connection], token_desk: Injected[TokenDesk]
) -> Response[Done]:
    """The same answer for a token that nobody knows."""
    form = await read_form(request)
    return answer(INVALID_REQUEST if form is None else await token_desk.revoke(connection, form))


async def _describe(
    request: Anything, connection: Connection, token_desk: TokenDesk, authenticator: Authenticator
) -> Response[dict[str, Any]]:
    token = bound_token(request.scope)
    if token is None:
        return answer(INVALID_TOKEN)
    try:
        jkt = authenticator.find_proof_key(request.scope, access_token=token)
    except ProofMissing:
        return answer(INVALID_TOKEN)
    return answer(await token_desk.describe_citizen(connection, token, jkt))


@get(
    "/oauth/userinfo",
    summary="What the client may know of the citizen (OpenID Connect Core, section 5.3)",
    tags=["provider"],
    security=[{"dpop": []}],
)
async def userinfo(
    request: Anything,
    connection: Injected[Connection],
    token_desk: Injected[TokenDesk],
    authenticator: Injected[Authenticator],
) -> Response[dict[str, Any]]:
    """`Authorization: DPoP …` with a proof of the token's key. Fields as far as their basis holds at this moment."""
    return await _describe(request, connection, token_desk, authenticator)


@post(
    "/oauth/userinfo",
    summary="The same by POST",
    tags=["provider"],
    status_code=200,
    security=[{"dpop": []}],
)
async def userinfo_by_post(
    request: Anything,
    connection: Injected[Connection],
    token_desk: Injected[TokenDesk],
    authenticator: Injected[Authenticator],
) -> Response[dict[str, Any]]:
    """The token stands in the header here as well: a token in a body ends in logs."""
    return await _describe(request, connection, token_desk, authenticator)


router = Router(path="/", route_handlers=[introspect, revoke, userinfo, userinfo_by_post], guards=[public])
