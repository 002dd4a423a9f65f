"""What the provider says of itself: its endpoints, what each of them can do, and its public keys.

Only what truly works is advertised; a test sends a request to everything that is named here.
"""

from typing import Final

from litestar import Response, Router, get

from app.kit.http import Injected
from app.kit.keyring import Keyring, public_jwk
from app.kit.structs import Model
from auth.assurance import acr_values
from auth.guards import public
from auth.provider.authorize.models import PROMPTS, RESPONSE_TYPES
from auth.provider.clients.models import OPENID
from auth.provider.tokens.models import GRANTS
from auth.sessions.tokens import PURPOSE
from auth.settings import AuthSettings

KEYS_LIVE: Final = "public, max-age=300"
ALGORITHMS: Final = ["ES256"]
CLIENT_AUTHENTICATION: Final = ["private_key_jwt"]


class ProviderMetadata(Model):
    """OpenID Connect Discovery 1.0, section 3; RFC 8414; and the fields of each extension that is served."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    pushed_authorization_request_endpoint: str
    introspection_endpoint: str
    revocation_endpoint: str
    end_session_endpoint: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    response_modes_supported: list[str]
    grant_types_supported: list[str]
    subject_types_supported: list[str]
    acr_values_supported: list[str]
    claims_supported: list[str]
    prompt_values_supported: list[str]
    ui_locales_supported: list[str]
    id_token_signing_alg_values_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    token_endpoint_auth_signing_alg_values_supported: list[str]
    introspection_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_signing_alg_values_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_signing_alg_values_supported: list[str]
    code_challenge_methods_supported: list[str]
    dpop_signing_alg_values_supported: list[str]
    require_pushed_authorization_requests: bool
    authorization_response_iss_parameter_supported: bool
    backchannel_logout_supported: bool
    backchannel_logout_session_supported: bool
    claims_parameter_supported: bool
    request_parameter_supported: bool
    request_uri_parameter_supported: bool


class KeySet(Model):
    """A JSON Web Key Set (RFC 7517, section 5): next, active and retired keys."""

    keys: list[dict[str, str]]


def describe(settings: AuthSettings) -> ProviderMetadata:
    """The provider at this issuer."""
    issuer = settings.issuer
    return ProviderMetadata(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/oauth/authorize",
        token_endpoint=f"{issuer}/oauth/token",
        userinfo_endpoint=f"{issuer}/oauth/userinfo",
        jwks_uri=f"{issuer}/oauth/jwks",
        pushed_authorization_request_endpoint=f"{issuer}/oauth/par",
        introspection_endpoint=f"{issuer}/oauth/introspect",
        revocation_endpoint=f"{issuer}/oauth/revoke",
        end_session_endpoint=f"{issuer}/oauth/logout",
        scopes_supported=[OPENID],
        response_types_supported=list(RESPONSE_TYPES),
        response_modes_supported=["query"],
        grant_types_supported=list(GRANTS),
        subject_types_supported=["pairwise"],
        acr_values_supported=acr_values().split(),
        claims_supported=["sub", "unionid", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"],
        prompt_values_supported=sorted(PROMPTS),
        ui_locales_supported=["zh-CN", "en"],
        id_token_signing_alg_values_supported=ALGORITHMS,
        token_endpoint_auth_methods_supported=[*CLIENT_AUTHENTICATION, "none"],
        token_endpoint_auth_signing_alg_values_supported=ALGORITHMS,
        introspection_endpoint_auth_methods_supported=CLIENT_AUTHENTICATION,
        introspection_endpoint_auth_signing_alg_values_supported=ALGORITHMS,
        revocation_endpoint_auth_methods_supported=CLIENT_AUTHENTICATION,
        revocation_endpoint_auth_signing_alg_values_supported=ALGORITHMS,
        code_challenge_methods_supported=["S256"],
        dpop_signing_alg_values_supported=ALGORITHMS,
        require_pushed_authorization_requests=True,
        authorization_response_iss_parameter_supported=True,
        backchannel_logout_supported=True,
        backchannel_logout_session_supported=True,
        claims_parameter_supported=False,
        request_parameter_supported=False,
        request_uri_parameter_supported=False,
    )


@get("/.well-known/openid-configuration", summary="What the identity provider can do", tags=["provider"])
async def show_metadata(auth_settings: Injected[AuthSettings]) -> ProviderMetadata:
    return describe(auth_settings)


@get("/.well-known/oauth-authorization-server", summary="The same, at the address of RFC 8414", tags=["provider"])
async def show_oauth_metadata(auth_settings: Injected[AuthSettings]) -> ProviderMetadata:
    return describe(auth_settings)


@get("/oauth/jwks", summary="Public keys of the tokens", tags=["provider"])
async def show_keys(keyring: Injected[Keyring]) -> Response[KeySet]:
    keys = KeySet(keys=[public_jwk(key) for key in keyring.all(PURPOSE)])
    return Response(keys, headers={"Cache-Control": KEYS_LIVE})


router = Router(path="/", route_handlers=[show_metadata, show_oauth_metadata, show_keys], guards=[public])
