"""What a gate does with its log: writes a line for each scan, signs the whole, brings it."""

import json
from datetime import datetime
from typing import Any

import httpx

from app.kit.clock import ManualClock
from app.kit.ids import new_id
from tests.codes.enterprise_city import LIBRARY, Caller, Device, an_official
from tests.codes.personal_city import Phone

BATCH, ONLINE = "/v1/verifications/batch", "/v1/verifications"
JSON = {"content-type": "application/json"}
LIBRARY_ENTRY = 301


async def enrolled(http: httpx.AsyncClient, caller: Caller, clock: ManualClock, **facts: Any) -> Device:
    device = Device(clock)
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    answer = await http.post("/v1/scanners", json=device.enrolment(**facts))
    assert answer.status_code == 201, answer.text
    device.id, caller.principal = answer.json()["id"], None
    return device


async def upload(http: httpx.AsyncClient, device: Device, *entries: dict[str, Any]) -> httpx.Response:
    content = json.dumps({"entries": entries}).encode()
    return await http.post(BATCH, content=content, headers=JSON | device.signed("POST", BATCH, content))


async def told(http: httpx.AsyncClient, device: Device, *entries: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await upload(http, device, *entries)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    assert [item["entry_id"] for item in items] == [entry["entry_id"] for entry in entries]
    return items


def an_entry(code: str, scanned_at: datetime, **changes: Any) -> dict[str, Any]:
    facts = {
        "entry_id": f"entry-{new_id().hex}",
        "code": code,
        "scenario": LIBRARY_ENTRY,
        "scanned_at": scanned_at.isoformat(),
        "verdict": "ACCEPT",
        "reason": "OK",
    }
    return facts | changes


async def records_of(http: httpx.AsyncClient, caller: Caller, phone: Phone) -> list[dict[str, Any]]:
    caller.principal = phone.principal
    items: list[dict[str, Any]] = (await http.get("/v1/codes/scans")).json()["items"]
    caller.principal = None
    return items
