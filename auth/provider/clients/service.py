"""The clients of the provider, always as the register has them at this moment: nothing is remembered in a worker."""

from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Text
from auth.provider.clients import repository
from auth.provider.clients.models import Client
from auth.provider.ports import FindsClients
from auth.sessions.service import Sessions

CLIENT_ENDED = "client_ended"


class Clients:
    """Finds clients, and ends what the ones that are gone were given."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._register: FindsClients | None = None

    def find_in(self, register: FindsClients) -> None:
        """Where they are found from now on; before, there are none."""
        self._register = register

    async def find_client(self, connection: Connection, client_id: str) -> Client | None:
        """The client as it is now, or None."""
        return None if self._register is None else await self._register.find_client(connection, client_id)

    async def hold_client(self, connection: Connection, client_id: str) -> Client | None:
        """As `find_client`; nobody suspends it before the caller's transaction ends. To be held before any other row.

        So a session that is being opened is either seen by `client_changed`, or is not opened.
        """
        await repository.lock_client_shared(connection, client_id)
        return await self.find_client(connection, client_id)

    async def find_name(self, connection: Connection, client_id: str) -> Text | None:
        """What the client is called now."""
        client = await self.find_client(connection, client_id)
        return None if client is None else client.name

    async def find_department(self, connection: Connection, app_id: str) -> UUID | None:
        """Whose mini-app it is, while citizens may use it."""
        return None if self._register is None else await self._register.find_department(connection, app_id)

    async def client_changed(self, connection: Connection, client_id: str, *, actor: str) -> None:
        """The register has changed in this transaction: a client that is no more loses its sessions and tokens."""
        await repository.lock_client(connection, client_id)
        if await self.find_client(connection, client_id) is None:
            await self._sessions.end_sessions_of_client(connection, client_id, actor=actor, reason=CLIENT_ENDED)
