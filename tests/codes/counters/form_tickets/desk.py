"""A counter as its programs see it: a scanner that signs, a citizen's phone, and whoever else calls."""

import json
from typing import Any

import httpx

from auth.principal import Principal
from tests.codes.enterprise_city import LIBRARY, Caller, Device, an_official
from tests.codes.family_city import FamilyCity
from tests.codes.personal_city import Phone

COUNTER_IDENTITY, LIBRARY_ENTRY = 501, 301
ITEM = "residence-permit"
FORM = {"title": "居住证办理申请表"}


class Desk:
    """Everybody at the counter."""

    def __init__(self, http: httpx.AsyncClient, caller: Caller, city: FamilyCity) -> None:
        self.http = http
        self.caller = caller
        self.city = city

    async def device(self, *scenarios: int, organization_id: Any = LIBRARY, name: str = "窗口一号") -> Device:
        """A scanner of this organization, enrolled for the counter's scenario unless others are named."""
        device = Device(self.city.clock)
        self.caller.principal = an_official("scanner_admin", organization_id=organization_id)
        facts = {
            "organization_id": str(organization_id),
            "device_name": name,
            "scenarios": list(scenarios) or [COUNTER_IDENTITY],
            "proof": device.proof(organization_id=str(organization_id)),
        }
        answer = await self.http.post("/v1/scanners", json=device.enrolment(**facts))
        assert answer.status_code == 201, answer.text
        device.id = answer.json()["id"]
        self.caller.principal = None
        return device

    async def signed(self, device: Device, method: str, path: str, body: Any = None) -> httpx.Response:
        """A request signed by the device."""
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"} | device.signed(method, path, content)
        return await self.http.request(method, path, content=content, headers=headers)

    async def scan(self, device: Device, code: str, *, item: str | None = ITEM, **body: Any) -> dict[str, Any]:
        """The verdict."""
        asked = {"code": code, "scenario": COUNTER_IDENTITY} | ({} if item is None else {"item": item}) | body
        answer = await self.signed(device, "POST", "/v1/verifications", asked)
        assert answer.status_code == 200, answer.text
        verdict: dict[str, Any] = answer.json()
        return verdict

    async def ticket(self, device: Device, phone: Phone, *, grant: int = 0) -> str:
        """The ticket of a fresh scan."""
        verdict = await self.scan(device, phone.show(COUNTER_IDENTITY, grant=grant))
        assert verdict["verdict"] == "ACCEPT", verdict
        return str(verdict["form_ticket"])

    async def redeem(self, device: Device, ticket: str, **body: Any) -> httpx.Response:
        return await self.signed(device, "POST", "/v1/form-tickets/redemptions", FORM | {"ticket": ticket} | body)

    async def case(self, device: Device, form_id: str) -> httpx.Response:
        return await self.signed(device, "GET", f"/v1/form-tickets/{form_id}")

    async def forms(self, who: Principal | None, query: str = "") -> httpx.Response:
        self.caller.principal = who
        return await self.http.get(f"/v1/codes/forms{query}")

    async def decide(self, who: Principal | None, form_id: str, decision: str = "confirmed") -> httpx.Response:
        self.caller.principal = who
        return await self.http.post(f"/v1/codes/forms/{form_id}/decision", json={"decision": decision})


def slug(answer: httpx.Response) -> str:
    assert answer.status_code >= 400, answer.text
    return str(answer.json()["type"]).removeprefix("/problems/")
