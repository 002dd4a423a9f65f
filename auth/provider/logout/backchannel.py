"""Back-channel logout (OpenID Connect Back-Channel Logout 1.0): a client is told that a session of its own ended.

Written into the outbox with the end itself, signed when it is sent, sent by the operator's network policy.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.ids import new_token
from app.kit.jwt import sign_jwt
from app.kit.keyring import Keyring
from app.kit.outbox import Outbox
from app.kit.structs import Model
from auth.pairwise import Names
from auth.provider.clients.models import Client
from auth.provider.clients.service import Clients
from auth.provider.ports import ReachesClients
from auth.sessions.repository import RevokedSession
from auth.sessions.tokens import PURPOSE

TOPIC: Final = "client.logout"
EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
TYPE: Final = "logout+jwt"
LIVES_SECONDS: Final = 120
ACCEPTED: Final = frozenset({200, 204})


class Notice(Model):
    """A session of a client that ended."""

    client_id: str
    session_id: UUID
    subject_id: UUID


class NotAccepted(Exception):
    """The client did not take the logout token; it is sent again later."""


class BackchannelLogout:
    """Tells clients, at least once each."""

    def __init__(
        self,
        *,
        database: Database,
        outbox: Outbox,
        keyring: Keyring,
        clients: Clients,
        names: Names,
        clock: Clock,
        issuer: str,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._keyring = keyring
        self._clients = clients
        self._names = names
        self._clock = clock
        self._issuer = issuer
        self._network: ReachesClients | None = None

    def send_through(self, network: ReachesClients) -> None:
        """The way to clients; before, notices wait in the outbox."""
        self._network = network

    async def sessions_ended(self, connection: Connection, ended: Sequence[RevokedSession]) -> None:
        """Notes every ended session of a client that wants to know, in the transaction that ended it."""
        of_clients = [session for session in ended if session.method == "code"]
        listening = {
            client_id: await self._listens(connection, client_id)
            for client_id in {session.client_id for session in of_clients}
        }
        for session in of_clients:
            if listening[session.client_id]:
                notice = Notice(client_id=session.client_id, session_id=session.id, subject_id=session.subject_id)
                payload: dict[str, Any] = msgspec.to_builtins(notice)
                await self._outbox.enqueue(connection, topic=TOPIC, payload=payload, now=self._clock.now())

    async def send(self, payload: dict[str, Any]) -> None:
        """The handler of the outbox. Raises what keeps the message for later; a client that is gone is told nothing."""
        notice = msgspec.convert(payload, Notice)
        async with self._database.acquire() as connection:
            client = await self._clients.find_client(connection, notice.client_id)
        if client is None or client.backchannel_logout_uri is None:
            return
        if self._network is None:
            raise NotAccepted("no network")
        form = {"logout_token": self._token(client, notice)}
        status = await self._network.post_form(client.backchannel_logout_uri, form)
        if status not in ACCEPTED:
            raise NotAccepted(str(status))

    async def _listens(self, connection: Connection, client_id: str) -> bool:
        client = await self._clients.find_client(connection, client_id)
        return client is not None and client.backchannel_logout_uri is not None

    def _token(self, client: Client, notice: Notice) -> str:
        """A logout token (section 2.4): never with a nonce, so that it cannot pass for an ID token."""
        issued_at = int(self._clock.now().timestamp())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": client.client_id,
            "iat": issued_at,
            "exp": issued_at + LIVES_SECONDS,
            "jti": new_token(16),
            "sub": self._names.sub(client.client_id, notice.subject_id),
            "sid": str(notice.session_id),
            "events": {EVENT: {}},
        }
        return sign_jwt(self._keyring.active(PURPOSE), typ=TYPE, claims=claims)
