"""The edge: a department's public pages on an origin of their own, and bytes that no honest program sends."""

import asyncio
import time

import httpx

from app.demo.chapters.department import LIBRARY, AppsDoor
from app.demo.stage import Stage
from app.demo.story import StepFailed
from miniapps.manifest import label_of

LIVE_WITHIN_SECONDS = 2.0
LOOKS = 12  # connections of their own, enough that every worker answers
BETWEEN_LOOKS_SECONDS = 0.1
TWO_IN_ONE = (
    "POST /v1/nothing HTTP/1.1\r\nHost: {host}\r\nX-User_Id: 1\r\n"
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    "0\r\n\r\nGET /v1/me HTTP/1.1\r\nHost: {host}\r\n\r\n"
)


async def play(stage: Stage) -> None:
    """Look at a page, have the service suspended, look again; send two requests dressed as one."""
    stage.story.chapter("边界", "The edge")
    await _pages(stage)
    await _two_in_one(stage)


async def _pages(stage: Stage) -> None:
    story, address = stage.story, f"http://{label_of(LIBRARY)}.{stage.settings.apps_host}"
    with story.step("图书馆的公开网页有自己的域名", "the library's public pages have an origin of their own") as step:
        answer = await _look(stage, address)
        step.expect(answer.status_code, 200, "status")
        step.expect("set-cookie" in answer.headers, False, "a cookie came back")
        policy = answer.headers["content-security-policy"]
        step.expect(f"frame-ancestors {stage.settings.public_origin}" in policy, True, "only the city frames it")
        step.saw(address)
    reviewer = await stage.staff.sign_in(stage.http, "demo-reviewer")
    reason = {
        "reason": {"zh": "馆内检修", "en": "Works in the building"},
        "fallback": {"zh": "请到分馆", "en": "Branches"},
    }
    with story.step("暂停后，网页说明原因与其他途径", "suspended, the page says why and what else there is") as step:
        await reviewer.call("POST", f"/v1/apps/{LIBRARY}/suspend", json=reason)
        spent = await _until(stage, address, 503)
        page = (await _look(stage, address)).text
        step.expect("馆内检修" in page and "请到分馆" in page, True, "the reason and the other way")
        await reviewer.call("POST", f"/v1/apps/{LIBRARY}/resume", json={"reason": {"zh": "检修完成", "en": "Done"}})
        await _until(stage, address, 200)
        step.saw(f"on every worker after {spent:.2f} s; resumed")


async def _look(stage: Stage, address: str) -> httpx.Response:
    async with AppsDoor(stage).client() as http:
        return await http.get(address + "/")


async def _until(stage: Stage, address: str, status: int) -> float:
    """How many seconds pass until every worker answers `status`."""
    begin = time.monotonic()
    while {answer.status_code for answer in await asyncio.gather(*(_look(stage, address) for _ in range(LOOKS)))} != {
        status
    }:
        if time.monotonic() - begin > LIVE_WITHIN_SECONDS:
            raise StepFailed(f"not {status} on every worker within {LIVE_WITHIN_SECONDS} s")
        await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
    return time.monotonic() - begin


async def _two_in_one(stage: Stage) -> None:
    with stage.story.step(
        "一个请求里藏着另一个：只答一次，随即断开", "two requests in one: one answer, then goodbye"
    ) as step:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.settings.port)
        writer.write(TWO_IN_ONE.format(host=stage.http.base_url.netloc.decode()).encode())
        async with asyncio.timeout(5):
            answers = await reader.read()
        writer.close()
        step.expect(answers.count(b"HTTP/1.1 "), 1, "answers")
        step.expect(answers.startswith(b"HTTP/1.1 400 "), True, "a refusal")
        step.saw("/problems/bad-header")
