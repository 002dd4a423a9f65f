"""The demo inbox of a city whose messages leave by stand-in vendors: what they took, read from their program.

For development: it shows one-time codes to everybody.
"""

import httpx
import msgspec

from app.kit.errors import TemporarilyUnavailable
from app.kit.masking import mask_phone
from app.kit.outbound import outbound_client
from auth.sms.demo_inbox import InboxView

TIMEOUT_SECONDS = 2.0


class VendorsInbox:
    """Reads one program's list. `close` ends the client."""

    def __init__(self, url: str, *, environment: str) -> None:
        if environment == "production":
            raise RuntimeError("The demo inbox shows one-time codes to everybody; production has none.")
        self._url = url
        self._client = outbound_client(timeout_seconds=TIMEOUT_SECONDS, connections=20)

    async def close(self) -> None:
        """Ends the client."""
        await self._client.aclose()

    async def list_messages(self, phone: str | None) -> list[InboxView]:
        """The latest messages, newest first: of one phone, or of all with masked numbers."""
        try:
            answer = await self._client.get(self._url, params={} if phone is None else {"phone": phone})
            shown = msgspec.json.decode(answer.content, type=list[InboxView])
        except (httpx.HTTPError, msgspec.DecodeError):
            raise TemporarilyUnavailable from None
        if phone is not None:
            return shown
        return [msgspec.structs.replace(message, phone=mask_phone(message.phone)) for message in shown]
