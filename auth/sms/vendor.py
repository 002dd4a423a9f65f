"""Short messages through a vendor's HTTP gateway: one JSON POST a message, its id as the key against doubles."""

import httpx
import msgspec

from auth.sms.ports import SmsMessage


class SmsNotTaken(Exception):
    """The vendor did not take the message. Carries no number and no text."""


class HttpSms:
    """Speaks to one vendor. `close` ends the client."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        self._url = url
        limits = httpx.Limits(max_connections=20, max_keepalive_connections=0)
        self._client = httpx.AsyncClient(timeout=timeout_seconds, limits=limits, trust_env=False)

    async def close(self) -> None:
        """Ends the client."""
        await self._client.aclose()

    async def send(self, message: SmsMessage) -> None:
        """Hands the message over; raises `SmsNotTaken`, then the outbox tries again."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(message.id)}
        try:
            response = await self._client.post(self._url, content=msgspec.json.encode(message), headers=headers)
        except httpx.HTTPError as error:
            raise SmsNotTaken(type(error).__name__) from None
        if not response.is_success:
            raise SmsNotTaken(str(response.status_code))
