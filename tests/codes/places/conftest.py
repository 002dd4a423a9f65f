"""A library with one gate, and stickers at its door and on its lift, over real routes and tables."""

from typing import Any

import httpx
import pytest

from app.kit.clock import ManualClock
from tests.codes.enterprise_city import LIBRARY, Caller, Device, an_official

SITE = {"name": "总馆", "address": "演示路 1 号"}
DOOR = {"site": SITE, "label": "总馆东门", "scenarios": [301, 302]}
LIFT = {"site": SITE, "label": "三号电梯", "scenarios": [951]}
KEEPER = an_official("scanner_admin", organization_id=LIBRARY)


@pytest.fixture
async def gate(http: httpx.AsyncClient, caller: Caller, clock: ManualClock) -> Device:
    """A scanner at the library's only site, for entry, lending, kiosk login and tags of things."""
    device = Device(clock)
    caller.principal = KEEPER
    answer = await http.post("/v1/scanners", json=device.enrolment(site=SITE, scenarios=[301, 302, 502, 951]))
    assert answer.status_code == 201, answer.text
    device.id = answer.json()["id"]
    caller.principal = None
    return device


async def register(http: httpx.AsyncClient, caller: Caller, place: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A sticker, registered by the library's own administrator of scanners."""
    before, caller.principal = caller.principal, KEEPER
    answer = await http.post("/v1/places", json=place | facts)
    caller.principal = before
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture
async def door(http: httpx.AsyncClient, caller: Caller, gate: Device) -> dict[str, Any]:
    return await register(http, caller, DOOR)


@pytest.fixture
async def lift(http: httpx.AsyncClient, caller: Caller) -> dict[str, Any]:
    return await register(http, caller, LIFT)


def path_of(carrier: str) -> str:
    """What a camera asks for when it opens a sticker."""
    return carrier.removeprefix("HTTP://127.0.0.1:8000")
