"""Ways in beside the code by text message: a passkey, a step-up that fades, and a number that has a new holder."""

import secrets
from typing import Any

from app.demo.authenticator import Authenticator
from app.demo.caller import Caller
from app.demo.chapters.citizen import refusal_of
from app.demo.phone import Phone
from app.demo.stage import Stage

NUMBERS = 1000  # 19900008000 and up are this chapter's: a number of its own for every run


async def play(stage: Stage) -> None:
    """Somebody enrols a passkey, comes in by it, and keeps what is theirs when their number goes to another."""
    stage.story.chapter("通行密钥与号码易主", "Passkeys, and a number's new holder")
    owner, key = Phone(stage.http), Authenticator(stage.settings.public_origin)
    await owner.sign_in(f"1990000{8000 + secrets.randbelow(NUMBERS)}")
    await _enrol(stage, owner, key)
    await _come_in(stage, key)
    raised = await _step_up(stage, owner, key)
    await _hand_on(stage, owner)
    for passkey in (await raised.call("GET", "/v1/me/passkeys"))["items"]:
        await raised.call("DELETE", f"/v1/me/passkeys/{passkey['id']}")


async def _enrol(stage: Stage, owner: Caller, key: Authenticator) -> None:
    with stage.story.step("登记通行密钥：当场验证本人", "a passkey is enrolled, its user verified") as step:
        options = (await owner.call("POST", "/v1/me/passkeys/challenges"))["public_key"]
        body = {"name": "我的电脑", "credential": key.create(options)}
        made = await owner.call("POST", "/v1/me/passkeys", json=body)
        step.saw(f"{made['name']}, {options['authenticatorSelection']['userVerification']} user verification")


async def _come_in(stage: Stage, key: Authenticator) -> None:
    with stage.story.step("用通行密钥登录，不报号码；同一应答只用一次", "signed in by the passkey alone, once") as step:
        computer = Caller(stage.http)
        options = (await computer.call("POST", "/v1/login/passkey/challenges"))["public_key"]
        body = {"credential": key.get(options)}
        computer.tokens = await computer.call("POST", "/v1/login/passkey/tokens", proven=True, json=body)
        step.expect((await computer.call("GET", "/v1/me"))["aal"], 3, "aal")
        again = Caller(stage.http).call("POST", "/v1/login/passkey/tokens", proven=True, json=body)
        step.expect(await refusal_of(again), "passkey-refused", "slug")
    with stage.story.step("仿冒网站骗来的应答：打不开", "an answer got by a look-alike opens nothing") as step:
        options = (await Caller(stage.http).call("POST", "/v1/login/passkey/challenges"))["public_key"]
        key.origin, real = "https://suishen.example.net", key.origin
        body, key.origin = {"credential": key.get(options)}, real
        stolen = Caller(stage.http).call("POST", "/v1/login/passkey/tokens", proven=True, json=body)
        step.expect(await refusal_of(stolen), "passkey-refused", "slug")


async def _step_up(stage: Stage, owner: Phone, key: Authenticator) -> Caller:
    with stage.story.step("再加一个密钥：先要再次验证，五分钟有效", "another wants a step-up, for 5 minutes") as step:
        refused = await owner.send("POST", "/v1/me/passkeys/challenges")
        step.expect(refused.json()["acr_values"].split()[0], "ial1.aal2", "needed")
        raised = Caller(stage.http)
        raised.proof_key = owner.proof_key
        raised.tokens = await _raise(owner, key)
        await raised.call("POST", "/v1/me/passkeys/challenges")
        step.saw(f"aal {(await raised.call('GET', '/v1/me'))['aal']} for {raised.tokens['expires_in']} s")
    return raised


async def _raise(owner: Caller, key: Authenticator) -> Any:
    options = (await owner.call("POST", "/v1/login/step-up/challenges"))["public_key"]
    return await owner.call("POST", "/v1/login/step-up/passkey/tokens", json={"credential": key.get(options)})


async def _hand_on(stage: Stage, owner: Phone) -> None:
    heir = Phone(stage.http)
    with stage.story.step("号码易主：新机主看不到原账号的内容", "the number's new holder reads nothing of it") as step:
        await heir.sign_in(owner.number)
        step.expect(await refusal_of(heir.call("GET", "/v1/me/messages")), "phone-alone-not-enough", "slug")
    with stage.story.step("声明账号不是我的：号码解绑，各归各", "they say it is not theirs, and get their own") as step:
        heir.tokens = {}
        await heir.expect_message()
        asked = await heir.call("POST", "/v1/login/otp/disownments/challenges", json={"phone": owner.number})
        body = {"challenge_id": asked["challenge_id"], "code": await heir.read_code()}
        gone = await heir.call("POST", "/v1/login/otp/disownments", json=body)
        mine = (await heir.sign_in(owner.number))["person"]["id"]
        theirs = (await owner.call("GET", "/v1/me"))["subject_id"]
        step.expect((gone["accounts"], mine == theirs), (1, False), "apart")
