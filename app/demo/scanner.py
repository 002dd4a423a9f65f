"""A venue's scanner, as a program: reads the picture file of a code and asks, signed with its enrolled key, what it is.

It never looks into the code itself: what it has is what a camera gives. Signing and reading are the client library's.
"""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec

from app.demo.caller import Caller, Refused
from codes.venues.scanner_client.client import ScannerClient
from codes.venues.scanner_client.device import ScannerDevice
from codes.venues.scanner_client.keystrokes import normalise


class ScannerProgram:
    """One device at one site."""

    def __init__(self, http: httpx.AsyncClient, name: str) -> None:
        self.http = http
        self.name = name
        self.device = ScannerDevice.make(str(http.base_url))

    @property
    def id(self) -> UUID | None:
        """What the city calls this device; None until it is enrolled."""
        return self.device.id

    async def enrol(
        self, official: Caller, organization_id: str, site: str, scenarios: list[int], **more: Any
    ) -> dict[str, Any]:
        """Has an official enrol this device, with proof that it holds its key. `more` may narrow it by `terms`."""
        body = {
            "organization_id": organization_id,
            "site": {"name": site, "address": "演示路1号"},
            "device_name": self.name,
            "scenarios": scenarios,
        }
        proven = self.device.enrolment(organization_id, datetime.now(UTC))
        enrolled: dict[str, Any] = await official.call("POST", "/v1/scanners", json=body | proven | more)
        self.device.id = UUID(enrolled["id"])
        return enrolled

    async def verify(
        self, code: str, scenario: int, *, request_id: str | None = None, cnonce: bytes | None = None
    ) -> dict[str, Any]:
        """The verdict on a code; raises `Refused` when the request itself is refused. `cnonce` is what it showed."""
        body = {"code": normalise(code), "scenario": scenario, "request_id": request_id or str(uuid4())}
        shown = {} if cnonce is None else {"cnonce": urlsafe_b64encode(cnonce).rstrip(b"=").decode()}
        return await self.post("/v1/verifications", body | shown)

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """A signed request (RFC 9421)."""
        content = msgspec.json.encode(body)
        answer = await self.http.post(path, content=content, headers=self.signed_headers("POST", path, content))
        if answer.is_error:
            raise Refused(answer)
        verdict: dict[str, Any] = answer.json()
        return verdict

    def signed_headers(self, method: str, path: str, content: bytes) -> dict[str, str]:
        """The headers of a request that this device signs now."""
        return self.device.signed_headers(method, path, content, datetime.now(UTC))

    def client(self, folder: Path, http: httpx.AsyncClient | None = None) -> ScannerClient:
        """The whole library over this device, with lists and a logbook in `folder`; by another line if one is given."""
        return ScannerClient(self.device, folder, http=http or self.http)
