"""Officers come to the restaurant: a code before a check, one scan for the facts, an unnamed rating, a push."""

import asyncio
from typing import Any

from app.demo.caller import Caller
from app.demo.chapters.citizen import refusal_of
from app.demo.registries import RESTAURANT
from app.demo.stage import Stage
from codes.pictures import read_picture

FIRE_SAFETY, FOOD_SAFETY = 804, 805
PATIENCE_SECONDS = 10


async def play(stage: Stage) -> None:
    """Task, code at the door, check, record, rating, push and receipt."""
    assert stage.company is not None
    stage.story.chapter("入企检查", "An inspection")
    inspector = await stage.staff.sign_in(stage.http, "demo-inspector")
    task = await _open_task(stage, inspector)
    await _arrive(stage, inspector, stage.company, task)
    await _check(stage, inspector, stage.company, task)
    await _rate(stage, stage.company, task)
    await _push(stage, inspector, stage.company)


async def _open_task(stage: Stage, inspector: Caller) -> str:
    task = {
        "scenario": FIRE_SAFETY,
        "purpose": "年度消防安全检查",
        "authority": "《消防法》第五十三条",
        "credit_code": RESTAURANT.credit_code,
    }
    with stage.story.step("清单要企业交营业执照：拒绝", "a checklist that asks for the licence is refused") as step:
        asking = task | {"checklist": [{"text": "提供营业执照复印件", "kind": "ask"}]}
        step.saw(await refusal_of(inspector.call("POST", "/v1/inspections", json=asking)))
    with stage.story.step("消防检查员开立检查任务", "an inspector opens a task for fire safety") as step:
        opened = await inspector.call(
            "POST", "/v1/inspections", json=task | {"checklist": [{"text": "疏散通道是否畅通"}]}
        )
        fetched = "、".join(evidence["names"]["zh"] for evidence in opened["fetched"])
        step.saw(f"{opened['state']}; fetched by the city itself: {fetched}")
    return str(opened["id"])


async def _arrive(stage: Stage, inspector: Caller, company: Caller, task: str) -> None:
    story = stage.story
    with story.step("未亮码先检查：拒绝", "a check before the code was shown is refused") as step:
        body = {"code": stage.company_code, "scenario": FIRE_SAFETY, "inspection_id": task}
        step.saw(await refusal_of(inspector.call("POST", "/v1/enterprise-checks", json=body)))
    with story.step("先赋码：检查员亮出检查码", "the inspector shows the task's own code") as step:
        applied = await inspector.call("POST", f"/v1/inspections/{task}/code")
        text = read_picture(stage.draw("inspection-code", applied["carrier"]))
        step.expect(text, applied["carrier"], "picture")
        step.saw(f"until {applied['expires_at'][11:16]} UTC, for this task only")
    with story.step("企业扫码：谁来、为何、依据什么", "the company scans: who comes, why, on whose authority") as step:
        scanned = await company.call("POST", "/v1/inspections/scans", json={"code": text})
        step.expect((scanned["verdict"], scanned["kind"], scanned["scenario"]), ("ACCEPT", "I", 901))
        notice, officer = scanned["notice"], scanned["notice"]["officers"][0]
        step.saw(f"{officer['department']} {officer['officer']}: {notice['purpose']} ({officer['authority']})")


async def _check(stage: Stage, inspector: Caller, company: Caller, task: str) -> None:
    story = stage.story
    organization_id = (await company.call("GET", "/v1/me"))["subject_id"]
    with story.step("任务之外的核查：拒绝", "a check outside the task is refused") as step:
        body = {"code": stage.company_code, "scenario": FOOD_SAFETY, "inspection_id": task}
        step.saw(await refusal_of(inspector.call("POST", "/v1/enterprise-checks", json=body)))
    with story.step("一码核查：三个来源，一个不通", "one scan, three sources side by side, one is down") as step:
        body = {"code": stage.company_code, "scenario": FIRE_SAFETY, "inspection_id": task}
        result = await inspector.call("POST", "/v1/enterprise-checks", json=body)
        step.expect((result["verdict"], result["reason"]), ("ACCEPT", "OK"))
        states = {source["name"]: source["cause"] or source["state"] for source in result["sources"]}
        step.expect(sorted(states.values()), ["ok", "ok", "unreachable"], "sources")
        step.saw("ACCEPT, " + ", ".join(f"{name}: {state}" for name, state in states.items()))
    with story.step("企业看到谁来查、为何而来", "the company sees who came, and why") as step:
        records = await company.call("GET", f"/v1/organizations/{organization_id}/checks")
        latest = records["items"][0]
        step.expect(latest["verification_id"], result["verification_id"], "the latest record")
        step.saw(f"{latest['department']} {latest['officer']}: {latest['purpose']} ({latest['authority']})")


async def _rate(stage: Stage, company: Caller, task: str) -> None:
    department = stage.staff.organization_of("demo-inspector")
    with stage.story.step("扫码评价：不满五家不公布", "a rating: nothing is published of fewer than five") as step:
        body = {"department_id": department, "conduct": 5, "necessity": 4, "remarks": ["explained_well"]}
        await company.call("POST", f"/v1/inspections/{task}/ratings", json=body)
        public = await Caller(stage.http).call("GET", f"/v1/departments/{department}/inspection-ratings")
        step.expect((public["withheld"], public["conduct"]), (True, None))
        step.saw("taken; the officers cannot tell from whom, nor how it was")


async def _push(stage: Stage, inspector: Caller, company: Caller) -> None:
    organization_id = (await company.call("GET", "/v1/me"))["subject_id"]
    words = {"template": "hazard-reminder", "audience": {"credit_codes": [RESTAURANT.credit_code]}}
    with stage.story.step("推送夹带网址：拒绝", "a push that carries an address is refused") as step:
        lure = words | {"values": {"subject": "整改见 pay.example.cn", "deadline": "月底"}}
        step.saw(await refusal_of(inspector.call("POST", "/v1/enterprise-pushes", json=lure)))
    with stage.story.step("一码推送：送达、已读均有回执", "a push: delivered and read, with receipts") as step:
        honest = words | {"values": {"subject": "2 具灭火器将到期", "deadline": "12 月 31 日"}}
        push = await inspector.call("POST", "/v1/enterprise-pushes", json=honest)
        notice = await _wait_for_push(company, organization_id, push["id"])
        await company.call("POST", f"/v1/organizations/{organization_id}/pushes/{push['id']}/receipt")
        receipts = (await inspector.call("GET", f"/v1/enterprise-pushes/{push['id']}"))["receipts"]
        step.expect(receipts, {"delivered": 1, "read": 1}, "receipts")
        step.saw(f"{notice['department']}: {notice['title']['zh']}")


async def _wait_for_push(company: Caller, organization_id: str, push_id: str) -> dict[str, Any]:
    """A worker delivers it within two seconds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            page = await company.call("GET", f"/v1/organizations/{organization_id}/pushes")
            for notice in page["items"]:
                if notice["id"] == push_id:
                    found: dict[str, Any] = notice
                    return found
            await asyncio.sleep(0.1)
