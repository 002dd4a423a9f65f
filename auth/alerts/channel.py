"""The staff channel over HTTP: one JSON POST an alert to the city's messenger for staff (政务微信 and the like)."""

from http import HTTPStatus
from typing import Final

import httpx
import msgspec

from app.kit.outbound import outbound_client
from auth.messages.ports import StaffNotice
from auth.sms.ports import Handed, SmsNotTaken

NAME: Final = "staff"


class HttpStaffChannel:
    """Speaks to one messenger. `close` ends the client."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        self._url = url
        self._client = outbound_client(timeout_seconds=timeout_seconds, connections=5)

    async def close(self) -> None:
        """Ends the client."""
        await self._client.aclose()

    async def send(self, notice: StaffNotice) -> Handed:
        """Hands the notice over: it is there when the messenger took it. Raises `SmsNotTaken`."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(notice.id)}
        try:
            async with self._client.stream(
                "POST", self._url, content=msgspec.json.encode(notice), headers=headers
            ) as response:
                status = response.status_code
        except httpx.HTTPError as error:
            raise SmsNotTaken(type(error).__name__) from None
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise SmsNotTaken(str(status))
        return Handed(vendor=NAME, delivered=True)
