"""What the message centre needs of the rest of identity, and of the world outside. Shapes only."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model, Text
from auth.people.models import Person
from auth.sms.ports import Handed, SmsMessage


class StaffNotice(Model):
    """One alert for members of staff, by the names of their accounts. `id` stays the same when it is tried again."""

    id: UUID
    to: list[str]
    kind: str
    text: Text
    subject: str
    raised_at: datetime


class StaffChannel(Protocol):
    """The city's own messenger for staff, such as 政务微信."""

    async def send(self, notice: StaffNotice) -> Handed:
        """Hands the notice over; raises `SmsNotTaken`."""
        ...

    async def close(self) -> None:
        """Ends what it holds open."""
        ...


class Vendors(Protocol):
    """Text messages, or calls that read them out."""

    async def send(self, message: SmsMessage, *, tried: Collection[str] = ()) -> Handed:
        """Hands the message over, to those last who have `tried` in vain; raises `SmsNotTaken`, `SmsRefused`."""
        ...


class KnowsPeople(Protocol):
    """People, and where they can be reached."""

    async def get_person(self, connection: Connection, person_id: UUID, /) -> Person:
        """The person; raises `PersonUnknown`."""
        ...

    async def list_phones(self, connection: Connection, person_id: UUID, /) -> list[str]:
        """The person's phones in full, oldest first."""
        ...

    async def disclose(
        self, connection: Connection, person_id: UUID, attributes: frozenset[str], /
    ) -> dict[str, str | bool]:
        """The named attributes that are known."""
        ...


class FindsAlerts(Protocol):
    """What officials are told."""

    async def find_notice(self, connection: Connection, alert_id: UUID, delivery_id: UUID) -> StaffNotice | None:
        """The alert for the staff channel, or None when nobody is there to be told."""
        ...
