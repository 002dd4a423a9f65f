"""Doors of the personal city over HTTP: devices that are enrolled, sign, and ask; phones that show."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from tests.codes.enterprise_city import LIBRARY, Caller, Device, an_official, app_of, client_of
from tests.codes.personal_city import City, Phone

JSON = {"content-type": "application/json"}


class Doors:
    """The city's devices at the edge."""

    def __init__(self, http: httpx.AsyncClient, caller: Caller, city: City, connection: Connection) -> None:
        self.http = http
        self.caller = caller
        self.city = city
        self.connection = connection

    @property
    def clock(self) -> Any:
        return self.city.clock

    async def as_registrar(
        self, method: str, path: str, *, organization_id: Any = LIBRARY, role: str = "scanner_admin", **options: Any
    ) -> httpx.Response:
        self.caller.principal = an_official(role, organization_id=organization_id)
        answer = await self.http.request(method, path, **options)
        self.caller.principal = None
        return answer

    async def enrol(self, *scenarios: int, **changes: Any) -> Device:
        device = Device(self.city.clock)
        organization_id = changes.get("organization_id", str(LIBRARY))
        body = device.enrolment(scenarios=list(scenarios), **changes)
        body["proof"] = device.proof(organization_id=organization_id)
        answer = await self.as_registrar("POST", "/v1/scanners", json=body, role="system_admin")
        assert answer.status_code == 201, answer.text
        device.id = answer.json()["id"]
        return device

    async def signed(self, device: Device, method: str, path: str, body: Any = None) -> httpx.Response:
        content = b"" if body is None else msgspec.json.encode(body)
        headers = JSON | device.signed(method, path, content)
        return await self.http.request(method, path, content=content, headers=headers)

    async def scan(self, device: Device, code: str, scenario: int = 301, **facts: Any) -> dict[str, Any]:
        """The verdict."""
        answer = await self.signed(device, "POST", "/v1/verifications", {"code": code, "scenario": scenario} | facts)
        assert answer.status_code == 200, answer.text
        verdict: dict[str, Any] = answer.json()
        return verdict

    async def reason(self, device: Device, code: str, scenario: int = 301) -> str:
        result = await self.scan(device, code, scenario)
        assert result["verdict"] == "ACCEPT" or result["disclosed"] == {}
        return str(result["reason"])

    async def a_phone(self, **facts: Any) -> Phone:
        return await self.city.a_phone(self.connection, **facts)

    async def audited(self, action: str) -> list[dict[str, Any]]:
        rows = await self.connection.fetch(
            "select actor, subject, detail from kit.audit_entry where action = $1 order by id", action
        )
        return [dict(row) for row in rows]


@pytest.fixture
async def doors(floor: Floor, clock: ManualClock, connection: Connection) -> AsyncIterator[Doors]:
    caller, city = Caller(), City(floor)
    await city.codes.trust_lists.publish_when_due()
    async with client_of(app_of(floor, city.codes, caller)) as http:
        yield Doors(http, caller, city, connection)
    await city.codes.close()
