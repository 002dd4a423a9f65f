"""A child's code on a parent's phone: at the library, at a counter that fills in the form, frozen, thawed, ended."""

from typing import Any

from app.demo.caller import Caller
from app.demo.chapters.citizen import refusal_of
from app.demo.phone import HeldGrant
from app.demo.registries import CHILD, PUPIL
from app.demo.scanner import ScannerProgram
from app.demo.stage import Stage
from app.demo.story import Step
from codes.pictures import read_picture

LIBRARY_ENTRY, COUNTER_IDENTITY = 301, 501


class Family:
    """The child's grants on the parent's phone, and the doors that read them."""

    def __init__(self, stage: Stage, child_id: str, grants: list[HeldGrant], window: ScannerProgram) -> None:
        self.stage = stage
        self.child_id = child_id
        self.grants = grants
        self.window = window

    async def at_the_library(self) -> dict[str, Any]:
        """The verdict of the library's door on the next code of the child's, read from its picture."""
        code = self.stage.citizen.present(self.grants.pop(), LIBRARY_ENTRY)
        return await self.stage.scanners[0].verify(read_picture(self.stage.draw("family-code", code)), LIBRARY_ENTRY)

    async def at_the_window(self, item: str) -> dict[str, Any]:
        """The verdict at the counter, where the child came for `item`."""
        code = self.stage.citizen.present(self.grants.pop(), COUNTER_IDENTITY)
        text = read_picture(self.stage.draw("family-counter-code", code))
        return await self.window.post(
            "/v1/verifications", {"code": text, "scenario": COUNTER_IDENTITY, "item": item, "request_id": "window-01"}
        )


async def play(stage: Stage) -> None:
    """From the registry's yes to the last refusal."""
    stage.story.chapter("亲属随申码与窗口", "A child's code, and the counter")
    family = await _begin(stage)
    await _entitle(stage, family)
    await _fill_in_a_form(stage, family)
    await _freeze(stage, family)
    with stage.story.step("移除孩子：其码立即失效", "the child is removed: the codes end at once") as step:
        await stage.citizen.call("DELETE", f"/v1/me/children/{family.child_id}")
        result = await family.at_the_library()
        step.expect((result["verdict"], result["reason"]), ("REJECT", "REVOKED"))


async def _begin(stage: Stage) -> Family:
    story, phone = stage.story, stage.citizen
    with story.step("别人的孩子：人口登记机关不予确认", "somebody else's child is refused") as step:
        step.expect(await refusal_of(phone.add_child(PUPIL)), "guardianship-refused", "slug")
    with story.step("添加孩子：人口登记机关确认监护关系", "a child, confirmed by the registry") as step:
        child = await phone.add_child(CHILD)
        grants = await phone.fetch_grants(on_behalf_of=child["id"])
        step.saw(f"{child['display_name']}, until {child['until'][:10]}; {len(grants)} grants on the parent's phone")
    official = await stage.staff.sign_in(stage.http, "demo-counter-devices")
    window = ScannerProgram(stage.http, "三号窗口")
    centre = stage.staff.organization_of("demo-counter-devices")
    await window.enrol(official, centre, "演示政务服务大厅", [COUNTER_IDENTITY])
    return Family(stage, child["id"], grants, window)


async def _entitle(stage: Stage, family: Family) -> None:
    story = stage.story
    with story.step("出示亲属随申码：说的是孩子，不给姓名", "the child's code speaks of the child, unnamed") as step:
        result = await family.at_the_library()
        step.expect((result["verdict"], result["kind"]), ("ACCEPT", "F"))
        step.expect(result["disclosed"]["entitlements"], [], "entitlements before")
    with story.step("图书馆按自己的 openid 发放读者权益", "the library entitles by its own id for the child") as step:
        librarian = await stage.staff.sign_in(stage.http, "demo-library-readers")
        await _register_issuer(stage)
        entitlement = {"openid": result["disclosed"]["openid"], "name": "library.reader", "valid_days": 365}
        given = await librarian.call("POST", "/v1/entitlements", json=entitlement)
        step.expect((await family.at_the_library())["disclosed"]["entitlements"], ["library.reader"])
        await librarian.call("DELETE", f"/v1/entitlements/{given['id']}")  # so that the next run begins alike
    with story.step("家长与孩子都能看到用码记录", "parent and child both read the record") as step:
        scans = (await stage.citizen.call("GET", "/v1/codes/scans"))["items"]
        step.expect([scan["on_behalf_of"] for scan in scans[:2]], [family.child_id] * 2, "of the child")
        step.saw(f"the latest: {scans[0]['scanner']['site']}, kind {scans[0]['kind']}")


