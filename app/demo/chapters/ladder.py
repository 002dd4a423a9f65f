"""The degrade ladder at one desk: token, digits, a typed document, paper. One person, one shape of result."""

from typing import Any
from uuid import uuid4

import zxingcpp

from app.demo.registries import CITIZEN
from app.demo.scanner import ScannerProgram
from app.demo.stage import Stage
from app.demo.story import Step, StepFailed
from app.demo.thin_client import ThinClient
from codes.pictures import read_picture

LIBRARY_ENTRY = 301
LINE_SCALE = 4


class Desk:
    """A staffed desk of the library, and what it was told on every step."""

    def __init__(self, scanner: ScannerProgram) -> None:
        self.scanner = scanner
        self.told: list[dict[str, Any]] = []

    async def ask(self, path: str = "/v1/verifications", **body: Any) -> dict[str, Any]:
        """The result of one question in the desk's scenario."""
        question = {"scenario": LIBRARY_ENTRY, "request_id": str(uuid4())}
        return await self.scanner.post(path, question | body)

    async def accepted(self, step: Step, result: dict[str, Any], kind: str) -> None:
        """Remembers a result that must be ACCEPT."""
        step.expect((result["verdict"], result["kind"]), ("ACCEPT", kind))
        self.told.append(result)


async def play(stage: Stage) -> None:
    """From the thin client down to paper."""
    stage.story.chapter("降级梯", "The degrade ladder")
    desk = await _open_desk(stage)
    await _online(stage, desk)
    await _document(stage, desk)
    await _paper(stage, desk)
    with stage.story.step("四级阶梯，同一个结果", "four steps, one shape of result, one person") as step:
        step.expect(len({tuple(result) for result in desk.told}), 1, "shapes of results")
        step.expect(len({result["disclosed"]["openid"] for result in desk.told}), 1, "openids")
        step.saw(" → ".join(result["kind"] for result in desk.told))


async def _open_desk(stage: Stage) -> Desk:
    official = await stage.staff.sign_in(stage.http, "demo-library-scanners")
    library = stage.staff.organization_of("demo-library-scanners")
    scanner = ScannerProgram(stage.http, "服务台")
    await scanner.enrol(official, library, "演示图书馆服务台", [LIBRARY_ENTRY])
    return Desk(scanner)


async def _online(stage: Stage, desk: Desk) -> None:
    story = stage.story
    with story.step("瘦客户端：15 秒令牌，37 个字符", "a thin client: a token of 15 seconds, 37 characters") as step:
        thin = await ThinClient.fetch(stage.citizen)
        thin.open()
        text = read_picture(stage.draw("online-token", thin.token(LIBRARY_ENTRY)))
        step.expect(len(text), 37, "characters")
        await desk.accepted(step, await desk.ask(code=text), "O")
    with story.step("同一令牌再用；20 位数字猜不着", "the same token again; 20 digits are not guessed") as step:
        again = await desk.ask(code=text)
        thin.open()
        digits = thin.digits(LIBRARY_ENTRY)
        mistyped = await desk.ask(code=digits[:-1] + str((int(digits[-1]) + 1) % 10))
        step.expect((again["reason"], mistyped["reason"]), ("REPLAYED", "MALFORMED"))
    with story.step("20 位数字：一维条码枪", "20 digits: a gun that reads lines") as step:
        read = _lines(stage, "online-digits", thin.digits(LIBRARY_ENTRY))
        await desk.accepted(step, await desk.ask(code=read), "O")


async def _document(stage: Stage, desk: Desk) -> None:
    path = "/v1/verifications/documents"
    typed = {"document_number": CITIZEN.document_number, "holder_checked": True}
    with stage.story.step("未经许可不得录入证件号", "nobody types document numbers unpermitted") as step:
        refused = await desk.ask(path, **typed)
        step.expect((refused["verdict"], refused["reason"]), ("REJECT", "SCANNER_NOT_ALLOWED"))
    with stage.story.step(
        "经市级许可、人证核对后录入证件号", "with the city's permission and a look at the holder"
    ) as step:
        admin = await stage.staff.sign_in(stage.http, "demo-admin")
        permission = {"scenarios": [LIBRARY_ENTRY], "legal_basis": "《演示市图书馆条例》第九条"}
        await admin.call("PUT", f"/v1/scanners/{desk.scanner.id}/document-entry", json=permission)
        unseen = await desk.ask(path, **(typed | {"holder_checked": False}))
        step.expect(unseen["reason"], "HOLDER_CHECK_REQUIRED")
        await desk.accepted(step, await desk.ask(path, **typed), "document")


async def _paper(stage: Stage, desk: Desk) -> None:
    story, phone = stage.story, stage.citizen
    with story.step("离线随申码：打印卡片，须人证核对", "on paper: a printed card, looked at by a person") as step:
        paper = await phone.call("POST", "/v1/codes/paper", json={"days": 90})
        card = await _card(stage, paper["id"])
        shown = await desk.ask(code=card)
        step.expect((shown["verdict"], shown["reason"]), ("REVIEW", "HOLDER_CHECK_REQUIRED"))
        step.expect(shown["printed"]["document_tail"], paper["document_tail"], "printed")
        await desk.accepted(step, await desk.ask(code=card, holder_checked=True), "L")
    with story.step("卡片丢失：作废", "the card is lost: it is voided") as step:
        await phone.call("DELETE", f"/v1/codes/paper/{paper['id']}")
        result = await desk.ask(code=card, holder_checked=True)
        step.expect((result["verdict"], result["reason"]), ("REJECT", "REVOKED"))


async def _card(stage: Stage, code_id: str) -> str:
    """The text of the code on the card, as a camera reads it."""
    answer = await stage.citizen.send("GET", f"/v1/codes/paper/{code_id}/card?form=png")
    path = stage.pictures / "paper-card.png"
    path.write_bytes(answer.content)
    return read_picture(path)


def _lines(stage: Stage, name: str, digits: str) -> str:
    """What a gun that knows only lines reads from a screen: interleaved 2 of 5."""
    path = stage.pictures / f"{name}.svg"
    drawn = zxingcpp.create_barcode(digits, zxingcpp.BarcodeFormat.ITF)
    path.write_text(drawn.to_svg(scale=LINE_SCALE), encoding="utf-8")
    read = zxingcpp.read_barcode(drawn.to_image(scale=LINE_SCALE))
    if read is None:
        raise StepFailed("No gun reads these lines.")
    return str(read.text)
