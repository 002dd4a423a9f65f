"""Mandates: a restaurant's agent for one item, a daughter for her father, a helper who asks before each act."""

import asyncio
import time
from typing import Any

import httpx

from app.demo.caller import Caller
from app.demo.chapters.citizen import refusal_of
from app.demo.chapters.department import BETWEEN_LOOKS_SECONDS, LIBRARY, NEW_CONNECTIONS, AppsDoor
from app.demo.phone import Phone
from app.demo.registries import RESIDENTS, Resident
from app.demo.stage import Stage
from app.demo.story import StepFailed

CLERK, ELDER, DAUGHTER = RESIDENTS[3], RESIDENTS[7], RESIDENTS[6]
CLERK_PHONE, ELDER_PHONE, DAUGHTER_PHONE = "19900000051", "19900000052", "19900000053"
ITEM, LIBRARY_ITEM = "enterprise-codes", "LIB-CARD-01"
DEAD_WITHIN_SECONDS = 1.0
DAY = 86_400


async def play(stage: Stage) -> None:
    """What each may do, what they may not, and where it is read."""
    stage.story.chapter("授权与代办", "Acting for somebody else")
    await _agent(stage)
    elder = await _known(stage, ELDER_PHONE, ELDER)
    daughter = await _known(stage, DAUGHTER_PHONE, DAUGHTER)
    await _family(stage, elder, daughter)
    await _helper(stage, elder, daughter)


async def _agent(stage: Stage) -> None:
    """An agent of the company, for its codes alone."""
    story, company = stage.story, stage.company
    if company is None:
        raise StepFailed("nobody speaks for a company")
    organization = f"/v1/organizations/{(await company.call('GET', '/v1/me'))['subject_id']}"
    clerk = await _known(stage, CLERK_PHONE, CLERK)
    with story.step("负责人授权经办人：只限企业码一项", "an agent for one item: the company's codes") as step:
        offer = {"kind": "agent", "agent": _named(CLERK), "scope": {"items": [ITEM], "scenarios": [], "apps": []}}
        offered = await company.call("POST", f"{organization}/mandates", json=offer | {"lasts_seconds": DAY})
        mandate_id = await _accept(clerk, offered["id"])
        working = _speaking(stage, clerk, await clerk.call("POST", f"{organization}/session?mandate_id={mandate_id}"))
        step.saw(f"accepted; the token says: {working.tokens['scope']}")
    with story.step("经办人申领企业码；其他事项被拒绝", "the agent issues a code; anything else is refused") as step:
        issued = await working.call("POST", f"{organization}/codes", json={"label": "后门"})
        refused = await refusal_of(working.call("GET", f"{organization}/pushes"))
        step.expect((issued["state"], refused), ("active", "mandate-too-narrow"))
        await company.call("DELETE", f"{organization}/codes/{issued['id']}")
    with story.step("单位负责人看到代办记录", "the company reads what was done in its name") as step:
        acts = (await company.call("GET", f"{organization}/acts"))["items"]
        of_clerk = [act["kind"] for act in acts if act["mandate_id"] == mandate_id]
        step.expect(of_clerk, ["enterprise_code_issued", "session_opened"])
        step.saw(f"{acts[1]['text']['zh']}: {acts[1]['agent']}")
    with story.step("撤销授权：1 秒内各进程都不再认", "revoked: no worker knows the agent a second later") as step:
        await company.call("DELETE", f"{organization}/mandates/{mandate_id}")
        step.saw(f"after {await _dead(stage, working):.2f} s")


async def _family(stage: Stage, elder: Phone, daughter: Phone) -> None:
    story, apps = stage.story, AppsDoor(stage)
    with story.step("老人授权女儿：只限图书馆", "a father lets his daughter act, in the library alone") as step:
        offer = {"kind": "family", "agent": _named(DAUGHTER), "lasts_seconds": DAY, "scope": {"apps": [LIBRARY]}}
        offered = await elder.call("POST", "/v1/me/mandates", json=offer)
        mandate_id = await _accept(daughter, offered["id"])
        speaking = await _speak(stage, daughter, mandate_id)
        step.saw("the token names him as subject, her as actor")
    with story.step("女儿以父亲的名义查询借阅", "she reads his loans, in his name") as step:
        answer = await _ask(apps, speaking, "GET", f"/apps/{LIBRARY}/loans")
        step.expect(answer.status_code, 200, "status")
    with story.step("同意、凭证、授权只能由本人办理", "consent, credentials and mandates stay his own") as step:
        for method, path in (("GET", "/v1/me/consents"), ("POST", "/v1/me/mandates"), ("GET", "/v1/me/messages")):
            step.expect(await refusal_of(speaking.call(method, path, json={})), "not-yourself")
    with story.step("父亲看到“代办记录”和通知", "he reads what was done, and was told") as step:
        acts = (await elder.call("GET", "/v1/me/acts"))["items"]
        mine = [act["kind"] for act in acts if act["mandate_id"] == mandate_id]
        step.expect(mine, ["app_called", "session_opened"])
        told = [message["kind"] for message in (await elder.call("GET", "/v1/me/messages"))["items"]]
        step.expect("acted_in_your_name" in told, True, "told")
    with story.step("父亲随时撤销", "he ends it, and her session ends with it") as step:
        await elder.call("DELETE", f"/v1/me/mandates/{mandate_id}")
        step.saw(f"after {await _dead(stage, speaking):.2f} s")


