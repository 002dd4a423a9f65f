"""Turns a request's Authorization header into a principal. Refuses nobody: guards do, with the reason left here."""

from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from app.kit.clock import Clock
from app.kit.errors import Unauthenticated
from auth.guards import ASKED_AT, principal_of
from auth.keys import ProofInvalid
from auth.principal import Principal
from auth.sessions.app_tokens import AppTokens
from auth.sessions.dpop import ProofTarget, SeenProofs, verify_dpop
from auth.sessions.errors import ProofMissing, TokenInvalid
from auth.sessions.tokens import AccessTokens

SCHEMES: Final = {"bearer", "dpop"}
PROVIDER: Final = "/oauth/"


class Authenticator:
    """Reads who is calling from the headers of an ASGI request. In memory only: it awaits nothing."""

    def __init__(self, access_tokens: AccessTokens, app_tokens: AppTokens, clock: Clock, *, origin: str) -> None:
        self._access_tokens = access_tokens
        self._app_tokens = app_tokens
        self._clock = clock
        self._origin = origin
        self._seen = SeenProofs()

    def now(self) -> datetime:
        """The time by which tokens are judged."""
        return self._clock.now()

    def authenticate(self, scope: Any, *, origin: str | None = None, app_id: str | None = None) -> Principal | None:
        """The verified caller, or None when no Authorization header came; raises `Unauthenticated`.

        `origin` is where the caller believes to be (scheme, host, port), for the `htu` of a DPoP proof. `app_id` says
        which mini-app is called, if one is: a token for that one alone is heard there, and nowhere else.
        """
        values = _header(scope, b"authorization")
        if not values:
            return None
        scheme, _, token = values[0].partition(" ")
        if len(values) > 1 or scheme.lower() not in SCHEMES or not token:
            raise TokenInvalid
        bound = scheme.lower() == "dpop"
        jkt = self._checked_proof(scope, access_token=token, origin=origin) if bound else None
        if bound and jkt is None:
            raise ProofMissing
        try:
            return self._access_tokens.verify(token, self._clock.now(), proof_jkt=jkt)
        except TokenInvalid:
            principal = self._find_for_app(token, app_id, jkt)
            if principal is None:
                raise
            return principal

    def stands(self, principal: Principal) -> bool:
        """Whether the session of a caller who was let in has not ended since. In memory; for what goes on for long."""
        return self._access_tokens.stands(principal)

    def _find_for_app(self, token: str, app_id: str | None, jkt: str | None) -> Principal | None:
        if app_id is None:
            return None
        return self._app_tokens.find_principal(token, app_id=app_id, proof_jkt=jkt, now=self._clock.now())

    def find_proof_key(self, scope: Any, *, access_token: str | None = None) -> str | None:
        """The thumbprint of the key that this request proves to hold, None when it brings no proof.

        For places that give tokens out, or read them by rules of their own (`access_token`); raises `ProofMissing` when
        there is a proof and it is not valid.
        """
        return self._checked_proof(scope, access_token=access_token, origin=None)

    def _checked_proof(self, scope: Any, *, access_token: str | None, origin: str | None) -> str | None:
        proofs = _header(scope, b"dpop")
        if not proofs:
            return None
        if len(proofs) > 1:
            raise ProofMissing
        target = ProofTarget(
            method=scope["method"], url=(origin or self._origin) + _raw_path(scope), access_token=access_token
        )
        try:
            return verify_dpop(proofs[0], target, now=self._clock.now(), seen=self._seen)
        except ProofInvalid:
            raise ProofMissing from None


class AuthenticationMiddleware(ASGIMiddleware):
    """Sets `scope["user"]` to the principal or None, and `scope["auth"]` to why it is None when a token was refused."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Looks once, then hands on. The provider's own endpoints look for themselves: a proof counts once."""
        scope["user"], scope["auth"] = None, None
        scope["state"][ASKED_AT] = self._authenticator.now()
        if scope["path"].startswith(PROVIDER):
            await next_app(scope, receive, send)
            return
        try:
            scope["user"] = self._authenticator.authenticate(scope)
        except Unauthenticated as refusal:
            scope["auth"] = refusal
        await next_app(scope, receive, send)


def provide_principal(request: Request[Any, Any, Any]) -> Principal:
    """The dependency `principal`: the verified caller; raises `Unauthenticated`."""
    return principal_of(request)


def bound_token(scope: Any) -> str | None:
    """The token of `Authorization: DPoP …` (RFC 9449, section 7.1), not yet believed; None without exactly one."""
    values = _header(scope, b"authorization")
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    return token if scheme.lower() == "dpop" and token else None


def _header(scope: Any, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]  # ASGI: names in lower case


def _raw_path(scope: Any) -> str:
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    return str(raw.partition(b"?")[0].decode("latin-1"))
