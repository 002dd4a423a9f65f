"""Refusals of the OAuth endpoints: values, because some must be remembered; their words are those of the RFCs."""

from typing import Any, Final

from litestar import MediaType, Response

from auth.sessions.errors import OAuthRefusal

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_UNAUTHORIZED: Final = frozenset({"invalid_client", "invalid_token"})

INVALID_CLIENT: Final = OAuthRefusal(
    error="invalid_client", error_description="The client is unknown, or its assertion is not valid (RFC 7523)."
)
INVALID_CODE: Final = OAuthRefusal(
    error="invalid_grant", error_description="The code is unknown, used or expired, or belongs to another request."
)
INVALID_SCOPE: Final = OAuthRefusal(
    error="invalid_scope", error_description="More was asked for than was granted or is offered."
)
UNAUTHORIZED_CLIENT: Final = OAuthRefusal(
    error="unauthorized_client", error_description="This grant is for phones, which need no client authentication."
)
INVALID_TARGET: Final = OAuthRefusal(
    error="invalid_target", error_description="No such audience, or none that this caller may name (RFC 8693)."
)
UNSUPPORTED_TOKEN: Final = OAuthRefusal(
    error="unsupported_token_type", error_description="This token ends by itself within minutes (RFC 7009)."
)
INVALID_TOKEN: Final = OAuthRefusal(
    error="invalid_token", error_description="The access token is not valid here, or its proof is missing (RFC 9449)."
)
PROOF_NEEDED: Final = OAuthRefusal(
    error="invalid_dpop_proof", error_description="Tokens are bound to a key: send a DPoP proof (RFC 9449)."
)


def invalid_request(description: str) -> OAuthRefusal:
    """`invalid_request` with what is wrong; the text never quotes what was sent."""
    return OAuthRefusal(error="invalid_request", error_description=description)


def answer(value: Any, *, status: int = 200) -> Response[Any]:
    """An OAuth answer: never cached; a refusal as RFC 6749, section 5.2 wants it."""
    headers = dict(NO_STORE)
    if isinstance(value, OAuthRefusal):
        status = 401 if value.error in _UNAUTHORIZED else 400
        if value.error == INVALID_TOKEN.error:
            headers["WWW-Authenticate"] = f'DPoP error="{value.error}", algs="ES256"'
    return Response(value, status_code=status, headers=headers, media_type=MediaType.JSON)
