"""What the message centre keeps about a person: for the copy that they ask for, and for the end of their account."""

from datetime import datetime
from typing import Any
from uuid import UUID

from app.kit.database import Connection
from auth.messages import repository
from auth.messages.contacts.service import Contacts
from auth.messages.service import Messages


class MessageTraces:
    """One part of the copy; and what is deleted, because nothing but an id would keep it from being read."""

    export_name = "message_centre"

    def __init__(self, messages: Messages, contacts: Contacts) -> None:
        self._messages = messages
        self._contacts = contacts

    async def export_person(self, connection: Connection, person_id: UUID) -> Any:
        """What was chosen, what left the app, who is told beside the person, and whose notices they get."""
        return {
            "preferences": await self._messages.get_preferences(connection, person_id),
            "deliveries": await repository.list_deliveries_to(connection, person_id),
            "trusted_contacts": (await self._contacts.list_contacts(connection, person_id)).items,
            "trusted_by": (await self._contacts.list_trust(connection, person_id)).items,
        }

    async def erase_person(self, connection: Connection, person_id: UUID, _now: datetime) -> None:
        """Notices, their copies for others, receipts, choices and contacts."""
        await repository.delete_traces(connection, person_id)
