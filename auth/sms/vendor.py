"""Short messages and calls through a vendor's HTTP gateway: one JSON POST a message, its id as the key against doubles.

The vendor is told where to send its receipt, and a token that is good for the receipt of this one message.
"""

from http import HTTPStatus

import httpx
import msgspec

from app.kit.outbound import outbound_client
from auth.sms.ports import Handed, SmsMessage, SmsNotTaken, SmsRefused
from auth.sms.receipts import ReceiptDesk


class HttpSms:
    """Speaks to one vendor. `close` ends the client."""

    def __init__(self, name: str, url: str, *, desk: ReceiptDesk, timeout_seconds: float) -> None:
        self._name = name
        self._url = url
        self._desk = desk
        self._client = outbound_client(timeout_seconds=timeout_seconds, connections=20)

    @property
    def name(self) -> str:
        """What receipts call the vendor."""
        return self._name

    async def close(self) -> None:
        """Ends the client."""
        await self._client.aclose()

    async def send(self, message: SmsMessage) -> Handed:
        """Hands the message over; raises `SmsNotTaken`, and `SmsRefused` for a number that cannot be reached (422)."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(message.id)}
        body = msgspec.to_builtins(message) | {"receipt": self._desk.address_of(self._name, message.id)}
        try:
            status = await self._post(msgspec.json.encode(body), headers)
        except httpx.HTTPError as error:
            raise SmsNotTaken(type(error).__name__) from None
        if status == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise SmsRefused(str(status))
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise SmsNotTaken(str(status))
        return Handed(vendor=self._name)

    async def _post(self, body: bytes, headers: dict[str, str]) -> int:
        """The status; what else the vendor says is not read, however long it is."""
        async with self._client.stream("POST", self._url, content=body, headers=headers) as response:
            return response.status_code
