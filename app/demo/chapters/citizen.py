"""A citizen signs in, proves their name, enrols a phone."""

from app.demo.caller import Refused
from app.demo.registries import CITIZEN
from app.demo.stage import Stage
from app.demo.story import StepFailed

CITIZEN_PHONE = "19900000001"


async def play(stage: Stage) -> None:
    """From nothing to an enrolled device."""
    story, phone = stage.story, stage.citizen
    story.chapter("一、市民", "A citizen")
    await _sign_in(stage)
    with story.step("旧刷新令牌再用一次：整个会话失效", "an old refresh token used again ends the session") as step:
        step.expect(await _reuse_refresh_token(stage), "invalid_grant")
    with story.step("再次登录", "signs in again") as step:
        await phone.sign_in(CITIZEN_PHONE)
        step.saw("session bound to this phone's key")
    with story.step("实名核验：人口登记机关核对姓名与证件", "real name, checked by the population registry") as step:
        person = await phone.prove_name(CITIZEN)
        step.expect((await phone.call("GET", "/v1/me"))["ial"], 2, "identity level")
        step.saw(f"ial 2, {person.get('display_name') or 'verified'}")
    with story.step("登记手机密钥（持有证明）", "enrols the phone's key, with proof of possession") as step:
        step.expect((await phone.enrol())["state"], "active")


async def _sign_in(stage: Stage) -> None:
    story, phone = stage.story, stage.citizen
    phone.number = CITIZEN_PHONE
    with story.step("请求短信验证码", "asks for a one-time code") as step:
        challenge = await phone.request_code()
        code = await phone.read_code()
        step.saw("the message is in the demo inbox")
    with story.step("验证码错误：拒绝并计数", "a wrong code is refused, and counted") as step:
        wrong = f"{(int(code) + 1) % 1_000_000:06}"
        step.expect(await refusal_of(phone.redeem_code(challenge, wrong)), "otp-refused", "slug")
    with story.step("登录", "signs in") as step:
        await phone.redeem_code(challenge, code)
        step.saw(f"{phone.tokens['token_type']} access token, {phone.tokens['expires_in']} s")


async def _reuse_refresh_token(stage: Stage) -> str:
    phone = stage.citizen
    first = dict(phone.tokens)
    await phone.refresh()
    await phone.refresh()
    phone.tokens = first
    return await refusal_of(phone.refresh())


async def refusal_of(attempt: object) -> str:
    """The slug with which the server refuses; a success is a failure of the story."""
    try:
        await attempt  # type: ignore[misc] # a coroutine of a call
    except Refused as refused:
        return refused.slug
    raise StepFailed("It was not refused.")
