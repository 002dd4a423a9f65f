"""What vendors say became of a message. Each receipt counts once; a failed one sends the message by another vendor."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import Meta

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import TemporarilyUnavailable
from app.kit.outbox import Outbox
from app.kit.structs import Model, Request
from auth.messages import repository
from auth.messages.errors import ReceiptRefused
from auth.messages.models import DELIVERY_TOPIC, Delivery
from auth.sms.receipts import ReceiptDesk

MOST_VENDORS: Final = 2


class SendReceipt(Request):
    """A vendor's word on one message. `vendor` and `token` are those that came with it."""

    message_id: UUID
    vendor: Annotated[str, Meta(min_length=1, max_length=32)]
    token: Annotated[str, Meta(min_length=1, max_length=64)]
    status: Literal["delivered", "failed"]


class ReceiptTaken(Model):
    """The receipt was understood; the vendor need not say it again."""

    taken: bool = True


class Receipts:
    """Takes receipts."""

    def __init__(self, *, desk: ReceiptDesk, outbox: Outbox, clock: Clock) -> None:
        self._desk = desk
        self._outbox = outbox
        self._clock = clock

    async def take(self, connection: Connection, receipt: SendReceipt) -> ReceiptTaken:
        """Writes down what became of a message; of one that nobody waits for (a one-time code), nothing.

        Raises `ReceiptRefused`, and `TemporarilyUnavailable` when the vendor is quicker with its bad news than we were
        with writing down that it took the message.
        """
        if not self._desk.knows(receipt.vendor, receipt.message_id, receipt.token):
            raise ReceiptRefused
        delivery = await repository.find_delivery_for_update(connection, receipt.message_id)
        if delivery is None or delivery.ended_at is not None:
            return ReceiptTaken()
        now = self._clock.now()
        if receipt.status == "delivered":
            await repository.mark_ended(connection, delivery.id, "delivered", now, sent_at=now)
        elif receipt.vendor not in delivery.tried:
            raise TemporarilyUnavailable(retry_after=1)
        elif delivery.state == "sent" and delivery.tried[-1] == receipt.vendor:
            await self._try_another(connection, delivery, now)
        return ReceiptTaken()

    async def _try_another(self, connection: Connection, delivery: Delivery, now: datetime) -> None:
        if len(delivery.tried) >= MOST_VENDORS:
            await repository.mark_ended(connection, delivery.id, "failed", now)
            return
        await repository.mark_waiting(connection, delivery.id, now)
        await self._outbox.enqueue(connection, topic=DELIVERY_TOPIC, payload={"delivery_id": str(delivery.id)}, now=now)
