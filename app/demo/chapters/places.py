"""Stickers at a library's door, kiosk and lift: chosen by the citizen, proof against relays, and in nobody's log."""

import secrets
from typing import Any
from urllib.parse import urlsplit

from app.demo.caller import Caller
from app.demo.choosing import Chooser, NotOffered
from app.demo.scanner import ScannerProgram
from app.demo.stage import Stage
from codes.pictures import read_picture
from codes.places.choosing import encode_challenge
from codes.places.facts import PlaceFacts

LIBRARY_ENTRY, KIOSK_LOGIN, HOTEL, LIFT_TAG = 301, 502, 601, 951
EAST, WEST, LOBBY = "演示图书馆东门", "演示图书馆西门", "演示图书馆大厅"


async def play(stage: Stage) -> None:
    """Stickers, a choice, a relay that fails, a page that remembers nobody."""
    stage.story.chapter("地点码与设施码", "Places and things")
    keeper = await stage.staff.sign_in(stage.http, "demo-library-scanners")
    east, west = await _enrol(stage, keeper, EAST, LIBRARY_ENTRY), await _enrol(stage, keeper, WEST, LIBRARY_ENTRY)
    kiosk = await _enrol(stage, keeper, LOBBY, KIOSK_LOGIN)
    stickers = await _hang(stage, keeper)
    chooser = Chooser(stage.http)
    await chooser.pull()
    await _choose_at_the_door(stage, chooser, stickers["door"], (east, west))
    await _relay(stage, chooser, stickers["kiosk"], kiosk)
    await _false_sticker(stage, chooser)
    await _look_at_the_lift(stage, keeper, stickers["lift"])


async def _enrol(stage: Stage, keeper: Caller, site: str, scenario: int) -> ScannerProgram:
    scanner = ScannerProgram(stage.http, f"{site}·码牌旁")
    await scanner.enrol(keeper, stage.staff.organization_of("demo-library-scanners"), site, [scenario])
    return scanner


async def _hang(stage: Stage, keeper: Caller) -> dict[str, str]:
    """The carriers, read off the printed posters."""
    wanted = {
        "door": (EAST, "图书馆东门", LIBRARY_ENTRY),
        "kiosk": (LOBBY, "自助终端", KIOSK_LOGIN),
        "lift": (LOBBY, "三号电梯", LIFT_TAG),
    }
    stickers = {}
    with stage.story.step("登记地点与设施，打印码牌", "a door, a kiosk and a lift get their posters") as step:
        for name, (site, label, scenario) in wanted.items():
            body = {"site": {"name": site, "address": "演示路1号"}, "label": label, "scenarios": [scenario]}
            made = await keeper.call("POST", "/v1/places", json=body)
            poster = await keeper.send("GET", f"/v1/places/{made['id']}/poster")
            stickers[name] = read_picture(stage.keep(f"poster-{name}.png", poster.content))
            step.expect(stickers[name], made["carrier"], "the poster's code")
        step.saw("three posters, each read back by a camera")
    return stickers


async def _choose_at_the_door(
    stage: Stage, chooser: Chooser, sticker: str, gates: tuple[ScannerProgram, ScannerProgram]
) -> None:
    story, phone, (east, west) = stage.story, stage.citizen, gates
    with story.step(
        "手机扫门口码牌：不联网即知何地、告知什么", "the phone scans the door's sticker: no request"
    ) as step:
        place = _place_of(chooser, sticker)
        choice = chooser.choose(place, LIBRARY_ENTRY)
        step.expect(choice.told is not None, True, "told the first time")
        step.expect(chooser.choose(place, LIBRARY_ENTRY).told, None, "not told again")
        step.saw(choice.told.zh if choice.told else "")
    with story.step("码牌上没有的场景：不能选", "a scenario that the sticker does not name cannot be chosen") as step:
        try:
            chooser.choose(place, HOTEL)
        except NotOffered:
            step.saw("not offered")
        else:
            step.expect("chosen", "not offered")
    with story.step("为东门亮的码：西门不认，东门放行", "a code for the east gate: refused at the west one") as step:
        code = chooser.present(phone, stage.grants[0], choice)
        step.expect((await west.verify(code, LIBRARY_ENTRY))["reason"], "REPLAYED")
        step.expect((await east.verify(code, LIBRARY_ENTRY))["verdict"], "ACCEPT")
        step.saw("REPLAYED, then ACCEPT")


