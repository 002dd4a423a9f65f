"""The message centre: a message by a vendor and its receipt, a dead vendor, a call, a trusted contact, an alert."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from app.demo.phone import Phone
from app.demo.registries import RESIDENTS
from app.demo.stage import Stage
from app.demo.story import StepFailed

CITIZEN_PHONE = "19900000001"
FRIEND_PHONE = "19900000042"
PATIENCE_SECONDS = 10
FRIEND = RESIDENTS[4]
TOLD = "demo-library-scanners"
PREFERENCES = "/v1/me/messages/preferences"
CALLS = {"language": "zh", "urgent_by": "voice", "important_by": "sms", "quiet_from": None, "quiet_until": None}


async def play(stage: Stage) -> None:
    """What the citizen is told outside the app, and how they know that it came."""
    stage.story.chapter("消息中心", "The message centre")
    elsewhere = Phone(stage.http)  # the citizen's own session, with further keys: whatever it enrols, they hear of
    elsewhere.proof_key, elsewhere.tokens = stage.citizen.proof_key, stage.citizen.tokens
    await _receipt(stage, elsewhere)
    await _dead_vendor(stage, elsewhere)
    await _call(stage, elsewhere)
    await _trusted_contact(stage, elsewhere)


async def look_at_alerts(stage: Stage) -> None:
    """A scanner was stopped in the chapter of venues: those who answer for it have it on their messenger."""
    with stage.story.step(
        "设备被自动停用：告知值守人员", "a machine stopped a scanner: its officials are told"
    ) as step:
        notice = await _until(lambda: _newest_notice(stage), lambda notice: notice["kind"] == "scanner_stopped")
        official = await stage.staff.sign_in(stage.http, TOLD)
        (alert, *_) = (await official.call("GET", "/v1/staff/alerts"))["items"]
        step.expect(TOLD in notice["to"], True, "told")
        step.expect(alert["kind"], "scanner_stopped", "alert")


async def _receipt(stage: Stage, elsewhere: Phone) -> None:
    with stage.story.step(
        "登记设备：短信告知，运营商回执", "a device is enrolled: told by message, with a receipt"
    ) as step:
        await elsewhere.enrol("第二部手机")
        delivery = await _delivered(stage)
        step.saw(f"{delivery['channel']}: {delivery['state']}")


async def _dead_vendor(stage: Stage, elsewhere: Phone) -> None:
    with stage.story.step("首选短信运营商停机：另一家发送", "the first vendor is dead: the other one sends") as step:
        await _set_state(stage, "sms-1", up=False)
        try:
            await elsewhere.enrol("第三部手机")
            await _delivered(stage)
        finally:
            await _set_state(stage, "sms-1", up=True)
        step.expect((await _inbox(stage, CITIZEN_PHONE))["vendor"], "sms-2", "vendor")


async def _call(stage: Stage, elsewhere: Phone) -> None:
    with stage.story.step("老人选择语音：紧急通知打电话念出", "who chose calls is called, at any hour") as step:
        await stage.citizen.call("PUT", PREFERENCES, json=CALLS)
        await elsewhere.enrol("第四部手机")
        delivery = await _delivered(stage)
        await stage.citizen.call("PUT", PREFERENCES, json=CALLS | {"urgent_by": "sms"})
        step.expect(delivery["channel"], "voice", "channel")


async def _trusted_contact(stage: Stage, elsewhere: Phone) -> None:
    citizen, friend = stage.citizen, Phone(stage.http)
    await friend.sign_in(FRIEND_PHONE)
    await friend.prove_name(FRIEND)
    for before in (await citizen.call("GET", "/v1/me/trusted-contacts"))["items"]:
        await citizen.call("DELETE", f"/v1/me/trusted-contacts/{before['id']}")
    with stage.story.step("邀请亲友为可信联系人，对方接受", "a trusted contact is invited, and agrees") as step:
        invited = await citizen.call("POST", "/v1/me/trusted-contacts", json={"phone": FRIEND_PHONE})
        decided = {"decision": "accepted"}
        agreed = await friend.call("POST", f"/v1/me/trusted-by/{invited['id']}/decision", json=decided)
        step.expect(agreed["state"], "active", "state")
    with stage.story.step("有人登记设备：亲友也收到提醒", "somebody enrols a device: the contact is told too") as step:
        await elsewhere.enrol("第五部手机")
        (told, *_) = (await friend.call("GET", "/v1/me/messages?limit=1"))["items"]
        step.expect(told["kind"], "device_enrolled", "kind")
        step.saw(f"{told['about']}: {told['text']['zh']}")


async def _delivered(stage: Stage) -> dict[str, Any]:
    """What became of the citizen's newest notice, once its receipt has come."""
    return await _until(lambda: _newest_delivery(stage.citizen), lambda delivery: delivery["state"] == "delivered")


async def _newest_delivery(phone: Phone) -> dict[str, Any]:
    (newest, *_) = (await phone.call("GET", "/v1/me/messages?limit=1"))["items"]
    deliveries = (await phone.call("GET", f"/v1/me/messages/{newest['id']}"))["deliveries"]
    found: dict[str, Any] = deliveries[0] if deliveries else {"state": "none", "channel": "none"}
    return found


async def _newest_notice(stage: Stage) -> dict[str, Any]:
    notices = (await stage.http.get(f"{stage.city.vendors.address}/staff/notices")).json()
    return notices[0] if notices else {"kind": "none"}


async def _inbox(stage: Stage, phone: str) -> dict[str, Any]:
    shown = (await stage.http.get(f"{stage.city.vendors.address}/inbox", params={"phone": phone})).json()
    newest: dict[str, Any] = shown[0]
    return newest


async def _until(
    look: Callable[[], Awaitable[dict[str, Any]]], is_there: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """What is seen once it is there; messages and receipts come when they come."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_there(seen := await look()):
        if time.monotonic() > deadline:
            raise StepFailed(f"After {PATIENCE_SECONDS} s: {seen}")
        await asyncio.sleep(0.05)
    return seen


async def _set_state(stage: Stage, vendor: str, *, up: bool) -> None:
    answer = await stage.http.put(f"{stage.city.vendors.address}/{vendor}/state", json={"up": up})
    answer.raise_for_status()
