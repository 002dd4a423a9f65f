"""A restaurant's responsible person speaks for it, and hangs its code on the wall."""

from urllib.parse import urlsplit

from app.demo.caller import Caller
from app.demo.phone import Phone
from app.demo.registries import RESPONSIBLE, RESTAURANT
from app.demo.stage import Stage
from codes.pictures import read_picture

RESPONSIBLE_PHONE = "19900000003"


async def play(stage: Stage) -> None:
    """Claim, code, public page."""
    stage.story.chapter("三、企业", "An enterprise")
    stage.company = await _speak_for_company(stage)
    stage.company_code = await _hang_code(stage, stage.company)


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
