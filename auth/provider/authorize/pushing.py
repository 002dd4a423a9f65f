"""Pushed authorization requests (RFC 9126): a client says what it wants over a channel of its own, before any browser.

What was pushed cannot be changed on the way, and nobody learns it from an address.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.ids import new_id, new_token
from app.kit.structs import Model
from auth.provider.authorize import repository
from auth.provider.authorize.models import AuthorizationRequest, StoredRequest, read_request
from auth.provider.clients.authentication import ClientAuthentication
from auth.provider.clients.models import Client
from auth.provider.errors import PROOF_NEEDED, invalid_request
from auth.provider.tokens.id_tokens import IdTokens
from auth.sessions.errors import OAuthRefusal

URN: Final = "urn:ietf:params:oauth:request_uri:"
LIVES_SECONDS: Final = 60


class PushedRequest(Model):
    """Where the request waits (RFC 9126, section 2.2)."""

    request_uri: str
    expires_in: int


class Pushing:
    """Takes requests in."""

    def __init__(
        self, database: Database, authentication: ClientAuthentication, id_tokens: IdTokens, clock: Clock
    ) -> None:
        self._database = database
        self._authentication = authentication
        self._id_tokens = id_tokens
        self._clock = clock

    async def push(self, form: Mapping[str, str], *, jkt: str | None) -> PushedRequest | OAuthRefusal:
        """A reference that opens once within a minute. `jkt` is of a DPoP proof: the code is bound to its key.

        Each statement commits by itself, so an assertion is used up as soon as it was accepted.
        """
        async with self._database.acquire() as connection:
            client = await self._authentication.authenticate(connection, form)
            if isinstance(client, OAuthRefusal):
                return client
            request = self._read(form, client, jkt)
            return request if isinstance(request, OAuthRefusal) else await self._store(connection, client, request)

    def _read(self, form: Mapping[str, str], client: Client, jkt: str | None) -> AuthorizationRequest | OAuthRefusal:
        request = read_request(form, client)
        if isinstance(request, OAuthRefusal):
            return request
        if jkt is not None and request.dpop_jkt not in {None, jkt}:
            return PROOF_NEEDED
        hint = form.get("id_token_hint")
        hinted = None if hint is None else self._id_tokens.read_hint(hint)
        if hint is not None and (hinted is None or hinted.aud != client.client_id):
            return invalid_request("id_token_hint is not an ID token of ours for this client.")
        return msgspec.structs.replace(
            request, dpop_jkt=jkt or request.dpop_jkt, hinted_sub=None if hinted is None else hinted.sub
        )

    async def _store(self, connection: Connection, client: Client, request: AuthorizationRequest) -> PushedRequest:
        now, uri = self._clock.now(), URN + new_token()
        stored = StoredRequest(
            id=new_id(),
            client_id=client.client_id,
            parameters=request,
            created_at=now,
            expires_at=now + timedelta(seconds=LIVES_SECONDS),
        )
        await repository.insert_request(connection, stored, hash_of(uri))
        return PushedRequest(request_uri=uri, expires_in=LIVES_SECONDS)


def hash_of(secret: str) -> bytes:
    """What the database keeps of a random value."""
    return hashlib.sha256(secret.encode()).digest()
