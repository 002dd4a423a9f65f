"""The rooms of the record over HTTP: a door, a phone that was scanned there, and officials; for several tests."""

from dataclasses import dataclass
from typing import Any

import httpx

from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.principal import Principal
from codes.venues.scanners.models import Scanner
from codes.verification.models import VerifyCode
from tests.codes.enterprise_city import Caller
from tests.codes.personal_city import City, Phone, a_scanner


@dataclass(frozen=True, kw_only=True)
class Record:
    """Scans happen in the service; whatever is read or said afterwards goes over HTTP, as whoever is named."""

    city: City
    connection: Connection
    clock: ManualClock
    http: httpx.AsyncClient
    caller: Caller

    async def scan(self, phone: Phone, scenario: int = 301, *, scanner: Scanner | None = None, **shown: Any) -> str:
        """The id of an online scan, whatever its verdict."""
        request = VerifyCode(code=phone.show(scenario, **shown), scenario=scenario)
        result = await self.city.codes.verifications.verify(self.connection, scanner or a_scanner(scenario), request)
        assert result.verification_id is not None
        return result.verification_id

    async def call(self, principal: Principal | None, method: str, path: str, **options: Any) -> httpx.Response:
        """One request as `principal`."""
        self.caller.principal = principal
        try:
            return await self.http.request(method, path, **options)
        finally:
            self.caller.principal = None

    async def read(self, principal: Principal, path: str) -> list[dict[str, Any]]:
        """The items of a list that must be readable."""
        answer = await self.call(principal, "GET", path)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items
