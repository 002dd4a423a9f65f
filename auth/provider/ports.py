"""What the provider needs from outside: where clients are registered, and a way to reach them."""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model
from auth.provider.clients.models import Client


class FindsClients(Protocol):
    """The register of clients."""

    async def find_client(self, connection: Connection, client_id: str) -> Client | None:
        """The client as it is published now; None for one that is unknown, suspended or gone."""
        ...

    async def find_department(self, connection: Connection, app_id: str) -> UUID | None:
        """Whose mini-app it is, while it is published and not suspended; it need not be a client."""
        ...


class Told(Model):
    """Fields of a citizen that a client was told, with the scopes and bases that let it."""

    person_id: UUID
    client_id: str
    organization_id: UUID
    fields: list[str]
    scopes: list[str]
    bases: list[str]


class RecordsDisclosures(Protocol):
    """The list in which a citizen reads who was told what."""

    async def record_told(self, connection: Connection, told: Told) -> None:
        """Writes it down in the caller's transaction: no record, no fields."""
        ...


class FetchesDocuments(Protocol):
    """The network towards clients, for reading: under the operator's policy, bounded in time and size."""

    async def get_document(self, url: str) -> bytes:
        """What stands at the address; follows nothing. Raises a `SuishenError` when that is not to be had."""
        ...


class ReachesClients(Protocol):
    """The network towards clients, under the operator's policy."""

    async def post_form(self, url: str, form: Mapping[str, str]) -> int:
        """Posts the form, follows nothing; the status of the answer. Raises when nothing answered."""
        ...
