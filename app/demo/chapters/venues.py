"""A venue and its devices: who works there, what a gun types, which scenario is kept, what trying codes leads to."""

import shutil
from secrets import token_hex

import httpx

from app.demo.caller import Caller
from app.demo.scanner import ScannerProgram
from app.demo.stage import Stage
from codes.pictures import read_picture
from codes.venues.scanner_client.client import RequestRefused, ScannerClient

LIBRARY_ENTRY, OFFICE_VISITOR, ROADSIDE_CHECK = 301, 602, 107
TRIES = 101
NOWHERE = "http://127.0.0.1:9"


async def play(stage: Stage) -> None:
    """Operators, keystrokes, the lock, narrow registrations, limits, and a line that is cut."""
    stage.story.chapter("场馆与扫码设备", "Venues and their scanners")
    await _operator(stage)
    official = await stage.staff.sign_in(stage.http, "demo-library-scanners")
    gate = await _device(stage, official, "闸机", [LIBRARY_ENTRY, OFFICE_VISITOR])
    await _keystrokes(stage, gate)
    await _lock(stage, gate)
    await _narrow(stage, official)
    await _cut_line(stage, gate)
    await _enumeration(stage, official)


async def _device(
    stage: Stage,
    official: Caller,
    name: str,
    scenarios: list[int],
    *,
    post: str = "demo-library-scanners",
    **more: object,
) -> ScannerProgram:
    scanner = ScannerProgram(stage.http, name)
    await scanner.enrol(official, stage.staff.organization_of(post), f"演示场馆{name}", scenarios, **more)
    return scanner


def _client(stage: Stage, scanner: ScannerProgram, http: httpx.AsyncClient | None = None) -> ScannerClient:
    return scanner.client(stage.pictures / "venue" / str(scanner.id), http)


async def _operator(stage: Stage) -> None:
    story, post = stage.story, "demo-traffic-police"
    official = await stage.staff.sign_in(stage.http, post)
    scanner = await _device(stage, official, "路检终端", [ROADSIDE_CHECK], post=post)
    code = stage.citizen.present(stage.grants[0], ROADSIDE_CHECK)
    with story.step(
        "路检须先签到：无人签到不予核验", "a roadside check needs an operator: nobody on duty, no answer"
    ) as step:
        result = await scanner.verify(code, ROADSIDE_CHECK)
        step.expect((result["reason"], result["disclosed"]), ("SCANNER_NOT_ALLOWED", {}))
    with story.step("操作员刷工牌签到，密码错则拒绝", "the operator signs on by badge; a wrong PIN is refused") as step:
        organization = stage.staff.organization_of(post)
        number = f"D-{token_hex(3).upper()}"
        appointment = {"organization_id": organization, "number": number}
        operator = await official.call("POST", "/v1/scanner-operators", json=appointment)
        badge = read_picture(stage.draw("operator-badge", operator["badge"]))
        client = _client(stage, scanner)
        try:
            await client.sign_on(number=number, pin=f"{(int(operator['pin']) + 1) % 10**6:06}")
        except RequestRefused as refused:
            step.expect(refused.slug, "sign-on-refused")
        await client.sign_on(badge=badge)
        result = await scanner.verify(code, ROADSIDE_CHECK)
        step.expect((result["verdict"], result["reason"]), ("ACCEPT", "OK"))
        await official.call("DELETE", f"/v1/scanner-operators/{operator['id']}")


async def _keystrokes(stage: Stage, gate: ScannerProgram) -> None:
    with stage.story.step(
        "扫码枪经中文输入法：全角、小写、回车", "a gun through an input method: wide, small, with enter"
    ) as step:
        code = read_picture(stage.draw("typed-code", stage.citizen.present(stage.grants[1], LIBRARY_ENTRY)))
        typed = "".join("\u3000" if sign == " " else chr(ord(sign) + 0xFEE0) for sign in code.lower()) + "\r\n"
        answer = await _client(stage, gate).verify(typed, LIBRARY_ENTRY)
        step.expect((answer.opens, answer.door.word.zh), (True, "通过"))
        step.saw(f"{typed[:12]}… → {answer.door.word.zh}")


