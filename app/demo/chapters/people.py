"""A person's account: a second document, somebody who asks for their data, a lost phone, and a death that was none."""

import asyncio
import time
from typing import Any

import httpx

from app.demo.chapters.citizen import refusal_of
from app.demo.phone import Phone
from app.demo.registries import HONG_KONG_RESIDENT, SECOND_CITIZEN, TRAVEL_PERMIT, Resident
from app.demo.stage import Stage
from app.demo.story import StepFailed

HOLDER, HOLDERS_PHONE = HONG_KONG_RESIDENT, "19900000031"
LANDLORD, LANDLORDS_PHONE = SECOND_CITIZEN, "19900000032"
ENDED_WITHIN_SECONDS = 10
REGISTER_HEARD_WITHIN_SECONDS = 60


async def play(stage: Stage) -> None:
    """From a further document shown to an account that came back."""
    stage.story.chapter(
        "账号：证件、查询、挂失与误报死亡", "An account: documents, look-ups, a lost phone, a mistaken death"
    )
    holder = await _signed_in(stage, HOLDERS_PHONE, HOLDER)
    await _documents(stage, holder)
    await _look_up(stage, holder)
    await _lose_phone(stage, holder)
    await _mistaken_death(stage, holder)


async def _signed_in(stage: Stage, number: str, who: Resident) -> Phone:
    """Whatever earlier days enrolled is gone with its keys."""
    phone = Phone(stage.http)
    await phone.sign_in(number)
    await phone.revoke_lost_devices()
    await phone.prove_name(who)
    return phone


async def _documents(stage: Stage, holder: Phone) -> None:
    with stage.story.step(
        "补充通行证：人口登记机关确认为同一人", "a travel permit: the registry says it is one person's"
    ) as step:
        shown = await holder.call("POST", "/v1/me/documents", json=_document(TRAVEL_PERMIT))
        documents = (await holder.call("GET", "/v1/me/documents"))["items"]
        step.expect(shown["change"] in {"added", "same"}, True, "change")
        step.saw(", ".join(f"{one['document_type']} {one['document_number']}" for one in documents))


async def _look_up(stage: Stage, holder: Phone) -> None:
    landlord = await _signed_in(stage, LANDLORDS_PHONE, LANDLORD)
    with stage.story.step("房东查询租客：本人同意后方可见", "a landlord asks; the tenant says yes") as step:
        question = {"person": _document(HOLDER), "attributes": ["full_name", "age_over_18"], "purpose": "租房合同核实"}
        asked = await landlord.call("POST", "/v1/lookups", json=question)
        path = f"/v1/lookups/{asked['id']}"
        step.expect((await landlord.call("GET", path))["attributes"], None, "before the yes")
        await holder.call("POST", f"/v1/me{path.removeprefix('/v1')}/decision", json={"decision": "approved"})
        seen = (await landlord.call("GET", path))["attributes"]
        step.expect(seen, {"full_name": HOLDER.name, "age_over_18": True}, "after the yes")
    with stage.story.step("查询记录：谁、为何、何时", "the tenant reads who looked, what for, and when") as step:
        (look, *_) = (await holder.call("GET", "/v1/me/lookups"))["items"]
        step.expect(look["read_at"] is not None, True, "seen")
        step.saw(f"{look['requester']}: {look['purpose']} ({', '.join(look['attributes'])})")


async def _lose_phone(stage: Stage, holder: Phone) -> None:
    desk = await stage.staff.sign_in(stage.http, "demo-hotline-desk")
    with stage.story.step("手机丢失：热线冻结账号", "the phone is lost: the hotline freezes the account") as step:
        frozen = await desk.call(
            "POST", "/v1/staff/people/freezes", json={"holder": _document(HOLDER), "reason": "lost_phone"}
        )
        waited = await _until_signed_out(holder, ENDED_WITHIN_SECONDS)
        step.saw(f"{frozen['display_name']} {frozen['status']}; signed out everywhere within {waited:.1f} s")
    with stage.story.step("热线不能解冻；冻结期间不能登录", "the hotline only freezes; nobody signs in") as step:
        body = {"holder": _document(HOLDER), "holder_checked": True}
        step.expect(await refusal_of(desk.call("POST", "/v1/staff/people/unfreezings", json=body)), "role-missing")
        step.expect(await refusal_of(Phone(stage.http).sign_in(HOLDERS_PHONE)), "account-frozen")
    with stage.story.step("本人人脸核验解冻", "the holder's own face wakes it") as step:
        challenge = (await stage.http.post("/v1/unfreezing/challenges")).json()["challenge"]
        body = {"holder": _document(HOLDER), "challenge": challenge, "evidence": await _face(stage, challenge)}
        answer = await stage.http.post("/v1/unfreezing", json=body)
        step.expect(answer.json(), {"status": "active"})
    await holder.sign_in(HOLDERS_PHONE)
    await holder.prove_name(HOLDER)


async def _mistaken_death(stage: Stage, holder: Phone) -> None:
    with stage.story.step(
        "户籍误报死亡：一分钟内账号停用", "the register's word of a death ends it within a minute"
    ) as step:
        await _registry(stage, "/stand-in/deaths", _document(HOLDER))
        waited = await _until_signed_out(holder, REGISTER_HEARD_WITHIN_SECONDS)
        step.saw(f"signed out everywhere within {waited:.1f} s")
    with stage.story.step("本人到窗口撤销，账号恢复", "it was a mistake: a counter reverses it") as step:
        clerk = await stage.staff.sign_in(stage.http, "demo-counter")
        body = {"holder": _document(HOLDER), "reason": "register_corrected", "holder_checked": True}
        back = await clerk.call("POST", "/v1/staff/people/death-reversals", json=body)
        step.expect(back["status"], "active")
        await holder.sign_in(HOLDERS_PHONE)
        await holder.prove_name(HOLDER)
        events = (await holder.call("GET", "/v1/me/account-events"))["items"]
        step.saw(" ← ".join(f"{one['kind']} ({one['source']})" for one in events[:4]))


async def _until_signed_out(phone: Phone, seconds: float) -> float:
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        if (await phone.send("GET", "/v1/me")).status_code == httpx.codes.UNAUTHORIZED:
            return time.monotonic() - begin
        await asyncio.sleep(0.1)
    raise StepFailed(f"still signed in after {seconds} s")


async def _face(stage: Stage, challenge: str) -> str:
    taken = await _registry(
        stage, "/stand-in/faces", {"document_number": HOLDER.document_number, "challenge": challenge}
    )
    return str(taken["evidence"])


async def _registry(stage: Stage, path: str, body: dict[str, str]) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=stage.city.registries.address, timeout=10) as http:
        answer: dict[str, Any] = (await http.post(path, json=body)).json()
        return answer


def _document(who: Resident) -> dict[str, str]:
    return {"name": who.name, "document_type": who.document_type, "document_number": who.document_number}
