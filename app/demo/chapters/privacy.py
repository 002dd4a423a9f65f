"""What people ask about their own data: a copy of everything, a correction by the authority, an end that can wait."""

import asyncio
import time
from typing import Any, Final

import httpx

from app.demo.phone import Phone
from app.demo.stage import Stage
from app.demo.story import StepFailed

PATIENCE_SECONDS: Final = 20
EXPORT: Final = "/v1/me/export"
CORRECTIONS: Final = "/v1/me/corrections"
WRONG_DATE: Final = {"field": "birth_date", "claimed": "1990-03-16", "explanation": "户口簿上的出生日期是十六日"}


async def play(stage: Stage) -> None:
    """Somebody new asks for all that is kept and wants to leave; the citizen has a date corrected."""
    stage.story.chapter("我的信息", "My data")
    newcomer = Phone(stage.http)
    await newcomer.sign_in(f"1990009{time.time_ns() // 1_000_000_000 % 10_000:04}")
    await _copy(stage, newcomer)
    await _correction(stage)
    await _closing(stage, newcomer)


async def _copy(stage: Stage, newcomer: Phone) -> None:
    with stage.story.step("导出全部个人信息", "a copy of everything that is kept, from every package") as step:
        asked = await newcomer.call("POST", EXPORT)
        await _until(newcomer, EXPORT, asked["id"], "ready")
        copy = await newcomer.call("GET", f"{EXPORT}/{asked['id']}/file")
        step.expect(copy["format"], "suishen-export/1", "format")
        step.saw(f"{len(copy['parts'])} parts: {', '.join(sorted(copy['parts']))}")


async def _correction(stage: Stage) -> None:
    with stage.story.step(
        "申请更正：送达来源机关", "a correction is handed to the authority that keeps the record"
    ) as step:
        asked = await stage.citizen.call("POST", CORRECTIONS, json=WRONG_DATE)
        await _until(stage.citizen, CORRECTIONS, asked["id"], "sent", "accepted")
        clerk = {"reference": asked["id"], "state": "accepted", "reason": "已核实"}
        async with httpx.AsyncClient(base_url=stage.settings.population_registry_url) as registry:
            step.expect((await registry.post("/stand-in/corrections", json=clerk)).status_code, 200, "clerk")
        step.saw("sent; the authority's word comes back within half a minute")


async def _closing(stage: Stage, newcomer: Phone) -> None:
    with stage.story.step("申请注销账号，冷静期内撤销", "an account is to close, and is called off in time") as step:
        asked = await newcomer.call("POST", "/v1/me/closing")
        step.expect(asked["state"], "cooling", "state")
        called_off = await newcomer.call("DELETE", "/v1/me/closing")
        step.expect(called_off["state"], "cancelled", "state")
        step.saw(f"due {asked['due_at']}, {called_off['state']}")


async def _until(caller: Phone, path: str, wanted_id: str, *states: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        items: list[dict[str, Any]] = (await caller.call("GET", path))["items"]
        found = next(item for item in items if item["id"] == wanted_id)
        if found["state"] in states:
            return found
        await asyncio.sleep(0.1)
    raise StepFailed(f"{path} is not {states[0]} after {PATIENCE_SECONDS} s")