async def _relay(stage: Stage, chooser: Chooser, sticker: str, kiosk: ScannerProgram) -> None:
    """Where much is at stake a code is for one terminal and one moment: sent elsewhere it is worth nothing."""
    story, phone = stage.story, stage.citizen
    with story.step(
        "高价值场景：终端出示随机数，手机签入", "much at stake: the phone signs the terminal's nonce"
    ) as step:
        cnonce = secrets.token_bytes(16)
        shown = read_picture(stage.draw("kiosk-nonce", encode_challenge(cnonce, phone.prefix)))
        choice = chooser.choose(_place_of(chooser, sticker), KIOSK_LOGIN)
        relayed = read_picture(stage.draw("kiosk-code", chooser.present(phone, stage.grants[6], choice, shown)))
        refused = await kiosk.verify(relayed, KIOSK_LOGIN, cnonce=secrets.token_bytes(16))
        step.expect((refused["verdict"], refused["reason"]), ("REJECT", "REPLAYED"), "at another moment")
        plain = await kiosk.verify(phone.present(stage.grants[5], KIOSK_LOGIN), KIOSK_LOGIN, cnonce=cnonce)
        step.expect((plain["verdict"], plain["reason"]), ("REVIEW", "HOLDER_CHECK_REQUIRED"), "without a nonce")
        result = await kiosk.verify(chooser.present(phone, stage.grants[7], choice, shown), KIOSK_LOGIN, cnonce=cnonce)
        step.expect((result["verdict"], result["reason"]), ("ACCEPT", "OK"))
        step.saw("relayed: REPLAYED; no nonce: by hand; ours: ACCEPT")


async def _false_sticker(stage: Stage, chooser: Chooser) -> None:
    with stage.story.step("有人贴了假码牌", "somebody pasted a sticker of their own over it") as step:
        false = read_picture(stage.draw("false-sticker", "HTTPS://SUISHEN-PAY.EXAMPLE/1/ABCDEFGH"))
        step.expect(chooser.scan(false).facts, None, "the place on a false sticker")
        step.saw("此码不是本市签发 not this city's")


async def _look_at_the_lift(stage: Stage, keeper: Caller, sticker: str) -> None:
    with stage.story.step(
        "任何手机相机看电梯码：页面不记录谁来看过", "any camera reads the lift's page; nobody is noted"
    ) as step:
        answer = await stage.http.get(urlsplit(sticker).path, headers={"accept": "text/html"})
        step.expect((answer.status_code, "三号电梯" in answer.text), (200, True), "the page")
        step.expect("set-cookie" in answer.headers, False, "cookies")
        step.saw("names the lift, keeps no record")
    with stage.story.step("撤下电梯码", "the lift's sticker is taken down") as step:
        items: list[dict[str, Any]] = (await keeper.call("GET", "/v1/places?limit=100"))["items"]
        place = next(item for item in items if item["carrier"] == sticker)
        await keeper.call("DELETE", f"/v1/places/{place['id']}")
        answer = await stage.http.get(urlsplit(sticker).path, headers={"accept": "text/html"})
        step.expect(answer.status_code, 410, "the page")
        step.saw("410, ended")


def _place_of(chooser: Chooser, sticker: str) -> PlaceFacts:
    scanned = chooser.scan(sticker)
    if scanned.facts is None:
        raise AssertionError(f"the sticker is no place: {scanned.reason}")
    return scanned.facts
