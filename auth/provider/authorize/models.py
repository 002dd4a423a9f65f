"""An authorization request: what a client may ask (RFC 6749, PKCE, OpenID Connect), and what comes next on the way.

How well somebody must have proved themself is asked by `acr_values` and `max_age` (RFC 9470).

Pure rules. A request is judged once, when it is pushed; afterwards nobody can change it.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from app.kit.structs import Model
from auth.assurance import IN_PERSON, KEY, ONE_TIME_CODE, PHONE_ONLY, VERIFIED_KEY, levels_of
from auth.login.scan.models import HIGHEST_AAL
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
_UNSUPPORTED: Final = {
    "request": "request_not_supported",
    "request_uri": "invalid_request",  # what was pushed cannot point elsewhere (RFC 9126, section 2.1)
    "registration": "registration_not_supported",
}
"""How requests by value are refused (OpenID Connect Core, section 3.1.2.6)."""


class AuthorizationRequest(Model):
    """What one client asked for, checked."""

    redirect_uri: str | None
    """None where no browser is redirected: the code was handed over by a phone."""
    scopes: frozenset[str]
    code_challenge: str
    state: str | None = None
    nonce: str | None = None
    prompts: frozenset[str] = frozenset()
    max_age: int | None = None
    dpop_jkt: str | None = None
    hinted_sub: str | None = None
    """The `sub` of a valid `id_token_hint`: nobody else is to be signed in by this request."""
    acr_values: tuple[str, ...] = ()
    """Any of these is enough; those that mean nothing here were left out. None: however."""

    def is_met_by(self, levels: tuple[int, int]) -> bool:
        """Whether `ial` and `aal` are enough for the client."""
        wanted = [least for value in self.acr_values if (least := levels_of(value)) is not None]
        return not wanted or any(levels[0] >= ial and levels[1] >= aal for ial, aal in wanted)


class StoredRequest(Model):
    """A row: where the request stands. `browser_hash` is of the browser that opened it, and of no other."""

    id: UUID
    client_id: str
    parameters: AuthorizationRequest
    created_at: datetime
    expires_at: datetime
    browser_hash: bytes | None = None
    otp_challenge_id: UUID | None = None
    scan_login_id: UUID | None = None
    network_attempt_id: UUID | None = None
    disowning: bool = False
    """The code is for taking the number from an account that is not its holder's."""
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
    for name, error in _UNSUPPORTED.items():
        if name in form:
            return OAuthRefusal(error=error, error_description="Requests by value or reference are not supported.")
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
        acr_values=tuple(value for value in form.get("acr_values", "").split() if levels_of(value)),
    )


class Way(Enum):
    """How a citizen may prove themself to a browser."""

    CODE = "a code sent to a phone"
    SCAN = "a phone that scans a picture"
    PASSKEY = "a passkey"
    UPSTREAM = "the national identity"
    NETWORK = "a network number"
    NAME = "name and document, of somebody who has nothing else"


REAL_NAME: Final = 2
BEST: Final = {
    Way.CODE: (PHONE_ONLY, ONE_TIME_CODE),
    Way.SCAN: (IN_PERSON, HIGHEST_AAL),
    Way.PASSKEY: (IN_PERSON, VERIFIED_KEY),
    Way.UPSTREAM: (IN_PERSON, KEY),
    Way.NETWORK: (IN_PERSON, KEY),
    Way.NAME: (REAL_NAME, ONE_TIME_CODE),
}
"""The most that a way can show, of whoever is known best."""


class Step(Enum):
    """What comes next on the way to a code."""

    SIGN_IN = "the citizen proves who they are"
    CONFIRM = "the citizen proves once more, or better, that it is them"
    CONSENT = "the citizen decides what the department may know"
    GRANT = "the client gets its code"
    LOGIN_REQUIRED = "login_required"
    CONSENT_REQUIRED = "consent_required"
    UNMET = "unmet_authentication_requirements"


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
    ways: frozenset[Way]
    """How whoever is (or may be) before this browser can prove themself."""
    identity_level: int = IN_PERSON
    """How well the city knows them; no way shows more."""


def next_step(request: AuthorizationRequest, facts: Facts, now: datetime) -> Step:
    """Sign in, then consent, then the code; with `prompt=none` nothing is shown (OpenID Connect Core, 3.1.2.3)."""
    silent = "none" in request.prompts
    proving = _next_proof(request, facts, now)
    if proving is not None:
        # Whoever just proved to be somebody else than the client means is not asked again and again.
        over = silent or (proving is Step.SIGN_IN and facts.fresh)
        return Step.LOGIN_REQUIRED if over and proving is not Step.UNMET else proving
    if facts.must_ask or ("consent" in request.prompts and not facts.consented):
        return Step.CONSENT_REQUIRED if silent else Step.CONSENT
    return Step.GRANT


def needs_proof(request: AuthorizationRequest, facts: Facts, now: datetime) -> bool:
    """Whether something is to be proved first. By which ways it could be makes no difference to that."""
    return _next_proof(request, facts, now) is not None


def ways_that_help(request: AuthorizationRequest, facts: Facts) -> tuple[Way, ...]:
    """Those ways, in their usual order, that can show as much as the client asks for."""
    known = 0 if facts.session is None else facts.session.ial  # which a further proof of the same person keeps
    return tuple(
        way
        for way, (ial, aal) in BEST.items()
        if way in facts.ways
        and _may_prove(way, facts)
        and request.is_met_by((max(known, min(ial, facts.identity_level)), aal))
    )


def _next_proof(request: AuthorizationRequest, facts: Facts, now: datetime) -> Step | None:
    if facts.session is None or (request.hinted_sub is not None and facts.sub != request.hinted_sub):
        return Step.SIGN_IN
    if not facts.fresh and not request.prompts.isdisjoint({"login", "select_account"}):
        return Step.SIGN_IN
    if facts.session.unproven:  # a number may have a new holder, whom no client is to take for the old one
        return Step.CONFIRM if ways_that_help(request, facts) else Step.UNMET
    levels = (facts.session.ial, facts.session.aal_at(now))
    if request.is_met_by(levels) and (facts.fresh or not _is_too_old(request, facts.session, now)):
        return None
    return Step.CONFIRM if ways_that_help(request, facts) else Step.UNMET


def _may_prove(way: Way, facts: Facts) -> bool:
    """To whom a number is all that was shown another code adds nothing; a name is told by nobody else."""
    unproven = facts.session is not None and facts.session.unproven
    return way is not (Way.CODE if unproven else Way.NAME)


def _is_too_old(request: AuthorizationRequest, session: Session, now: datetime) -> bool:
    if request.max_age is None:
        return False
    return request.max_age == 0 or now - session.authenticated_at > timedelta(seconds=request.max_age)