async def _helper(stage: Stage, elder: Phone, helper: Phone) -> None:
    """The daughter wears a badge of the service centre now."""
    story, apps = stage.story, AppsDoor(stage)
    with story.step("政务服务中心为帮办员配证", "a service centre gives a helper a badge") as step:
        clerk = await stage.staff.sign_in(stage.http, "demo-counter")
        request = {"person": _named(DAUGHTER), "kind": "helper", "days": 30}
        badge = (await clerk.call("POST", "/v1/staff/helpers", json=request))["badge"]
        step.saw("eight digits; the centre answers for the helper")
    with story.step("帮办：逐项由本人在手机上确认", "helped in person: each act waits for his yes") as step:
        offer = {"kind": "assisted", "badge": badge, "lasts_seconds": 3600, "scope": {"items": [LIBRARY_ITEM]}}
        offered = await elder.call("POST", "/v1/me/mandates", json=offer)
        mandate_id = await _accept(helper, offered["id"])
        speaking = await _speak(stage, helper, mandate_id)
        loans = (await _ask(apps, speaking, "GET", f"/apps/{LIBRARY}/loans")).json()["items"]
        path = f"/apps/{LIBRARY}/loans/{loans[0]['loan_id']}/renewals"
        asked = await _ask(apps, speaking, "POST", path)
        step.expect(asked.json().get("reason"), "confirmation-needed")
    with story.step("本人确认后办理一次，再办须再确认", "confirmed, it is done once; again needs another yes") as step:
        (waiting, *_) = (await elder.call("GET", "/v1/me/confirmations"))["items"]
        decided = f"/v1/me/confirmations/{waiting['id']}/decision"
        await elder.call("POST", decided, json={"decision": "confirmed"})
        first, second = [await _ask(apps, speaking, "POST", path) for _ in range(2)]
        step.expect(first.json().get("reason"), None)
        step.expect(second.json().get("reason"), "confirmation-needed")
        await helper.call("DELETE", f"/v1/me/mandates/{mandate_id}")


async def _known(stage: Stage, number: str, who: Resident) -> Phone:
    phone = Phone(stage.http)
    await phone.sign_in(number)
    await phone.prove_name(who)
    return phone


def _named(who: Resident) -> dict[str, Any]:
    return {"name": who.name, "document_type": who.document_type, "document_number": who.document_number}


async def _accept(phone: Phone, offer_id: str) -> str:
    path = f"/v1/me/mandate-offers/{offer_id}/decision"
    return str((await phone.call("POST", path, json={"decision": "accepted"}))["mandate_id"])


def _speaking(stage: Stage, phone: Phone, tokens: dict[str, Any]) -> Caller:
    caller = Caller(stage.http)
    caller.proof_key, caller.tokens = phone.proof_key, tokens
    return caller


async def _speak(stage: Stage, phone: Phone, mandate_id: str) -> Caller:
    return _speaking(stage, phone, await phone.call("POST", f"/v1/me/mandates/{mandate_id}/session"))


async def _ask(apps: AppsDoor, speaking: Caller, method: str, path: str) -> httpx.Response:
    """One call to a department in somebody's name."""
    async with apps.client() as http:
        caller = Caller(http)
        caller.proof_key, caller.tokens = speaking.proof_key, speaking.tokens
        return await caller.send(method, path)


async def _dead(stage: Stage, caller: Caller) -> float:
    """How many seconds until its token opens nothing, at any worker."""
    begin = time.monotonic()
    while (spent := time.monotonic() - begin) < DEAD_WITHIN_SECONDS:
        statuses = await asyncio.gather(*(_knock(stage, caller) for _ in range(NEW_CONNECTIONS)))
        if set(statuses) == {httpx.codes.UNAUTHORIZED}:
            return spent
        await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
    raise StepFailed(f"still heard after {DEAD_WITHIN_SECONDS} s")


async def _knock(stage: Stage, caller: Caller) -> int:
    """What somebody is answered on a connection of its own, so that any worker may answer."""
    async with httpx.AsyncClient(base_url=stage.http.base_url, timeout=10, verify=False) as http:  # noqa: S501 - plain HTTP
        again = Caller(http)
        again.proof_key, again.tokens = caller.proof_key, caller.tokens
        return (await again.send("GET", "/v1/me")).status_code
