"""The provider's own endpoints: what it can do, its public keys, and the token endpoint.

Errors here are those of RFC 6749, not problem documents. Only what truly works is advertised.
"""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import MediaType, Request, Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.keyring import Keyring, public_jwk
from app.kit.structs import Model
from auth.guards import public
from auth.sessions.errors import (
    INVALID_GRANT,
    INVALID_PROOF,
    INVALID_REQUEST,
    UNSUPPORTED_GRANT,
    OAuthRefusal,
    ProofMissing,
)
from auth.sessions.middleware import Authenticator
from auth.sessions.models import TokenPair
from auth.sessions.service import Sessions
from auth.sessions.tokens import PURPOSE
from auth.settings import AuthSettings

FORM: Final = "application/x-www-form-urlencoded"
LONGEST_FORM: Final = 16_384
MOST_PARAMETERS: Final = 16
KEYS_LIVE: Final = "public, max-age=300"


class ProviderMetadata(Model):
    """What this provider can do (RFC 8414, OpenID Connect Discovery 1.0)."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    grant_types_supported: list[str]
    response_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    dpop_signing_alg_values_supported: list[str]
    acr_values_supported: list[str]


class KeySet(Model):
    """A JSON Web Key Set (RFC 7517, section 5): next, active and retired keys."""

    keys: list[dict[str, str]]


@get("/.well-known/openid-configuration", summary="What the identity provider can do", tags=["provider"])
async def show_metadata(auth_settings: Injected[AuthSettings]) -> ProviderMetadata:
    return ProviderMetadata(
        issuer=auth_settings.issuer,
        token_endpoint=f"{auth_settings.issuer}/oauth/token",
        jwks_uri=f"{auth_settings.issuer}/oauth/jwks",
        grant_types_supported=["refresh_token"],
        response_types_supported=[],
        token_endpoint_auth_methods_supported=["none"],
        dpop_signing_alg_values_supported=["ES256"],
        acr_values_supported=[f"ial{ial}.aal{aal}" for ial in (1, 2) for aal in (1, 2)],
    )


@get("/oauth/jwks", summary="Public keys of the tokens", tags=["provider"])
async def show_keys(keyring: Injected[Keyring]) -> Response[KeySet]:
    keys = KeySet(keys=[public_jwk(key) for key in keyring.all(PURPOSE)])
    return Response(keys, headers={"Cache-Control": KEYS_LIVE})


@dataclass
class TakesForm(Operation):
    """Says in OpenAPI that the body is a form: the handler reads it itself, because its errors are RFC 6749's."""

    def __post_init__(self) -> None:
        """Describes the body."""
        text = Schema(type=OpenAPIType.STRING)
        form = Schema(
            type=OpenAPIType.OBJECT,
            properties={
                "grant_type": Schema(type=OpenAPIType.STRING, enum=["refresh_token"]),
                "refresh_token": text,
                "client_id": text,
            },
            required=["grant_type", "refresh_token"],
        )
        example = Example(value={"grant_type": "refresh_token", "refresh_token": "…", "client_id": "citizen-app"})
        content = {FORM: OpenAPIMediaType(schema=form, examples={"refresh": example})}
        self.request_body = RequestBody(content=content, required=True)


@post(
    "/oauth/token",
    summary="Exchange a refresh token (RFC 6749, section 6)",
    tags=["provider"],
    status_code=200,
    operation_class=TakesForm,
    responses={
        400: ResponseSpec(OAuthRefusal, description="RFC 6749, section 5.2", generate_examples=False),
    },
)
async def exchange_token(
    request: Request[Any, Any, Any],
    connection: Injected[Connection],
    sessions: Injected[Sessions],
    authenticator: Injected[Authenticator],
) -> Response[TokenPair]:
    """Form-encoded: grant_type=refresh_token, refresh_token, optionally client_id; DPoP where the session has a key."""
    form = await _read_form(request)
    refusal = _judge_form(form)
    if refusal is not None or form is None:
        return _answer(refusal or INVALID_REQUEST)
    try:
        jkt = authenticator.find_proof_key(request.scope)
    except ProofMissing:
        return _answer(INVALID_PROOF)
    answer = await sessions.refresh(connection, form["refresh_token"], client_id=form.get("client_id"), jkt=jkt)
    return _answer(answer)


router = Router(path="/", route_handlers=[show_metadata, show_keys, exchange_token], guards=[public])


async def _read_form(request: Request[Any, Any, Any]) -> dict[str, str] | None:
    """The parameters, or None when it is not such a form or names one twice (RFC 6749, section 3.2)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if media_type != FORM or len(body) > LONGEST_FORM:
        return None
    try:
        pairs = parse_qsl(
            body.decode(),
            keep_blank_values=False,
            strict_parsing=False,
            max_num_fields=MOST_PARAMETERS,
            errors="strict",
        )
    except ValueError:
        return None
    form = dict(pairs)
    return form if len(form) == len(pairs) else None


def _judge_form(form: dict[str, str] | None) -> OAuthRefusal | None:
    if form is None or "grant_type" not in form:
        return INVALID_REQUEST
    if form["grant_type"] != "refresh_token":
        return UNSUPPORTED_GRANT
    if "refresh_token" not in form:
        return INVALID_REQUEST
    return None if "\x00" not in form.get("client_id", "") else INVALID_GRANT


def _answer(answer: TokenPair | OAuthRefusal) -> Response[Any]:
    return Response(
        answer,
        status_code=400 if isinstance(answer, OAuthRefusal) else 200,
        headers={"Cache-Control": "no-store", "Pragma": "no-cache"},
        media_type=MediaType.JSON,
    )
