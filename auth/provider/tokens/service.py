"""Tokens for clients: by an authorization code, by a refresh token, and in the client's own name.

Every token is bound to the DPoP key proved at the token endpoint; without a proof there is none (FAPI 2.0, 5.3.2.1).
Refusals are returned: a second use of a code has taken back what the first one gave, and that must be committed.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.vault import Vault
from auth.provider.authorize import repository as requests
from auth.provider.authorize.consent import ConsentDesk, purposes_of, standing_scopes
from auth.provider.authorize.pushing import hash_of
from auth.provider.authorize.repository import RedeemedCode
from auth.provider.clients.models import Client
from auth.provider.clients.service import Clients
from auth.provider.errors import INVALID_CLIENT, INVALID_CODE, INVALID_SCOPE
from auth.provider.tokens import repository
from auth.provider.tokens.access_tokens import ClientTokens
from auth.provider.tokens.id_tokens import IdTokens
from auth.provider.tokens.models import ClientTokenAnswer, verifier_fits
from auth.sessions.errors import INVALID_GRANT, OAuthRefusal
from auth.sessions.models import Session, StartSession, UsedSession
from auth.sessions.refresh_tokens import RefreshTokens
from auth.sessions.service import Sessions

CODE_REUSED: Final = "code_reuse"


class ClientGrants:
    """What the token endpoint does for an authenticated client."""

    def __init__(
        self,
        *,
        clients: Clients,
        sessions: Sessions,
        tokens: ClientTokens,
        id_tokens: IdTokens,
        desk: ConsentDesk,
        vault: Vault,
        clock: Clock,
        lifetime: timedelta,
    ) -> None:
        self._clients = clients
        self._sessions = sessions
        self._tokens = tokens
        self._id_tokens = id_tokens
        self._desk = desk
        self._refresh_tokens = RefreshTokens(vault, purpose="client-refresh")
        self._clock = clock
        self._lifetime = lifetime

    async def redeem_code(
        self, connection: Connection, client: Client, form: Mapping[str, str], *, jkt: str
    ) -> ClientTokenAnswer | OAuthRefusal:
        """Tokens for a code, once. A wrong try spends the code as well; a second one ends what it gave.

        RFC 6749, section 4.1.3; RFC 7636, section 4.6; RFC 9449, section 10.
        """
        if await self._clients.hold_client(connection, client.client_id) is None:
            return INVALID_CLIENT
        code_hash = hash_of(form.get("code", ""))
        redeemed = await requests.redeem_code(connection, code_hash, client.client_id, self._clock.now())
        if redeemed is None:
            return await self._refuse_used(connection, client, code_hash)
        if not _belongs(redeemed, form, jkt):
            return INVALID_CODE
        opened = await self._open(connection, client, redeemed, jkt)
        if opened is None:
            return INVALID_CODE
        await requests.mark_issued(connection, redeemed.id, opened.session.id)
        refresh_token = self._refresh_tokens.make(opened.session.id, 0).text
        nonce = redeemed.parameters.nonce
        return self._answer(client, opened, opened.session.scopes, jkt, nonce=nonce, refresh_token=refresh_token)

    async def refresh(
        self, connection: Connection, client: Client, form: Mapping[str, str], *, jkt: str
    ) -> ClientTokenAnswer | OAuthRefusal:
        """New access and ID tokens. The refresh token stays: it is worth nothing without the client's own key.

        FAPI 2.0, section 5.3.2.1 (no rotation); RFC 9449, section 5: for such clients it is not bound to a DPoP key.
        Needs no transaction: when somebody ends the session after this look, what is issued ends with it.
        """
        recognised = self._refresh_tokens.recognise(form.get("refresh_token", ""))
        if recognised is None:
            return INVALID_GRANT
        now, purposes = self._clock.now(), purposes_of(client, client.scopes)
        found = await repository.find_standing(connection, recognised.session_id, client, purposes=purposes, now=now)
        if found is None:
            return INVALID_GRANT
        session = found.used.session
        allowed = standing_scopes(client, session.scopes, found.consents)
        if allowed is None:
            return INVALID_GRANT
        await self._sessions.keep_alive(connection, session)
        asked = frozenset(form.get("scope", "").split()) or allowed
        if not asked <= session.scopes:
            return INVALID_SCOPE
        return self._answer(client, found.used, asked & allowed, jkt)

    def act_for_itself(self, client: Client, form: Mapping[str, str], *, jkt: str) -> ClientTokenAnswer | OAuthRefusal:
        """A token in the client's own name (RFC 6749, section 4.4); there are no scopes to ask for."""
        if form.get("scope"):
            return INVALID_SCOPE
        return ClientTokenAnswer(
            access_token=self._tokens.issue_for_client(client, jkt=jkt),
            token_type="DPoP",  # noqa: S106 - a scheme
            expires_in=self._tokens.lifetime_seconds,
        )

    async def find_refreshable(self, connection: Connection, client: Client, token: str) -> Session | None:
        """The living session that a refresh token of this very client names.

        Not locked: whoever ends it locks all sessions of its holder, in their order.
        """
        recognised = self._refresh_tokens.recognise(token)
        session = await self._sessions.find_living(connection, recognised.session_id) if recognised else None
        return session if session is not None and session.client_id == client.client_id else None

    async def _refuse_used(self, connection: Connection, client: Client, code_hash: bytes) -> OAuthRefusal:
        used = await requests.find_used(connection, code_hash, client.client_id)
        session = None
        if used is not None and used.issued_session_id is not None:
            session = await self._sessions.find_living(connection, used.issued_session_id)
        if session is not None:
            await self._sessions.end_one(connection, session, actor="system", reason=CODE_REUSED)
        return INVALID_CODE

    async def _open(
        self, connection: Connection, client: Client, redeemed: RedeemedCode, jkt: str
    ) -> UsedSession | None:
        """The client's own session, in the browser's or the phone's: it ends with it."""
        parent = await self._sessions.hold_living(connection, redeemed.browser_session_id)
        if parent is None:
            return None
        scopes = await self._desk.allowed_scopes(connection, client, parent.subject_id, redeemed.parameters.scopes)
        if scopes is None:
            return None
        remaining = int(min(parent.expires_at - self._clock.now(), self._lifetime).total_seconds())
        start = StartSession(
            subject_type="person",
            subject_id=parent.subject_id,
            holder_id=parent.holder_id,
            parent_id=parent.id,
            client_id=client.client_id,
            scopes=scopes,
            ial=parent.ial,
            aal=parent.aal,
            method="code",
            authenticated_at=parent.authenticated_at,
            idle_seconds=remaining,
            absolute_seconds=remaining,
            jkt=jkt,
            unproven=parent.unproven,
        )
        return UsedSession(session=await self._sessions.open_session(connection, start), began_by=parent.method)

    def _answer(
        self,
        client: Client,
        used: UsedSession,
        scopes: frozenset[str],
        jkt: str,
        *,
        nonce: str | None = None,
        refresh_token: str | None = None,
    ) -> ClientTokenAnswer:
        return ClientTokenAnswer(
            access_token=self._tokens.issue_for_citizen(client, used.session, scopes=scopes, jkt=jkt),
            token_type="DPoP",  # noqa: S106 - a scheme
            expires_in=self._tokens.lifetime_seconds,
            scope=" ".join(sorted(scopes)),
            id_token=self._id_tokens.issue(client, used.session, method=used.began_by, nonce=nonce),
            refresh_token=refresh_token,
        )


def _belongs(redeemed: RedeemedCode, form: Mapping[str, str], jkt: str) -> bool:
    """Whether whoever shows the code is who asked for it: by address, PKCE secret, and key where one was named."""
    asked = redeemed.parameters
    return (
        form.get("redirect_uri") == asked.redirect_uri
        and verifier_fits(form.get("code_verifier", ""), asked.code_challenge)
        and asked.dpop_jkt in {None, jkt}
    )
