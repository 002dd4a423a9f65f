"""Two more ways in: the national identity, and a network number that tells the city nothing of its holder by itself."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from app.demo.caller import Caller
from app.demo.chapters.citizen import refusal_of
from app.demo.registries import TRAVELLER
from app.demo.stage import Stage


async def play(stage: Stage) -> None:
    """Somebody without any phone comes in by the national identity, then by their network number, and ends that."""
    stage.story.chapter("国家网络身份认证", "The national identity, and network numbers")
    async with httpx.AsyncClient(base_url=stage.city.national.address, timeout=20) as platform:
        citizen = Caller(stage.http)
        await _come_by_national(stage, citizen, platform)
        number = await _come_by_number(stage, citizen, platform)
        await _end(stage, citizen, platform, number)


async def _come_by_national(stage: Stage, citizen: Caller, platform: httpx.AsyncClient) -> None:
    with stage.story.step("在国家平台刷脸登录，本市不收密码", "a face check at the national platform signs in") as step:
        begun = await citizen.call("POST", "/v1/login/upstream/challenges", proven=True)
        body = {"login": begun["login"]} | await _prove_there(platform, begun["authorization_url"])
        citizen.tokens = await citizen.call("POST", "/v1/login/upstream/tokens", proven=True, json=body)
        step.expect((await citizen.call("GET", "/v1/me"))["ial"], 3, "ial")
    with stage.story.step("同一应答再用一次：拒绝", "the same answer once more: refused") as step:
        again = Caller(stage.http)
        again.proof_key = citizen.proof_key
        sent = again.call("POST", "/v1/login/upstream/tokens", proven=True, json=body)
        step.expect(await refusal_of(sent), "upstream-refused", "slug")


async def _come_by_number(stage: Stage, citizen: Caller, platform: httpx.AsyncClient) -> str:
    with stage.story.step("用网号网证登录：同一账号，网号不留存", "the same account by a network number") as step:
        asked = {"document_number": TRAVELLER.document_number}
        number = str((await platform.post("/stand-in/network-numbers", json=asked)).json()["network_number"])
        shown = await _show_number(Caller(stage.http), platform, number)
        step.expect(shown["person"]["id"], (await citizen.call("GET", "/v1/me"))["subject_id"], "account")
    return number


async def _end(stage: Stage, citizen: Caller, platform: httpx.AsyncClient, number: str) -> None:
    with stage.story.step("本人解除网号关联：不再自动关联", "its holder ends the link: it does not come back") as step:
        links = (await citizen.call("GET", "/v1/me/links"))["items"]
        for link in links:
            if link["source"] == "network":
                await citizen.call("DELETE", f"/v1/me/links/{link['id']}")
        refused = _show_number(Caller(stage.http), platform, number)
        step.expect(await refusal_of(refused), "link-ended", "slug")


async def _show_number(phone: Caller, platform: httpx.AsyncClient, number: str) -> Any:
    begun = await phone.call("POST", "/v1/login/network/challenges", proven=True)
    made = {"network_number": number, "challenge": begun["challenge"]}
    credential = (await platform.post("/stand-in/network-credentials", json=made)).json()["credential"]
    body = {"login": begun["login"], "network_number": number, "credential": credential}
    return await phone.call("POST", "/v1/login/network/tokens", proven=True, json=body)


async def _prove_there(platform: httpx.AsyncClient, url: str) -> dict[str, str]:
    """What a browser does at the platform; what stands in the address to which it is sent back."""
    await platform.get(url)
    form = {
        "request_uri": dict(parse_qsl(urlsplit(url).query))["request_uri"],
        "document_number": TRAVELLER.document_number,
    }
    answer = await platform.post("/authorize", data=form)
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))
