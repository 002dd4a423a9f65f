"""What citizens come to departments for: a slot at a hall, a request to the hotline, a complaint about a scan."""

import asyncio
import time
from datetime import date, timedelta
from typing import Any

import jwt

from app.demo.chapters.department import HOTLINE, AppsDoor, receipt_key_of
from app.demo.city import desk_of
from app.demo.stage import Stage
from app.demo.story import StepFailed
from miniapps.departments.desks import DeskClient

APPOINTMENTS = "cn.example.appointments"
ANSWERED_WITHIN_SECONDS = 15
LOOKS_AHEAD_DAYS = 10
OK, CREATED = 200, 201


async def play(stage: Stage) -> None:
    """A hall, the hotline, and a complaint that arrives there."""
    stage.story.chapter("大厅与热线", "A service hall and the hotline")
    apps = AppsDoor(stage)
    await apps.until(OK, APPOINTMENTS, "/halls")
    await _visit_hall(stage, apps)
    await _call_hotline(stage, apps)
    await _complain(stage)


async def _visit_hall(stage: Stage, apps: AppsDoor) -> None:
    with stage.story.step(
        "预约大厅时段，改约，部门签名回执", "books a slot, moves it; the receipts are signed"
    ) as step:
        slots = await _free_slots(apps)
        wish = {"hall": "city-hall", "item": "general", "starts_at": slots[0]}
        booked = await apps.send("POST", APPOINTMENTS, "/bookings", wish)
        path = f"/bookings/{booked['booking_id']}"
        moved = await apps.send("POST", APPOINTMENTS, f"{path}/change", {"starts_at": slots[1]})
        step.expect(moved["starts_at"], slots[1])
        key = jwt.PyJWK({"kty": "EC", "crv": "P-256", "alg": "ES256", **receipt_key_of(stage, "appointments")})
        receipt = jwt.decode(moved["receipt"], key, algorithms=["ES256"])
        step.expect((receipt["iss"], receipt["step"]), (APPOINTMENTS, "moved"))
        await apps.send("POST", APPOINTMENTS, f"{path}/cancellation", {})
        step.saw(f"{booked['hall']['zh']} {slots[0]} → {slots[1]}, cancelled in the end")
    with stage.story.step("不预约也能到厅取号，窗口叫号", "whoever simply comes takes a number, and is called") as step:
        door = desk_of(stage.settings, stage.city, "appointments", "door")
        number = await _done(door, "/desk/numbers", {"item": "company"})
        called = (await _done(door, "/desk/calls", {"item": "company", "window": "3"}))["number"]
        step.expect(called["state"], "called")
        await _done(door, "/desk/outcomes", {"label": called["label"], "outcome": "served"})
        step.saw(f"took {number['label']}; window {called['window']} called {called['label']}")


async def _free_slots(apps: AppsDoor) -> list[str]:
    """Slots of the next working day."""
    for ahead in range(1, LOOKS_AHEAD_DAYS):
        day = (date.today() + timedelta(days=ahead)).isoformat()  # noqa: DTZ011 - any day soon will do
        listed = await apps.send("GET", APPOINTMENTS, f"/halls/city-hall/slots?item=general&day={day}")
        free = [slot["starts_at"] for slot in listed["items"] if slot["left"]]
        if free:
            return free
    raise StepFailed("no slot within ten days")


async def _call_hotline(stage: Stage, apps: AppsDoor) -> None:
    with stage.story.step("市民诉求：派单、答复、评价", "a request: dispatched, answered, rated") as step:
        filed = await apps.send("POST", HOTLINE, "/tickets", {"text": "小区门口路灯不亮"})
        number = filed["number"]
        await _answer(stage, number, "street-lamps", "路灯已修复")
        ticket = await apps.send("GET", HOTLINE, f"/tickets/{number}")
        step.expect((ticket["state"], ticket["reply"]), ("replied", "路灯已修复"))
        rated = await apps.send("POST", HOTLINE, f"/tickets/{number}/rating", {"level": 5})
        step.saw(f"{number}: {' → '.join(one['what'] for one in ticket['history'])} → {rated['state']}")


async def _complain(stage: Stage) -> None:
    with stage.story.step(
        "对用码的投诉由平台签名送到热线，热线不知投诉人是谁", "a complaint about a scan reaches the hotline, nameless"
    ) as step:
        records = (await stage.citizen.call("GET", "/v1/codes/scans?limit=100"))["items"]
        known = (await stage.citizen.call("GET", "/v1/codes/complaints?limit=100"))["items"]
        tried = {complaint["scan"]["verification_id"] for complaint in known}
        scan = next(record for record in records if record["verification_id"] not in tried)
        tap = {"verification_id": scan["verification_id"], "concern": "asked_too_much"}
        filed = await stage.citizen.call("POST", "/v1/codes/complaints", json=tap)
        taken = await _until(stage, filed["id"], "forwarded")
        step.saw(f"ticket {taken['reference']}")
    with stage.story.step("热线的答复回到市民手中", "and the hotline's answer comes back to the citizen") as step:
        begin = time.monotonic()
        await _answer(stage, taken["reference"], "street-lamps", "已核实，场馆已整改")
        answered = await _until(stage, filed["id"], "answered")
        step.expect(answered["answer"], "已核实，场馆已整改")
        step.saw(f"after {time.monotonic() - begin:.1f} s")


async def _answer(stage: Stage, number: str, office: str, text: str) -> None:
    lead, lamps = [desk_of(stage.settings, stage.city, "hotline", desk) for desk in ("lead", "lamps")]
    await _done(lead, f"/desk/tickets/{number}/dispatch", {"office": office})
    await _done(lamps, f"/desk/tickets/{number}/reply", {"text": text})


async def _until(stage: Stage, complaint_id: str, state: str) -> dict[str, Any]:
    """The complaint when it has come so far."""
    begin = time.monotonic()
    while time.monotonic() - begin < ANSWERED_WITHIN_SECONDS:
        listed = (await stage.citizen.call("GET", "/v1/codes/complaints?limit=100"))["items"]
        complaint: dict[str, Any] = next(one for one in listed if one["id"] == complaint_id)
        if complaint["state"] == state:
            return complaint
        await asyncio.sleep(0.2)
    raise StepFailed(f"the complaint was not {state} within {ANSWERED_WITHIN_SECONDS} s")


async def _done(desk: DeskClient, path: str, document: dict[str, Any]) -> Any:
    status, said = await desk.post(path, document)
    if status > CREATED:
        raise StepFailed(f"{path}: {status} {said}")
    return said
