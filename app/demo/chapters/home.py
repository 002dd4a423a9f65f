"""The citizen's own page: where they are at home, in which order, how large; and finding a service by any spelling."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from app.demo.chapters.department import HOTLINE, LIBRARY
from app.demo.stage import Stage
from app.demo.story import Step, StepFailed

LIVE_WITHIN_SECONDS = 2.0
BETWEEN_LOOKS_SECONDS = 0.05
STREET = "190101001"
ELDER_SECTIONS, ELDER_LINES = 2, 3
SPELLINGS = ("图书馆", "tushuguan", "tsg", "图shu馆", "怎么去图书馆")


async def play(stage: Stage) -> None:
    """Arrange, choose, find; and leave everything as it was."""
    stage.story.chapter("首页", "The home page")
    await _arrange(stage)
    await _choose(stage)
    await _find(stage)


async def _arrange(stage: Stage) -> None:
    phone = stage.citizen
    with stage.story.step("排序与隐藏，换设备也记得", "an order of one's own, and what is hidden") as step:
        before = await phone.call("GET", "/v1/home/layout")
        wanted = {"pinned": [HOTLINE], "hidden": [LIBRARY]}
        await phone.call("PUT", "/v1/home/layout", json=wanted)
        home = await phone.call("GET", "/v1/home")
        shown = [app_id for section in home["sections"] for app_id in section["app_ids"]]
        step.expect((shown[0], LIBRARY in shown), (HOTLINE, False), "page")
        await phone.call(
            "PUT", "/v1/home/layout", json={"pinned": [pin["app_id"] for pin in before["pinned"]], "hidden": []}
        )
        step.saw(f"{len(shown)} services in {len(home['sections'])} sections; the library is hidden, then back")


async def _choose(stage: Stage) -> None:
    phone = stage.citizen
    with stage.story.step("选择街道与长辈版", "a street, and the page for elders") as step:
        tree = await phone.call("GET", "/v1/zones")
        choice = await phone.call("PUT", "/v1/home/choice", json={"zone": STREET, "profile": "elder"})
        step.expect(choice["zone"], STREET)
        home = await _until(
            lambda: phone.call("GET", "/v1/home"), lambda page: page["large_text"] and page["zone"] == STREET
        )
        if len(home["sections"]) > ELDER_SECTIONS or any(len(card["lines"]) > ELDER_LINES for card in home["cards"]):
            raise StepFailed("an elder's page is short")
        step.saw(f"{len(tree['children'])} districts; {len(home['cards'])} cards in large text")
        await phone.call("PUT", "/v1/home/choice", json={})


async def _find(stage: Stage) -> None:
    with stage.story.step("中文、拼音、首字母、混输", "found in Chinese, pinyin, initials and mixtures") as step:
        told = [await _first(stage, spelling, step) for spelling in SPELLINGS]
        step.saw(", ".join(told))


async def _first(stage: Stage, spelling: str, step: Step) -> str:
    async def search() -> Any:
        answer = await stage.http.get("/v1/search", params={"q": spelling})
        return answer.raise_for_status().json()

    found = await _until(search, lambda page: bool(page["items"]))
    step.expect(found["items"][0]["service"]["app_id"], LIBRARY, spelling)
    return f"{spelling} ({found['items'][0]['why'][0]['how']})"


async def _until(ask: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool]) -> Any:
    """The first answer that holds; another worker may hear of a change a moment later than the one that made it."""
    begin = time.monotonic()
    while not holds(answer := await ask()):
        if time.monotonic() - begin > LIVE_WITHIN_SECONDS:
            raise StepFailed(f"not known everywhere within {LIVE_WITHIN_SECONDS} s")
        await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
    return answer