async def _register_issuer(stage: Stage) -> None:
    """A namespace has one owner; an earlier run registered it already."""
    admin = await stage.staff.sign_in(stage.http, "demo-admin")
    issuers = (await admin.call("GET", "/v1/entitlement-issuers"))["items"]
    if not any(issuer["namespace"] == "library" for issuer in issuers):
        library = stage.staff.organization_of("demo-library-readers")
        issuer = {"organization_id": library, "namespace": "library", "scenarios": [LIBRARY_ENTRY]}
        await admin.call("POST", "/v1/entitlement-issuers", json=issuer)


async def _fill_in_a_form(stage: Stage, family: Family) -> None:
    story, window = stage.story, family.window
    with story.step("窗口扫码：得到一次性取表凭证", "at the counter: a ticket for the form") as step:
        scanned = await family.at_the_window("residence-permit")
        step.expect(scanned["disclosed"]["full_name"], CHILD.name, "whom the code names")
        redeemed = {"ticket": scanned["form_ticket"], "title": "居住证办理申请表"}
        form = await window.post("/v1/form-tickets/redemptions", redeemed)
        step.saw(f"prefilled: {', '.join(sorted(form['fields']))}")
    with story.step("同一凭证再用一次", "the same ticket once more") as step:
        again = await refusal_of(window.post("/v1/form-tickets/redemptions", redeemed))
        step.expect(again, "form-ticket-used", "slug")
    with story.step("家长在手机上确认，办件渠道为窗口", "the parent confirms on the phone") as step:
        path = f"/v1/codes/forms/{form['id']}/decision"
        decided = await stage.citizen.call("POST", path, json={"decision": "confirmed"})
        step.expect((decided["state"], decided["channel"]), ("confirmed", "counter"))


async def _freeze(stage: Stage, family: Family) -> None:
    story = stage.story
    clerk = await stage.staff.sign_in(stage.http, "demo-counter")
    with story.step("窗口冻结孩子的码（疑似冒用）", "a counter freezes the child's codes, for fraud") as step:
        frozen = await _frozen(clerk, step)
        result = await family.at_the_library()
        step.expect((result["verdict"], result["reason"], result["disclosed"]), ("REVIEW", "SUSPENDED", {}))
        step.saw(f"{result['verdict']} {result['reason']}")
    with story.step("家长看到原因并申诉；须由另一人答复", "the parent reads why and appeals") as step:
        appeal = {"statement": "孩子的码一直由我保管，没有外借。"}
        path = f"/v1/codes/freezes/{frozen['id']}"
        read = await stage.citizen.call("POST", f"{path}/appeal", json=appeal)
        decision = {"decision": "lifted", "because": "核实为误判"}
        step.expect(await refusal_of(clerk.call("POST", f"{path}/decision", json=decision)), "another-official-needed")
        step.saw(f"{read['reason']}: {read['explanation']} ({read['organization_name']})")
    with story.step("另一名工作人员解除冻结，码恢复可用", "another official thaws: the codes count again") as step:
        lead = await stage.staff.sign_in(stage.http, "demo-counter-lead")
        await lead.call("POST", f"{path}/decision", json=decision)
        step.expect((await family.at_the_library())["verdict"], "ACCEPT")


async def _frozen(clerk: Caller, step: Step) -> dict[str, Any]:
    document = {"name": CHILD.name, "document_number": CHILD.document_number}
    reason = {"reason": "fraud", "explanation": "有人持该码图片冒用"}
    frozen: dict[str, Any] = await clerk.call("POST", "/v1/codes/freezes", json=document | reason)
    step.expect(frozen["state"], "frozen")
    return frozen
