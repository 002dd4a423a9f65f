"""A citizen signs in, proves their name, enrols a phone."""

import asyncio
import secrets
import time
from collections.abc import Awaitable
from typing import Any

from app.demo.caller import Refused
from app.demo.phone import Phone
from app.demo.registries import CITIZEN
from app.demo.stage import Stage
from app.demo.story import StepFailed

CITIZEN_PHONE = "19900000001"
ENDED_WITHIN_SECONDS = 1
UNAUTHORIZED = 401


async def play(stage: Stage) -> None:
    """From nothing to an enrolled device."""
    story, phone = stage.story, stage.citizen
    story.chapter("一、市民", "A citizen")
    await _visit(stage)
    with story.step("市民登录", "the citizen signs in") as step:
        await phone.sign_in(CITIZEN_PHONE)
        step.saw(
            f"{phone.tokens['token_type']} access token, {phone.tokens['expires_in']} s, bound to this phone's key"
        )
    await phone.revoke_lost_devices()  # of a run that broke off: while they count, a name alone proves nothing
    with story.step("实名核验：人口登记机关核对姓名与证件", "real name, checked by the population registry") as step:
        person = await phone.prove_name(CITIZEN)
        step.expect((await phone.call("GET", "/v1/me"))["ial"], 2, "identity level")
        step.saw(f"ial 2, {person['display_name']}")
    with story.step("登记手机密钥（持有证明）", "enrols the phone's key, with proof of possession") as step:
        step.expect((await phone.enrol())["state"], "active")


async def _visit(stage: Stage) -> None:
    """Somebody with a new number, who mistypes, and whose refresh token is stolen."""
    story, visitor = stage.story, Phone(stage.http)
    visitor.number = f"19900{secrets.randbelow(900_000) + 100_000:06}"
    with story.step("请求短信验证码", "a visitor asks for a one-time code") as step:
        challenge = await visitor.request_code()
        code = await visitor.read_code()
        step.saw("the message is in the demo inbox")
    with story.step("验证码错误：拒绝并计数", "a wrong code is refused, and counted") as step:
        wrong = f"{(int(code) + 1) % 1_000_000:06}"
        step.expect(await refusal_of(visitor.redeem_code(challenge, wrong)), "otp-refused", "slug")
    with story.step("旧刷新令牌再用一次：整个会话失效", "an old refresh token used again ends the session") as step:
        await visitor.redeem_code(challenge, code)
        step.expect(await _reuse_refresh_token(visitor), "invalid_grant")
        spent = await _wait_until_over(visitor)
        step.saw(f"invalid_grant; its access token is refused after {spent * 1000:.0f} ms")


async def _wait_until_over(phone: Phone) -> float:
    """The seconds until whichever worker answers refuses this phone's access token; others hear of an end by notice."""
    begin = time.monotonic()
    while (await phone.send("GET", "/v1/me")).status_code != UNAUTHORIZED:
        if time.monotonic() - begin > ENDED_WITHIN_SECONDS:
            raise StepFailed(f"The session still counts after {ENDED_WITHIN_SECONDS} s.")
        await asyncio.sleep(0.01)
    return time.monotonic() - begin


async def _reuse_refresh_token(phone: Phone) -> str:
    first = dict(phone.tokens)
    await phone.refresh()
    newest = dict(await phone.refresh())
    phone.tokens = first
    seen = await refusal_of(phone.refresh())
    phone.tokens = newest
    return seen


async def refusal_of(attempt: Awaitable[Any]) -> str:
    """The slug with which the server refuses; a success is a failure of the story."""
    try:
        await attempt
    except Refused as refused:
        return refused.slug
    raise StepFailed("It was not refused.")
