"""Short messages, as identity needs them."""

from typing import Protocol
from uuid import UUID

from app.kit.structs import Model

TOPIC = "sms.send"


class SmsMessage(Model):
    """One message for one phone. `id` stays the same when delivery is tried again."""

    id: UUID
    phone: str
    text: str


class Sms(Protocol):
    """Delivers a message, possibly twice; raises when the vendor did not take it."""

    async def send(self, message: SmsMessage) -> None:
        """Hands the message over."""
        ...
