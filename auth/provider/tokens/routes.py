"""The token endpoint (RFC 6749, section 3.2): phones refresh with their key alone, clients prove themselves each time.

Errors are those of RFC 6749 and RFC 9449, not problem documents.
"""

from typing import Any

from litestar import Request, Response, Router, post
from litestar.openapi.datastructures import ResponseSpec

from app.kit.http import Injected
from auth.guards import public
from auth.provider.errors import INVALID_CLIENT, answer
from auth.provider.forms import read_form, takes_form
from auth.provider.tokens.endpoint import TokenEndpoint
from auth.provider.tokens.models import ClientTokenAnswer
from auth.sessions.errors import INVALID_PROOF, INVALID_REQUEST, OAuthRefusal, ProofMissing
from auth.sessions.middleware import Authenticator
from auth.sessions.models import TokenPair

FIELDS = (
    "refresh_token",
    "client_id",
    "client_assertion_type",
    "client_assertion",
    "code",
    "redirect_uri",
    "code_verifier",
    "scope",
    "subject_token",
    "subject_token_type",
    "audience",
)


@post(
    "/oauth/token",
    summary="Exchange a code, a refresh token or a token (RFC 6749, RFC 8693)",
    tags=["provider"],
    status_code=200,
    operation_class=takes_form("grant_type", fields=FIELDS),
    responses={400: ResponseSpec(OAuthRefusal, description="RFC 6749, section 5.2", generate_examples=False)},
)
async def exchange_token(
    request: Request[Any, Any, Any],
    token_endpoint: Injected[TokenEndpoint],
    authenticator: Injected[Authenticator],
) -> Response[TokenPair | ClientTokenAnswer]:
    """Form-encoded. The DPoP header binds what is given to its key; clients always need it (RFC 9449, section 5)."""
    if request.headers.get("authorization", "").lower().startswith("basic"):
        return answer(INVALID_CLIENT)  # a shared secret, which nobody has here
    form = await read_form(request)
    if form is None:
        return answer(INVALID_REQUEST)
    try:
        jkt = authenticator.find_proof_key(request.scope)
    except ProofMissing:
        return answer(INVALID_PROOF)
    return answer(await token_endpoint.exchange(form, jkt=jkt))


router = Router(path="/", route_handlers=[exchange_token], guards=[public])
