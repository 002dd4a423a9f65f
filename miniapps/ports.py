"""What the registry needs from outside; joined by the front door."""

from typing import Protocol
from uuid import UUID

from app.kit.database import Connection


class NetworkPolicy(Protocol):
    """Which addresses of departments the operator lets the gateway reach. Both raise a `SuishenError`."""

    def check(self, url: str) -> None:
        """Judges the spelling of a base URL and the operator's exceptions; resolves nothing."""
        ...

    async def check_reachable(self, url: str) -> None:
        """As `check`, and every address the name has now may be reached. Asks the network: hold no transaction."""
        ...


class HearsOfApps(Protocol):
    """Whoever hands something out in a mini-app's name: sign-in, above all."""

    async def client_changed(self, connection: Connection, client_id: str, *, actor: str) -> None:
        """The mini-app was published, suspended or resumed in this transaction; `client_id` is its app_id."""
        ...


class Organization(Protocol):
    """What the registry keeps of a department."""

    @property
    def id(self) -> UUID:
        """Its id."""
        ...

    @property
    def name(self) -> str:
        """Its registered name."""
        ...

    @property
    def credit_code(self) -> str:
        """Its unified social credit code (GB 32100)."""
        ...

    @property
    def status(self) -> str:
        """Only an "active" one offers mini-apps."""
        ...


class Organizations(Protocol):
    """Where organizations are known."""

    async def get_organization(self, connection: Connection, organization_id: UUID) -> Organization:
        """The organization; raises a `NotFound`."""
        ...