async def _lock(stage: Stage, gate: ScannerProgram) -> None:
    with stage.story.step(
        "设备切换场景后锁定五分钟", "a device that switched its scenario keeps it for five minutes"
    ) as step:
        visit = stage.citizen.present(stage.grants[2], OFFICE_VISITOR)
        step.expect((await gate.verify(visit, OFFICE_VISITOR))["reason"], "OK")
        back = await gate.verify(stage.citizen.present(stage.grants[3], LIBRARY_ENTRY), LIBRARY_ENTRY)
        step.expect((back["verdict"], back["reason"]), ("REJECT", "SCANNER_NOT_ALLOWED"))


async def _narrow(stage: Stage, official: Caller) -> None:
    with stage.story.step("登记只许手机尾号：姓名不给", "registered for the phone's last digits only: no name") as step:
        terms = [{"scenario": OFFICE_VISITOR, "attributes": ["phone_tail"]}]
        desk = await _device(stage, official, "前台", [OFFICE_VISITOR], terms=terms)
        result = await desk.verify(stage.citizen.present(stage.grants[4], OFFICE_VISITOR), OFFICE_VISITOR)
        step.expect((set(result["disclosed"]), result["withheld"]), ({"phone_tail"}, ["full_name"]))
        step.saw(f"disclosed {sorted(result['disclosed'])}, withheld {result['withheld']}")


async def _cut_line(stage: Stage, gate: ScannerProgram) -> None:
    shutil.rmtree(stage.pictures / "venue", ignore_errors=True)  # each run is another address, which the root names
    with stage.story.step(
        "断网：按名单放行，恢复后补传记录", "the line is cut: the lists decide, the log follows"
    ) as step:
        await _client(stage, gate).lists.pull()
        async with httpx.AsyncClient(base_url=NOWHERE) as nowhere:
            code = stage.citizen.present(stage.grants[5], OFFICE_VISITOR)
            cut_off = _client(stage, gate, nowhere)
            answer = await cut_off.verify(code, OFFICE_VISITOR)
            step.expect((answer.opens, answer.mode), (True, "offline"))
            step.expect((await cut_off.verify(code, OFFICE_VISITOR)).reason, "REPLAYED")
        told = await _client(stage, gate).bring_logbook()
        step.expect([entry["state"] for entry in told], ["recorded", "recorded"])
        step.saw(f"opened offline; brought {len(told)} entries, conflicts {[entry['conflicts'] for entry in told]}")


async def _enumeration(stage: Stage, official: Caller) -> None:
    with stage.story.step(
        "一台设备试码百次：限制并告知管理员", "a device tries a hundred codes: it waits, and it is told"
    ) as step:
        prober = await _device(stage, official, "试码设备", [LIBRARY_ENTRY])
        reasons = [(await prober.verify(f"SSM1:TRY {attempt}", LIBRARY_ENTRY))["reason"] for attempt in range(TRIES)]
        step.expect((reasons[0], reasons[-1]), ("MALFORMED", "RATE_LIMITED"))
        good = await prober.verify(stage.citizen.present(stage.grants[6], LIBRARY_ENTRY), LIBRARY_ENTRY)
        step.expect((good["reason"], good["disclosed"]), ("RATE_LIMITED", {}))
        organization = stage.staff.organization_of("demo-library-scanners")
        stops = await official.call("GET", f"/v1/scanner-stops?organization_id={organization}")
        [stop] = [stop for stop in stops["items"] if stop["subject"] == str(prober.id)]
        step.saw(f"RATE_LIMITED until {stop['until'][11:19]}, {stop['what']} {stop['counted']}")
