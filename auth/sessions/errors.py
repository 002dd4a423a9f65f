"""Why a session cannot be used, and the refusals of the token endpoint in the words of RFC 6749."""

from app.kit.errors import NotFound, Unauthenticated
from app.kit.structs import Model, Text


class TokenInvalid(Unauthenticated):
    """The token is forged, expired, revoked, or not made for this place."""

    slug = "token-invalid"
    title = Text(zh="登录状态已失效", en="The access token is not valid")


class ProofMissing(Unauthenticated):
    """The token belongs to a key, and the request does not prove that the caller holds it."""

    slug = "dpop-proof-invalid"
    challenge = "DPoP"
    title = Text(zh="缺少有效的 DPoP 证明", en="A valid DPoP proof is missing")
    remedy = Text(
        zh="请使用登录时的设备密钥为本次请求签名。",
        en="Sign this request with the key that the session was opened with (RFC 9449).",
    )


class SessionUnknown(NotFound):
    slug = "session-unknown"
    title = Text(zh="没有这个登录会话", en="No such session")


class OAuthRefusal(Model):
    """An error of the token endpoint (RFC 6749, section 5.2); a value, because some must be remembered."""

    error: str
    error_description: str


INVALID_REQUEST = OAuthRefusal(error="invalid_request", error_description="The form lacks or repeats a parameter.")
UNSUPPORTED_GRANT = OAuthRefusal(error="unsupported_grant_type", error_description="This grant is not supported.")
INVALID_GRANT = OAuthRefusal(
    error="invalid_grant", error_description="The refresh token is unknown, used, expired or revoked. Sign in again."
)
INVALID_PROOF = OAuthRefusal(error="invalid_dpop_proof", error_description="The DPoP proof is not valid (RFC 9449).")
