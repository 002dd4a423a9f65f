"""The hotline over HTTP. Believes only a small, well-formed receipt.

Connections are not kept and redirects are not followed, as with every register outside.
"""

from typing import Annotated, Final

import httpx
import msgspec

from codes.records.complaints.models import ComplaintCase, forwarded
from codes.records.complaints.ports import HotlineUnavailable

LONGEST_ANSWER: Final = 4096


class Receipt(msgspec.Struct, frozen=True):
    """What the hotline answers."""

    reference: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:/-]{1,64}(?![\s\S])")]


class HttpHotline:
    """Posts to `{url}/v1/complaints`; the complaint's id is the key against doubles."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url = f"{url.rstrip('/')}/v1/complaints"
        self._client = client

    async def take(self, case: ComplaintCase, /) -> str:
        """The hotline's number; raises `HotlineUnavailable`."""
        try:
            body = await self._post(case)
            return msgspec.json.decode(body, type=Receipt).reference
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError) as error:
            raise HotlineUnavailable(type(error).__name__) from None

    async def _post(self, case: ComplaintCase) -> bytes:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Idempotency-Key": str(case.id)}
        content = msgspec.json.encode(forwarded(case))
        async with self._client.stream("POST", self._url, headers=headers, content=content) as response:
            if not response.is_success:
                raise HotlineUnavailable(f"status {response.status_code}")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LONGEST_ANSWER:
                    raise HotlineUnavailable("too long")
        return bytes(body)
