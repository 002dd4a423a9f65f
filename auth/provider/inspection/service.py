"""Looking at tokens and taking them back: introspection (RFC 7662), revocation (RFC 7009) and userinfo.

A token is described only to the client that holds it or that it is meant for; to everybody else there is no such token.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.structs import Model
from auth.attributes import PERSON
from auth.guards import REAL_NAME
from auth.pairwise import Names
from auth.people.service import People
from auth.provider.authorize.consent import ConsentDesk
from auth.provider.clients.authentication import ClientAuthentication
from auth.provider.clients.models import Client
from auth.provider.clients.service import Clients
from auth.provider.errors import INVALID_TOKEN, UNSUPPORTED_TOKEN
from auth.provider.ports import RecordsDisclosures, Told
from auth.provider.tokens.access_tokens import USERINFO_PATH, ClientTokens, IssuedToken
from auth.provider.tokens.service import ClientGrants
from auth.sessions.app_tokens import AppTokens
from auth.sessions.errors import INVALID_REQUEST, OAuthRefusal
from auth.sessions.models import Session
from auth.sessions.service import Sessions

UNPROVEN_FIELDS: Final = frozenset({"identity_level"})
REVOKED: Final = "revoked_by_client"


class Introspection(Model, omit_defaults=True):
    """What is told of a token (RFC 7662, section 2.2); of one that is not good, `active` and nothing else."""

    active: bool
    token_type: str | None = None
    scope: str | None = None
    client_id: str | None = None
    sub: str | None = None
    unionid: str | None = None
    aud: str | list[str] | None = None
    iss: str | None = None
    exp: int | None = None
    iat: int | None = None
    jti: str | None = None
    acr: str | None = None
    auth_time: int | None = None
    sid: str | None = None
    cnf: dict[str, str] | None = None
    sub_type: str | None = None
    act: dict[str, str] | None = None
    """Who acts for `sub` (RFC 8693, section 4.1), and by which mandate; both by names that only this client knows."""
    mandate_id: str | None = None


class Done(Model):
    """Nothing to say (RFC 7009, section 2.2)."""


INACTIVE: Final = Introspection(active=False)
TOLD_OF_APP_TOKENS: Final = frozenset(Introspection.__struct_fields__)


class TokenDesk:
    """Describes and ends what clients were given."""

    def __init__(
        self,
        *,
        authentication: ClientAuthentication,
        clients: Clients,
        sessions: Sessions,
        tokens: ClientTokens,
        app_tokens: AppTokens,
        grants: ClientGrants,
        desk: ConsentDesk,
        names: Names,
        people: People,
        clock: Clock,
        issuer: str,
    ) -> None:
        self._authentication = authentication
        self._clients = clients
        self._sessions = sessions
        self._tokens = tokens
        self._app_tokens = app_tokens
        self._grants = grants
        self._desk = desk
        self._names = names
        self._people = people
        self._clock = clock
        self._issuer = issuer
        self._list: RecordsDisclosures | None = None

    def record_in(self, disclosures: RecordsDisclosures) -> None:
        """Where the citizen reads what was told; the audit log holds it in any case."""
        self._list = disclosures

    async def introspect(self, connection: Connection, form: Mapping[str, str]) -> Introspection | OAuthRefusal:
        """What the token means now, not when it was made."""
        client = await self._authentication.authenticate(connection, form)
        if isinstance(client, OAuthRefusal):
            return client
        if "token" not in form:
            return INVALID_REQUEST
        issued = self._tokens.verify_own(form["token"], client)
        if issued is None:
            told = await self._introspect_app_token(connection, client, form["token"])
            return told or await self._introspect_refresh_token(connection, client, form["token"])
        if issued.sid is None:
            return _told(issued, issued.scope)
        session = await self._sessions.find_living(connection, issued.sid)
        holder = await self._clients.find_client(connection, issued.client_id)
        if session is None or holder is None:
            return INACTIVE
        scopes = await self._scopes_now(connection, holder, session, issued.scope)
        return INACTIVE if scopes is None else _told(issued, scopes)

    async def revoke(self, connection: Connection, form: Mapping[str, str]) -> Done | OAuthRefusal:
        """Ends the client's session, and with it every token of it. Unknown tokens are as good as revoked.

        A token in the client's own name stands on no session and ends by itself: it is said not to be revocable.
        """
        client = await self._authentication.authenticate(connection, form)
        if isinstance(client, OAuthRefusal):
            return client
        if "token" not in form:
            return INVALID_REQUEST
        issued = self._tokens.verify_own(form["token"], client)
        if issued is not None and issued.client_id == client.client_id and issued.sid is None:
            return UNSUPPORTED_TOKEN
        session = await self._find_session(connection, client, issued, form["token"])
        if session is not None:
            actor = f"client:{client.client_id}"
            await self._sessions.end_one(connection, session, actor=actor, reason=REVOKED)
        return Done()

    async def describe_citizen(
        self, connection: Connection, token: str, jkt: str | None
    ) -> dict[str, Any] | OAuthRefusal:
        """What the client may know of the citizen now (OpenID Connect Core, section 5.3): by consent or another basis.

        `jkt` is of a DPoP proof for this very request and token. Who somebody is, is told only at identity level 2.
        """
        issued = self._tokens.verify(token, audience=self._issuer + USERINFO_PATH)
        if issued is None or issued.sid is None or jkt is None or issued.jkt != jkt:
            return INVALID_TOKEN
        session = await self._sessions.find_living(connection, issued.sid)
        client = await self._clients.find_client(connection, issued.client_id)
        if session is None or client is None or session.client_id != client.client_id:
            return INVALID_TOKEN
        scopes = frozenset(issued.scope.split())
        if await self._desk.allowed_scopes(connection, client, session.subject_id, scopes) is None:
            return INVALID_TOKEN
        told = await self._fields(connection, client, session, scopes)
        return told | {
            "sub": self._names.sub(client.client_id, session.subject_id),
            "unionid": self._names.unionid(client.organization_id, session.subject_id),
        }

    async def _fields(
        self, connection: Connection, client: Client, session: Session, scopes: frozenset[str]
    ) -> dict[str, Any]:
        by_scope = await self._desk.allowed_fields(connection, client, session.subject_id, scopes)
        tellable = PERSON if session.ial >= REAL_NAME else UNPROVEN_FIELDS
        fields = frozenset[str]().union(*by_scope.values()) & tellable
        told = dict(await self._people.disclose(connection, session.subject_id, fields)) if fields else {}
        if told:
            telling = [scope for scope in client.scopes if by_scope.get(scope.name, frozenset()) & set(told)]
            await self._record(
                connection,
                Told(
                    person_id=session.subject_id,
                    client_id=client.client_id,
                    organization_id=client.organization_id,
                    fields=sorted(told),
                    scopes=[scope.name for scope in telling],
                    bases=[scope.basis for scope in telling],
                ),
            )
        return told

    async def _record(self, connection: Connection, told: Told) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=f"client:{told.client_id}",
            action="userinfo.disclosed",
            subject=f"person:{told.person_id}",
            detail={"fields": told.fields, "scopes": told.scopes},
        )
        if self._list is not None:
            await self._list.record_told(connection, told)

    async def _introspect_app_token(self, connection: Connection, client: Client, token: str) -> Introspection | None:
        """A phone's token for this mini-app alone; whoever it is for may ask who acts by which mandate."""
        described = self._app_tokens.describe(token, app_id=client.client_id, now=self._clock.now())
        if described is None or await self._sessions.find_living(connection, described.session_id) is None:
            return None
        told = {name: value for name, value in described.claims.items() if name in TOLD_OF_APP_TOKENS}
        return msgspec.convert({**told, "active": True, "token_type": "DPoP"}, Introspection)

    async def _introspect_refresh_token(self, connection: Connection, client: Client, token: str) -> Introspection:
        session = await self._grants.find_refreshable(connection, client, token)
        if session is None:
            return INACTIVE
        scopes = await self._scopes_now(connection, client, session, " ".join(session.scopes))
        if scopes is None:
            return INACTIVE
        return Introspection(
            active=True,
            client_id=client.client_id,
            iss=self._issuer,
            sub=self._names.sub(client.client_id, session.subject_id),
            scope=scopes,
            exp=int(session.expires_at.timestamp()),
            sid=str(session.id),
        )

    async def _scopes_now(self, connection: Connection, client: Client, session: Session, scope: str) -> str | None:
        """Those scopes that still have their basis; None when the citizen took back the sign-in itself."""
        asked = frozenset(scope.split())
        allowed = await self._desk.allowed_scopes(connection, client, session.subject_id, asked)
        return None if allowed is None else " ".join(sorted(allowed))

    async def _find_session(
        self, connection: Connection, client: Client, issued: IssuedToken | None, token: str
    ) -> Session | None:
        if issued is None:
            return await self._grants.find_refreshable(connection, client, token)
        if issued.sid is None or issued.client_id != client.client_id:
            return None
        return await self._sessions.find_living(connection, issued.sid)


def _told(issued: IssuedToken, scope: str) -> Introspection:
    return Introspection(
        active=True,
        token_type="DPoP",  # noqa: S106 - a scheme
        scope=scope or None,
        client_id=issued.client_id,
        sub=issued.sub,
        unionid=issued.unionid,
        aud=issued.aud,
        iss=issued.iss,
        exp=issued.exp,
        iat=issued.iat,
        jti=issued.jti,
        acr=issued.acr,
        auth_time=issued.auth_time,
        sid=None if issued.sid is None else str(issued.sid),
        cnf=issued.cnf,
    )
