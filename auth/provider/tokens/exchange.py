"""Token exchange (RFC 8693): a phone turns its own access token into one for a single mini-app.

The phone needs no client authentication: it proves the key to which its own token is bound, and the new one is bound to
the same key. Nothing gets more than it had: same subject, same levels, same end, one audience.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import Unauthenticated
from auth.keys import unverified_claims
from auth.provider.clients.service import Clients
from auth.provider.errors import INVALID_SCOPE, INVALID_TARGET, PROOF_NEEDED, invalid_request
from auth.provider.tokens.models import ACCESS_TOKEN_TYPE, ClientTokenAnswer
from auth.sessions.app_tokens import AppTokens
from auth.sessions.errors import OAuthRefusal
from auth.sessions.tokens import AccessTokens

EXCHANGEABLE: Final = frozenset({"person", "organization"})


class Exchange:
    """Exchanges access tokens."""

    def __init__(self, *, access_tokens: AccessTokens, app_tokens: AppTokens, clients: Clients, clock: Clock) -> None:
        self._access_tokens = access_tokens
        self._app_tokens = app_tokens
        self._clients = clients
        self._clock = clock

    async def exchange(
        self, connection: Connection, form: Mapping[str, str], *, jkt: str | None
    ) -> ClientTokenAnswer | OAuthRefusal:
        """A token for the mini-app that `audience` names, published and not suspended (RFC 8693, section 2)."""
        refusal = _judge(form, jkt)
        if refusal is not None or jkt is None:
            return refusal or PROOF_NEEDED
        now = self._clock.now()
        try:
            principal = self._access_tokens.verify(form["subject_token"], now, proof_jkt=jkt)
        except Unauthenticated:
            return invalid_request("The subject token is not valid, or bound to another key.")
        if principal.subject_type not in EXCHANGEABLE:
            return invalid_request("Staff have no business in a mini-app under their own name.")
        department_id = await self._clients.find_department(connection, form["audience"])
        if department_id is None:
            return INVALID_TARGET
        until = datetime.fromtimestamp(unverified_claims(form["subject_token"])["exp"], UTC)  # verified above
        return ClientTokenAnswer(
            access_token=self._app_tokens.issue(
                principal, app_id=form["audience"], department_id=department_id, jkt=jkt, now=now, until=until
            ),
            issued_token_type=ACCESS_TOKEN_TYPE,
            token_type="DPoP",  # noqa: S106 - a scheme
            expires_in=int((until - now).total_seconds()),
        )


def _judge(form: Mapping[str, str], jkt: str | None) -> OAuthRefusal | None:
    if "subject_token" not in form or form.get("subject_token_type") != ACCESS_TOKEN_TYPE:
        return invalid_request("subject_token must be an access token.")
    if form.get("requested_token_type", ACCESS_TOKEN_TYPE) != ACCESS_TOKEN_TYPE or "actor_token" in form:
        return invalid_request("Only an access token is given, and nobody acts for anybody here.")
    if form.get("scope"):
        return INVALID_SCOPE
    if "audience" not in form:
        return INVALID_TARGET
    return PROOF_NEEDED if jkt is None else None
