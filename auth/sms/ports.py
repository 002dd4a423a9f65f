"""Short messages and calls, as identity needs them of a vendor."""

from datetime import datetime
from typing import Final, Literal, Protocol
from uuid import UUID

from app.kit.structs import Model

TOPIC: Final = "sms.send"


class SmsMessage(Model):
    """One message for one phone. `id` stays the same when delivery is tried again.

    `template` is the name under which the vendor knows the text; the text begins with the city's signature.
    """

    id: UUID
    phone: str
    text: str
    template: str = "code"
    purpose: Literal["code", "notice"] = "code"
    language: Literal["zh", "en"] = "zh"
    expires_at: datetime | None = None


class Handed(Model):
    """Who took the message, and whether it is there already; else a receipt will say."""

    vendor: str
    delivered: bool = False


class SmsNotTaken(Exception):
    """No vendor took the message now; later one may. Carries no number and no text."""


class SmsRefused(Exception):
    """The vendor says that this number can never be reached. Carries no number and no text."""


class Sms(Protocol):
    """Delivers a message, possibly twice."""

    @property
    def name(self) -> str:
        """What receipts call the vendor."""
        ...

    async def send(self, message: SmsMessage) -> Handed:
        """Hands the message over; raises `SmsNotTaken`, `SmsRefused`."""
        ...

    async def close(self) -> None:
        """Ends what it holds open."""
        ...
