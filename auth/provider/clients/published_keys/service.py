"""Finds the keys by which a client proves itself: named in the register, or published at its own address.

Fetching never happens in a request: it is asked for in the outbox, and the request is answered by what is known. So a
client's slow server holds nobody up, and no stranger makes the city call anywhere more than once in ten seconds.
"""

from typing import Any, Final

import structlog

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.errors import SuishenError
from app.kit.outbox import Outbox
from auth.keys import PublicJwk
from auth.provider.clients.models import Client
from auth.provider.clients.published_keys import repository
from auth.provider.clients.published_keys.models import ASK_AT_MOST_EVERY, KeysUnreadable, read_keys
from auth.provider.clients.service import Clients
from auth.provider.ports import FetchesDocuments

TOPIC: Final = "client.keys"

log = structlog.get_logger()


class PublishedKeys:
    """Keys of clients. Until `fetch_through` says how, published ones are never found."""

    def __init__(self, *, database: Database, outbox: Outbox, clients: Clients, clock: Clock) -> None:
        self._database = database
        self._outbox = outbox
        self._clients = clients
        self._clock = clock
        self._network: FetchesDocuments | None = None

    def fetch_through(self, network: FetchesDocuments) -> None:
        """The way to clients' own addresses."""
        self._network = network

    async def find_key(self, connection: Connection, client: Client, kid: str | None) -> PublicJwk | None:
        """The key of this name; without a name, the only one there is. A key that is not known is asked for."""
        keys = await self._keys_of(connection, client)
        found = keys.get(kid) if kid is not None else None
        if kid is None and len(keys) == 1:
            found = next(iter(keys.values()))
        if found is None:
            await self._ask(connection, client)
        return found

    async def fetch(self, payload: dict[str, Any]) -> None:
        """The handler of the outbox. What does not answer, or is no key set, leaves everything as it was."""
        async with self._database.acquire() as connection:
            client = await self._clients.find_client(connection, str(payload["client_id"]))
        if client is None or client.jwks_uri is None or self._network is None:
            return
        try:
            keys = read_keys(await self._network.get_document(client.jwks_uri))
        except (SuishenError, KeysUnreadable) as refusal:
            log.warning("client.keys_not_fetched", client_id=client.client_id, cause=type(refusal).__name__)
            return
        async with self._database.transaction() as connection:
            await repository.mark_fetched(connection, client.client_id, client.jwks_uri, keys, self._clock.now())

    async def _keys_of(self, connection: Connection, client: Client) -> dict[str, PublicJwk]:
        if client.jwks_uri is None:
            return client.keys
        stored, now = await repository.find_keys(connection, client.client_id), self._clock.now()
        if stored is None or not stored.is_fresh(client.jwks_uri, now):
            await self._ask(connection, client)
        return {} if stored is None else stored.usable(client.jwks_uri, now)

    async def _ask(self, connection: Connection, client: Client) -> None:
        """Kept even when the request that asks is refused."""
        if client.jwks_uri is None:
            return
        now = self._clock.now()
        async with connection.transaction():
            asks = await repository.mark_asked(
                connection, client.client_id, client.jwks_uri, now=now, before=now - ASK_AT_MOST_EVERY
            )
            if asks:
                await self._outbox.enqueue(connection, topic=TOPIC, payload={"client_id": client.client_id}, now=now)
