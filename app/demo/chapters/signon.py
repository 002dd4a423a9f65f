"""One account for every department: a phone signs the computer before it in, and opens a mini-app inside itself."""

import asyncio
import time

import httpx

from app.demo.caller import Refused
from app.demo.chapters.department import LIBRARY, LIVE_WITHIN_SECONDS, bring_live
from app.demo.computer import Browser, ClientProgram
from app.demo.stage import Stage
from codes.pictures import read_picture

SITE = "https://library.example.cn/cb"
SCOPE = "library.reader"
COMPUTER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"


async def play(stage: Stage) -> None:
    """The library becomes a client; then a computer and a mini-app let the citizen in."""
    stage.story.chapter("单点登录", "Single sign-on")
    library = ClientProgram(stage.http, LIBRARY, SITE)
    reviewer = await stage.staff.sign_in(stage.http, "demo-reviewer")
    await bring_live(stage, "library", reviewer, login=library.login)
    async with httpx.AsyncClient(
        base_url=stage.settings.public_origin, timeout=20, headers={"User-Agent": COMPUTER}
    ) as http:
        browser = Browser(http)
        scan_id = await _show_picture(stage, library, browser)
        await _let_in(stage, library, browser, scan_id)
    await _launch(stage, library)
    await _end(stage)


async def _show_picture(stage: Stage, library: ClientProgram, browser: Browser) -> str:
    with stage.story.step(
        "电脑上显示二维码；手机先看清要登录哪里", "a computer shows a picture; the phone reads for what"
    ) as step:
        await browser.open(await _once_known(library))
        await browser.submit("/scan")
        secret = read_picture(stage.keep("sign-in.png", browser.draw_picture())).partition("#")[2]
        seen = await stage.citizen.call("POST", "/v1/login/scan", json={"secret": secret})
        step.expect(seen["agent"], "Chrome · Windows", "program")
        step.saw(f"{seen['place']['zh']}, {seen['agent']}, same network: {seen['same_network']}")
    return str(seen["id"])


async def _let_in(stage: Stage, library: ClientProgram, browser: Browser, scan_id: str) -> None:
    with stage.story.step(
        "手机确认后显示 4 位数字，填在电脑上；错的不行", "the phone shows 4 digits to type; others open nothing"
    ) as step:
        approved = await stage.citizen.call("POST", f"/v1/login/scan/{scan_id}/approval")
        wrong = f"{(int(approved['number']) + 1) % 10_000:04}"
        await browser.submit("/number", number=wrong)
        step.expect(browser.page.status_code, 401, "wrong number")
        await browser.submit("/number", number=approved["number"])
        if "/consent" in browser.page.text:
            await browser.submit("/consent", decision="allow")
        who = await library.redeem(browser.sent_back_with["code"])
        step.expect(who["acr"], "ial2.aal1", "acr")
        step.saw(f"sub {who['sub'][:12]}…, amr {who['amr']}")


async def _launch(stage: Stage, library: ClientProgram) -> None:
    with stage.story.step(
        "在城市应用内打开小程序：授权码经桥交给它，不进地址栏", "a mini-app opens in the app: its code over the bridge"
    ) as step:
        asked = {
            "app_id": LIBRARY,
            "code_challenge": library.challenge,
            "code_challenge_method": "S256",
            "scopes": ["openid", SCOPE],
        }
        view = await stage.citizen.call("POST", "/v1/launches", json=asked)
        step.expect(view["state"], "ready", "asked again")
        who = await library.redeem(view["code"], posted=False)
        step.saw(f"the same reader: sub {who['sub'][:12]}…")


async def _end(stage: Stage) -> None:
    with stage.story.step(
        "我的登录：看得懂，叫得出名，一键退出其他", "my sign-ins: recognised, named, all others ended at once"
    ) as step:
        listed = (await stage.citizen.call("GET", "/v1/me/sessions"))["items"]
        computer = next(one for one in listed if one["method"] == "scan")
        path = f"/v1/me/sessions/{computer['id']}"
        named = await stage.citizen.call("PUT", f"{path}/name", json={"name": "阅览室的电脑"})
        await stage.citizen.call("DELETE", path)
        left = {one["id"] for one in (await stage.citizen.call("GET", "/v1/me/sessions"))["items"]}
        step.expect(computer["id"] in left, False, "still signed in")
        step.saw(f"{named['name']} ({named['agent']}) ended")


async def _once_known(library: ClientProgram) -> str:
    """The library's request, as soon as the worker that answers has heard of its release."""
    begin = time.monotonic()
    while True:
        try:
            return await library.begin(SCOPE)
        except Refused as refused:
            if refused.slug != "invalid_client" or time.monotonic() - begin > LIVE_WITHIN_SECONDS:
                raise
        await asyncio.sleep(0.1)
