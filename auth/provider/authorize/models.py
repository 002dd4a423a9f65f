"""An authorization request: what a client may ask (RFC 6749, PKCE, OpenID Connect), and what comes next on the way.

Pure rules. A request is judged once, when it is pushed; afterwards nobody can change it.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from app.kit.structs import Model
from auth.provider.clients.models import OPENID, Client
from auth.provider.errors import invalid_request
from auth.sessions.errors import OAuthRefusal
from auth.sessions.models import Session

RESPONSE_TYPES: Final = ("code",)
PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
LONGEST_VALUE: Final = 512
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_AGE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_THUMBPRINT: Final = _CHALLENGE
_UNSUPPORTED: Final = ("request", "request_uri", "registration")


class AuthorizationRequest(Model):
    """What one client asked for, checked."""

    redirect_uri: str
    scopes: frozenset[str]
    code_challenge: str
    state: str | None = None
    nonce: str | None = None
    prompts: frozenset[str] = frozenset()
    max_age: int | None = None
    dpop_jkt: str | None = None
    hinted_sub: str | None = None
    """The `sub` of a valid `id_token_hint`: nobody else is to be signed in by this request."""


class StoredRequest(Model):
    """A row: where the request stands. `browser_hash` is of the browser that opened it, and of no other."""

    id: UUID
    client_id: str
    parameters: AuthorizationRequest
    created_at: datetime
    expires_at: datetime
    browser_hash: bytes | None = None
    otp_challenge_id: UUID | None = None
    browser_session_id: UUID | None = None
    """The session that was authenticated for this very request."""
    consented: bool = False
    ended_at: datetime | None = None


def read_request(form: Mapping[str, str], client: Client) -> AuthorizationRequest | OAuthRefusal:
    """The request of `client`, or why there is none (RFC 6749, section 4.1.2.1; RFC 9126, section 2.3).

    PKCE with S256 only (RFC 9700, section 2.1.1); the redirect address is one of the registered ones, byte for byte.
    """
    return (
        _refuse_values(form)
        or _refuse_flow(form, client)
        or _refuse_pkce(form)
        or _refuse_prompt(form)
        or _request(form, client)
    )


def _refuse_values(form: Mapping[str, str]) -> OAuthRefusal | None:
    if any(name in form for name in _UNSUPPORTED):
        return invalid_request("Requests by value or by another reference are not supported.")
    if any(len(form.get(name, "")) > LONGEST_VALUE for name in ("state", "nonce", "scope", "acr_values")):
        return invalid_request("A parameter is too long.")
    return None


def _refuse_flow(form: Mapping[str, str], client: Client) -> OAuthRefusal | None:
    if "response_type" not in form or "redirect_uri" not in form:
        return invalid_request("response_type or redirect_uri is missing.")
    if form["response_type"] not in RESPONSE_TYPES:
        return OAuthRefusal(error="unsupported_response_type", error_description="Only code is supported.")
    if form["redirect_uri"] not in client.redirect_uris:
        return invalid_request("redirect_uri is not registered for this client.")
    if form.get("response_mode", "query") != "query":
        return invalid_request("Only the response mode query is supported.")
    if OPENID not in form.get("scope", "").split():
        return OAuthRefusal(error="invalid_scope", error_description="scope must hold openid.")
    return None


def _refuse_pkce(form: Mapping[str, str]) -> OAuthRefusal | None:
    if form.get("code_challenge_method") != "S256":
        return invalid_request("code_challenge_method must be S256 (RFC 7636).")
    if not _CHALLENGE.fullmatch(form.get("code_challenge", "")):
        return invalid_request("code_challenge must be base64url of a SHA-256 digest (RFC 7636, section 4.2).")
    if not _THUMBPRINT.fullmatch(form.get("dpop_jkt", "-" * 43)):
        return invalid_request("dpop_jkt must be a JWK thumbprint (RFC 9449, section 10).")
    return None


def _refuse_prompt(form: Mapping[str, str]) -> OAuthRefusal | None:
    prompts = frozenset(form.get("prompt", "").split())
    if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1):
        return invalid_request("prompt is not understood, or none stands beside another value.")
    if not _AGE.fullmatch(form.get("max_age", "0")):
        return invalid_request("max_age must be a number of seconds.")
    return None


def _request(form: Mapping[str, str], client: Client) -> AuthorizationRequest:
    return AuthorizationRequest(
        redirect_uri=form["redirect_uri"],
        scopes=client.known_scopes(frozenset(form["scope"].split())),
        code_challenge=form["code_challenge"],
        state=form.get("state"),
        nonce=form.get("nonce"),
        prompts=frozenset(form.get("prompt", "").split()),
        max_age=int(form["max_age"]) if "max_age" in form else None,
        dpop_jkt=form.get("dpop_jkt"),
    )


class Step(Enum):
    """What comes next on the way to a code."""

    SIGN_IN = "the citizen proves who they are"
    CONSENT = "the citizen decides what the department may know"
    GRANT = "the client gets its code"
    LOGIN_REQUIRED = "login_required"
    CONSENT_REQUIRED = "consent_required"


class Facts(Model):
    """What is known when the next step is decided."""

    session: Session | None
    fresh: bool
    """Whether the session began for this very request."""
    sub: str | None
    """Under which name the client knows whoever is signed in."""
    must_ask: bool
    """Whether something is asked for that the citizen has not allowed yet."""
    consented: bool
    """Whether they were asked for this very request."""


def next_step(request: AuthorizationRequest, facts: Facts, now: datetime) -> Step:
    """Sign in, then consent, then the code; with `prompt=none` nothing is shown (OpenID Connect Core, 3.1.2.3)."""
    silent = "none" in request.prompts
    if _must_sign_in(request, facts, now):
        # Whoever just proved to be somebody else than the client means is not asked again and again.
        return Step.LOGIN_REQUIRED if silent or facts.fresh else Step.SIGN_IN
    if facts.must_ask or ("consent" in request.prompts and not facts.consented):
        return Step.CONSENT_REQUIRED if silent else Step.CONSENT
    return Step.GRANT


def _must_sign_in(request: AuthorizationRequest, facts: Facts, now: datetime) -> bool:
    if facts.session is None:
        return True
    if request.hinted_sub is not None and facts.sub != request.hinted_sub:
        return True
    if facts.fresh:
        return False
    too_old = request.max_age is not None and now - facts.session.authenticated_at > timedelta(seconds=request.max_age)
    return too_old or request.max_age == 0 or not request.prompts.isdisjoint({"login", "select_account"})
