"""A restaurant hangs its code on the wall; an inspector with a task checks it; the restaurant sees who came and why."""

from urllib.parse import urlsplit

from app.demo.caller import Caller
from app.demo.chapters.citizen import refusal_of
from app.demo.phone import Phone
from app.demo.registries import RESPONSIBLE, RESTAURANT
from app.demo.stage import Stage
from codes.pictures import read_picture

RESPONSIBLE_PHONE = "19900000003"
FIRE_SAFETY, FOOD_SAFETY = 804, 805


async def play(stage: Stage) -> None:
    """Claim, code, public page, inspection, check, record."""
    stage.story.chapter("三、企业", "An enterprise")
    company = await _speak_for_company(stage)
    code = await _hang_code(stage, company)
    await _inspect(stage, company, code)


async def _speak_for_company(stage: Stage) -> Caller:
    story, owner = stage.story, Phone(stage.http)
    with story.step("法定代表人登录并实名", "the responsible person signs in, with real name") as step:
        await owner.sign_in(RESPONSIBLE_PHONE)
        await owner.prove_name(RESPONSIBLE)
        step.saw("ial 2")
    with story.step("登记机关确认身份，切换到企业", "the registry confirms; switches to the company") as step:
        claimed = await owner.call("POST", "/v1/organizations", json={"credit_code": RESTAURANT.credit_code})
        company = Caller(stage.http)
        company.proof_key = owner.proof_key
        company.tokens = await owner.call("POST", f"/v1/organizations/{claimed['id']}/session")
        me = await company.call("GET", "/v1/me")
        step.expect((me["subject_type"], me["subject_id"]), ("organization", claimed["id"]))
        step.saw(f"speaks for {claimed['name']} as {claimed['role']}")
    return company


async def _hang_code(stage: Stage, company: Caller) -> str:
    story = stage.story
    organization_id = (await company.call("GET", "/v1/me"))["subject_id"]
    with story.step("申领企业码，画成图片", "the company's code, drawn as a picture") as step:
        issued = await company.call("POST", f"/v1/organizations/{organization_id}/codes", json={"label": "店门口"})
        text = read_picture(stage.draw("enterprise-code", issued["carrier"]))
        step.expect(text, issued["carrier"], "picture")
        step.saw("a URL that any camera opens")
    with story.step("任何手机相机打开公开页", "its public page, in any browser") as step:
        answer = await stage.http.get(urlsplit(text).path, headers={"accept": "text/html"})
        step.expect(answer.status_code, 200, "status")
        step.expect(RESTAURANT.name in answer.text, True, "the page names the company")
        step.saw(f"names {RESTAURANT.name}")
    return text


async def _inspect(stage: Stage, company: Caller, code: str) -> None:
    story = stage.story
    organization_id = (await company.call("GET", "/v1/me"))["subject_id"]
    inspector = await stage.staff.sign_in(stage.http, "demo-inspector")
    with story.step("消防检查员开立检查任务", "an inspector opens a task for fire safety") as step:
        task = await inspector.call(
            "POST",
            "/v1/inspections",
            json={
                "scenario": FIRE_SAFETY,
                "purpose": "年度消防安全检查",
                "authority": "《消防法》第五十三条",
                "credit_code": RESTAURANT.credit_code,
            },
        )
        step.saw(f"task {task['id'][:8]}…, {task['state']}")
    with story.step("任务之外的核查：拒绝", "a check outside the task is refused") as step:
        body = {"code": code, "scenario": FOOD_SAFETY, "inspection_id": task["id"]}
        step.saw(await refusal_of(inspector.call("POST", "/v1/enterprise-checks", json=body)))
    with story.step("一码核查：三个来源，一个不通", "one scan, three sources side by side, one is down") as step:
        body = {"code": code, "scenario": FIRE_SAFETY, "inspection_id": task["id"]}
        result = await inspector.call("POST", "/v1/enterprise-checks", json=body)
        step.expect((result["verdict"], result["reason"]), ("ACCEPT", "OK"))
        states = {source["name"]: source["state"] for source in result["sources"]}
        step.expect(sorted(states.values()), ["missing", "ok", "ok"], "sources")
        step.saw("ACCEPT, " + ", ".join(f"{name}: {state}" for name, state in states.items()))
    with story.step("企业看到谁来查、为何而来", "the company sees who came, and why") as step:
        records = await company.call("GET", f"/v1/organizations/{organization_id}/checks")
        latest = records["items"][0]
        step.expect(latest["verification_id"], result["verification_id"], "the latest record")
        step.saw(f"{latest['department']} {latest['officer']}: {latest['purpose']} ({latest['authority']})")
