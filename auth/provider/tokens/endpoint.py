"""Which grant a form asks for, and who has to prove what before it is heard. Gives out nothing itself."""

from collections.abc import Mapping

from app.kit.database import Connection, Database
from auth.provider.clients.authentication import ClientAuthentication
from auth.provider.clients.models import Client
from auth.provider.errors import INVALID_CLIENT, PROOF_NEEDED, UNAUTHORIZED_CLIENT
from auth.provider.tokens.exchange import Exchange
from auth.provider.tokens.models import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    GRANTS,
    REFRESH_TOKEN,
    TOKEN_EXCHANGE,
    ClientTokenAnswer,
)
from auth.provider.tokens.service import ClientGrants
from auth.sessions.errors import INVALID_REQUEST, UNSUPPORTED_GRANT, OAuthRefusal
from auth.sessions.models import TokenPair
from auth.sessions.service import Sessions

NEEDED = {AUTHORIZATION_CODE: "code", REFRESH_TOKEN: "refresh_token"}


class TokenEndpoint:
    """Answers forms."""

    def __init__(
        self,
        *,
        database: Database,
        authentication: ClientAuthentication,
        grants: ClientGrants,
        exchange: Exchange,
        sessions: Sessions,
    ) -> None:
        self._database = database
        self._authentication = authentication
        self._grants = grants
        self._exchange = exchange
        self._sessions = sessions

    async def exchange(
        self, form: Mapping[str, str], *, jkt: str | None
    ) -> TokenPair | ClientTokenAnswer | OAuthRefusal:
        """Tokens or a refusal, with all that it did committed. `jkt` is of the request's DPoP proof.

        Not one transaction: most of what happens here is a statement, which commits by itself. So an assertion is used
        up as soon as it was accepted, and whoever needs several statements to be one opens a transaction for them.
        """
        grant = form.get("grant_type")
        if grant is None or NEEDED.get(grant, "grant_type") not in form:
            return INVALID_REQUEST
        if grant not in GRANTS:
            return UNSUPPORTED_GRANT
        async with self._database.acquire() as connection:
            if "client_assertion" not in form and grant in {REFRESH_TOKEN, TOKEN_EXCHANGE}:
                return await self._for_phone(connection, form, jkt)
            client = await self._authentication.authenticate(connection, form)
            if isinstance(client, OAuthRefusal):
                return client
            return PROOF_NEEDED if jkt is None else await self._for_client(connection, client, form, jkt)

    async def _for_phone(
        self, connection: Connection, form: Mapping[str, str], jkt: str | None
    ) -> TokenPair | ClientTokenAnswer | OAuthRefusal:
        if "client_secret" in form:
            return INVALID_CLIENT
        if form["grant_type"] == TOKEN_EXCHANGE:
            return await self._exchange.exchange(connection, form, jkt=jkt)
        return await self._sessions.refresh(connection, form["refresh_token"], client_id=form.get("client_id"), jkt=jkt)

    async def _for_client(
        self, connection: Connection, client: Client, form: Mapping[str, str], jkt: str
    ) -> ClientTokenAnswer | OAuthRefusal:
        if form["grant_type"] == AUTHORIZATION_CODE:
            async with connection.transaction():
                return await self._grants.redeem_code(connection, client, form, jkt=jkt)
        if form["grant_type"] == REFRESH_TOKEN:
            return await self._grants.refresh(connection, client, form, jkt=jkt)
        if form["grant_type"] == CLIENT_CREDENTIALS:
            return self._grants.act_for_itself(client, form, jkt=jkt)
        return UNAUTHORIZED_CLIENT
