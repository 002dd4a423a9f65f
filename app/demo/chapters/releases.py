"""A new version goes to testers first; a mistake in it is noticed by the city itself, and nobody else ever meets it."""

import asyncio
import time
from typing import Any

import httpx

from app.demo.caller import Caller
from app.demo.chapters.department import LIBRARY, UNLIMITED, AppsDoor, approve, manifest_of
from app.demo.releasing import bring_to_everybody
from app.demo.stage import Stage
from app.demo.story import StepFailed

LIVE_WITHIN_SECONDS = 2.0
HALTED_WITHIN_SECONDS = 20.0
BETWEEN_CALLS_SECONDS = 0.05  # a tester at work, well within what one person may ask
PATH = f"/v1/apps/{LIBRARY}/releases"


async def play(stage: Stage) -> None:
    """A tester, a release with a wrong address, its halt, and the mended one's way to everybody."""
    stage.story.chapter("四之二、灰度发布", "Releases, step by step")
    developer = await stage.staff.sign_in(stage.http, "demo-library")
    reviewer = await stage.staff.sign_in(stage.http, "demo-reviewer")
    apps = AppsDoor(stage)
    await _become_tester(stage, developer)
    right = manifest_of(stage, "library")
    wrong = manifest_of(stage, "library")
    wrong["backend"]["base_url"]["gray"] = stage.city.departments["hotline"].address
    await _halt(stage, apps, developer, await approve(stage, "library", reviewer, wrong))
    await _mend(stage, apps, developer, await approve(stage, "library", reviewer, right))
    await stage.citizen.call("DELETE", f"/v1/me/trials/{LIBRARY}")


async def _become_tester(stage: Stage, developer: Caller) -> None:
    with stage.story.step("部门邀请试用者，不知道是谁接受了", "a tester is invited, and never named") as step:
        invitation = await developer.call("POST", f"/v1/apps/{LIBRARY}/testers", json={"label": "试用者甲"})
        await stage.citizen.call("POST", "/v1/me/trials", json={"code": invitation["code"]})
        (tester, *_) = (await developer.call("GET", f"/v1/apps/{LIBRARY}/testers"))["items"]
        step.expect((tester["label"], tester["state"]), ("试用者甲", "accepted"), "tester")
        step.saw(f"{tester['label']}: {tester['state']}")


async def _halt(stage: Stage, apps: AppsDoor, developer: Caller, code: int) -> None:
    with stage.story.step(
        "新版本填错了地址：系统自动停止灰度", "a wrong address: the city halts the trial itself"
    ) as step:
        trial = await developer.call("POST", PATH, json={"version_code": code, "to": "testers"})
        spent, met = await _until_halted(apps, developer, trial["id"])
        detail = await developer.call("GET", f"{PATH}/{trial['id']}")
        step.expect(detail["course"][-1]["actor"], "system", "who halted it")
        step.saw(f"after {spent:.1f} s and {met} calls that the wrong server refused; nobody else met it")
    with stage.story.step("试用者立即回到正式版本", "the tester is back with what is published") as step:
        step.saw(f"after {await apps.until(200, LIBRARY, UNLIMITED):.2f} s")


async def _until_halted(apps: AppsDoor, developer: Caller, release_id: str) -> tuple[float, int]:
    """The tester goes on working until the release is gone: how long that took, and how many calls went wrong."""
    begin, met = time.monotonic(), 0
    while time.monotonic() - begin < HALTED_WITHIN_SECONDS:
        answer = await apps.call(LIBRARY, UNLIMITED)
        met += answer.status_code == httpx.codes.UNAUTHORIZED
        release: dict[str, Any] = (await developer.call("GET", f"{PATH}/{release_id}"))["release"]
        if release["state"] == "halted":
            return time.monotonic() - begin, met
        await asyncio.sleep(BETWEEN_CALLS_SECONDS)
    raise StepFailed(f"still {release['state']} after {met} refused calls")


async def _mend(stage: Stage, apps: AppsDoor, developer: Caller, code: int) -> None:
    with stage.story.step("改正后逐级放量：1 → 5 → 20 → 50 → 100 %", "mended, it grows step by step") as step:
        release = await bring_to_everybody(developer, LIBRARY, code)
        step.expect(release["state"], "published", "state")
        course = (await developer.call("GET", f"{PATH}/{release['id']}"))["course"]
        step.saw(" → ".join(f"{taken['state']} {taken['percent']} %" for taken in course))
    with stage.story.step("全量后 2 秒内各进程生效", "everybody's within two seconds") as step:
        spent = await apps.until(200, LIBRARY, UNLIMITED)
        if spent > LIVE_WITHIN_SECONDS:
            raise StepFailed(f"took {spent:.2f} s")
        step.saw(f"after {spent:.2f} s")
