"""The record of scans: a log of offline scans arrives, its conflict is flagged, a complaint takes one tap."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from app.demo.caller import Caller
from app.demo.scanner import ScannerProgram
from app.demo.stage import Stage
from codes.pictures import read_picture

LIBRARY_ENTRY, ARCHIVE = 301, 306
LAW = "《刑事诉讼法》第一百五十二条"


async def play(stage: Stage) -> None:
    """Two doors whose line was cut, and a holder who reads what they did."""
    stage.story.chapter("用码记录", "The record of scans")
    official = await stage.staff.sign_in(stage.http, "demo-library-doors")
    north, south = [await _door(stage, official, name) for name in ("北门", "南门")]
    code = read_picture(stage.draw("offline-door", stage.citizen.present(stage.grants[7], LIBRARY_ENTRY)))
    await _upload(stage, north, code)
    await _conflict(stage, south, code)
    await _complain(stage)
    await _defer(stage, official, north)


async def _door(stage: Stage, official: Caller, name: str) -> ScannerProgram:
    scanner = ScannerProgram(stage.http, name)
    library = stage.staff.organization_of("demo-library-doors")
    await scanner.enrol(official, library, f"演示图书馆{name}", [LIBRARY_ENTRY, ARCHIVE])
    return scanner


async def _bring(scanner: ScannerProgram, code: str, entry_id: str) -> dict[str, Any]:
    entry = {
        "entry_id": entry_id,
        "code": code,
        "scenario": LIBRARY_ENTRY,
        "scanned_at": datetime.now(UTC).isoformat(),
        "verdict": "ACCEPT",
        "reason": "OK",
    }
    answer = await scanner.post("/v1/verifications/batch", {"entries": [entry]})
    [item] = answer["items"]
    told: dict[str, Any] = item
    return told


async def _upload(stage: Stage, door: ScannerProgram, code: str) -> None:
    with stage.story.step(
        "断网期间的核验补传：按当时情形复核，重传只记一次",
        "an offline scan arrives late: examined as of then, kept once",
    ) as step:
        entry_id = str(uuid4())
        told = await _bring(door, code, entry_id)
        step.expect((told["state"], told["reason"], told["conflicts"]), ("recorded", "OK", []))
        records = (await stage.citizen.call("GET", "/v1/codes/scans?limit=100"))["items"]
        [record] = [record for record in records if record["verification_id"] == told["verification_id"]]
        step.expect(record["mode"], "offline")
        step.saw(f"recorded; the holder reads it: {record['scanner']['site']}, offline")


async def _conflict(stage: Stage, door: ScannerProgram, code: str) -> None:
    with stage.story.step(
        "另一道门也放行了同一张码：标出冲突", "another door let the same picture in: flagged"
    ) as step:
        told = await _bring(door, code, str(uuid4()))
        step.expect((told["verdict"], told["reason"]), ("REJECT", "REPLAYED"))
        step.expect(told["conflicts"], ["replayed", "verdict_differs"])
        step.saw(f"conflicts {told['conflicts']}")


async def _complain(stage: Stage) -> None:
    with stage.story.step(
        "对一条记录一键投诉；再点一次仍是同一件", "one tap complains; a second tap is the same"
    ) as step:
        records = (await stage.citizen.call("GET", "/v1/codes/scans"))["items"]
        replayed = next(record for record in records if record["conflicts"])
        tap = {"verification_id": replayed["verification_id"]}
        filed = await stage.citizen.call("POST", "/v1/codes/complaints", json=tap)
        again = await stage.citizen.call("POST", "/v1/codes/complaints", json=tap | {"concern": "not_me"})
        step.expect((again["id"], again["concern"]), (filed["id"], "other"))
    with stage.story.step("审计员答复，不知投诉人是谁", "an audit officer answers, not knowing whom") as step:
        officer = await stage.staff.sign_in(stage.http, "demo-audit")
        cases = (await officer.call("GET", "/v1/staff/complaints?limit=100"))["items"]
        step.expect(filed["id"] in {case["id"] for case in cases}, True, "open case")
        answer = {"text": "已联系场馆：两道门的离线记录冲突，正在核查。"}
        await officer.call("POST", f"/v1/staff/complaints/{filed['id']}/answer", json=answer)
        [mine, *_] = (await stage.citizen.call("GET", "/v1/codes/complaints"))["items"]
        step.expect((mine["state"], mine["answer"]), ("answered", answer["text"]))


async def _defer(stage: Stage, official: Caller, door: ScannerProgram) -> None:
    with stage.story.step(
        "延迟告知须有法定依据、第二人批准和截止日，总数公开",
        "a deferred notice: a law, a second official, an end; totals public",
    ) as step:
        proposal = {"scanner_id": str(door.id), "scenario": ARCHIVE, "legal_basis": LAW, "days": 7}
        notice = await official.call("POST", "/v1/staff/deferred-notices", json=proposal)
        second = await stage.staff.sign_in(stage.http, "demo-security")
        path = f"/v1/staff/deferred-notices/{notice['id']}"
        decided = await second.call("POST", f"{path}/decision", json={"approve": True})
        step.expect((decided["state"], decided["in_force"]), ("approved", True))
        [total, *_] = (await Caller(stage.http).call("GET", "/v1/codes/deferred-notices"))["items"]
        ended = await second.call("DELETE", path)
        step.expect(ended["in_force"], False)
        step.saw(f"approved by a second official, ended early; {total['approved']} so far this year")
