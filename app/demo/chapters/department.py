"""Departments register by manifest, are reviewed by somebody else and go live at once; a citizen reaches them."""

import asyncio
import time
from importlib import resources
from typing import Any

import httpx
import msgspec

from app.demo.caller import Caller, Refused
from app.demo.phone import Phone
from app.demo.releasing import bring_to_everybody
from app.demo.staff import POSTS
from app.demo.stage import Stage
from app.demo.story import StepFailed
from miniapps.departments.receipts import Receipts

LIVE_WITHIN_SECONDS = 2.0
HOME_WITHIN_SECONDS = 0.8
CHECKED_WITHIN_SECONDS = 10.0
LIBRARY, HOTLINE, CHAOS = "cn.example.library", "cn.example.hotline", "cn.example.chaos"
NEW_CONNECTIONS = 24  # enough that every worker answers
AT_ONCE = 8  # one caller has a part of a department's places, and asks for no more
BETWEEN_LOOKS_SECONDS = 0.1  # slower than what one person may ask
UNLIMITED = "/card"  # a route with no rate of its own: looking often must not be what is refused


async def play(stage: Stage) -> None:
    """Register, review, publish; call through the gateway; home; suspend and resume."""
    stage.story.chapter("四、部门", "Departments")
    reviewer = await stage.staff.sign_in(stage.http, "demo-reviewer")
    for name in stage.city.departments:
        await bring_live(stage, name, reviewer)
    apps = AppsDoor(stage)
    await _call(stage, apps)
    await _home(stage)
    await _suspend(stage, apps, reviewer)


class Loopback(httpx.AsyncHTTPTransport):
    """Connects to loopback for names below `localhost`, as browsers do by themselves (RFC 6761, section 6.3)."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The Host header stays what it was."""
        request.url = request.url.copy_with(host="127.0.0.1")
        return await super().handle_async_request(request)


class AppsDoor:
    """The citizen's way to departments: the apps origin, over fresh connections so that any worker may answer."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.origin = f"http://{stage.settings.apps_host}"

    async def call(self, app_id: str, path: str, **headers: str) -> httpx.Response:
        """One call as the citizen, on a connection of its own."""
        async with self.client() as http:
            citizen = self._as_citizen(http)
            return await citizen.send("GET", f"/apps/{app_id}{path}", headers=headers)

    async def send(self, method: str, app_id: str, path: str, document: Any = None) -> Any:
        """The JSON of a good answer to the citizen; raises `Refused`."""
        async with self.client() as http:
            citizen, options = self._as_citizen(http), {} if document is None else {"json": document}
            return await citizen.call(method, f"/apps/{app_id}{path}", **options)

    def client(self) -> httpx.AsyncClient:
        """An anonymous client of the apps origin."""
        # Plain HTTP on loopback; reading the system's certificates for each client would be what takes the time.
        return httpx.AsyncClient(transport=Loopback(verify=False), base_url=self.origin, timeout=10)

    def _as_citizen(self, http: httpx.AsyncClient) -> Phone:
        phone = Phone(http)
        phone.proof_key, phone.tokens = self._stage.citizen.proof_key, self._stage.citizen.tokens
        return phone

    async def statuses(self, app_id: str, path: str) -> set[int]:
        """What all workers answer now."""
        found: set[int] = set()
        for _ in range(NEW_CONNECTIONS // AT_ONCE):
            answers = await asyncio.gather(*(self.call(app_id, path) for _ in range(AT_ONCE)))
            found |= {answer.status_code for answer in answers}
        return found

    async def until(self, status: int, app_id: str, path: str) -> float:
        """How many seconds pass until every worker answers `status`."""
        begin = time.monotonic()
        while await self.statuses(app_id, path) != {status}:
            if time.monotonic() - begin > LIVE_WITHIN_SECONDS:
                raise StepFailed(f"not {status} on every worker within {LIVE_WITHIN_SECONDS} s")
            await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
        return time.monotonic() - begin


async def bring_live(
    stage: Stage,
    name: str,
    reviewer: Caller,
    *,
    routes: list[dict[str, Any]] | None = None,
    login: dict[str, Any] | None = None,
) -> None:
    """From a manifest to a published release; `routes` replaces those of the manifest, `login` makes it a client."""
    with stage.story.step(f"{name}：登记，他人审核，发布", "registered, reviewed by somebody else, published") as step:
        document = manifest_of(stage, name)
        document["backend"]["routes"] = routes or document["backend"]["routes"]
        document |= {"login": login} if login else {}
        code = await approve(stage, name, reviewer, document)
        developer = await stage.staff.sign_in(stage.http, f"demo-{name}")
        release = await bring_to_everybody(developer, document["app_id"], code)
        step.saw(f"{document['app_id']} version {code}: {release['state']}")


async def approve(stage: Stage, name: str, reviewer: Caller, document: dict[str, Any]) -> int:
    """The code of a new version of the department's, declared by it and approved by somebody else."""
    developer = await stage.staff.sign_in(stage.http, f"demo-{name}")
    app_id = document["app_id"]
    code = await _next_code(stage, developer, name, app_id)
    content = msgspec.json.encode(document | {"version": {"code": code, "name": "1.0.0"}})
    await developer.call("POST", f"/v1/apps/{app_id}/versions", content=content, headers=JSON)
    await developer.call("POST", f"/v1/apps/{app_id}/versions/{code}/submit")
    version = await _checked(reviewer, app_id, code)
    judgement = {"verdict": "approved", "reason": "符合要求", "manifest_hash": version["manifest_hash"]}
    await reviewer.call("POST", f"/v1/apps/{app_id}/versions/{code}/reviews", json=judgement)
    return code


JSON = {"content-type": "application/json"}


def manifest_of(stage: Stage, name: str) -> dict[str, Any]:
    """The manifest that ships with a reference department, with its owner and its address filled in."""
    text = resources.files("miniapps.departments").joinpath(f"{name}.json").read_bytes()
    document: dict[str, Any] = msgspec.json.decode(text)
    post = next(post for post in POSTS if post.username == f"demo-{name}")
    document["owner"] |= {"org_code": post.credit_code, "org_name": post.department}
    document["backend"]["base_url"] = {"live": stage.city.departments[name].address}
    document["backend"]["keys"] = [receipt_key_of(stage, name)]
    return document


def receipt_key_of(stage: Stage, name: str) -> dict[str, str]:
    """The public half of the key by which a reference department signs receipts; it made it at its first start."""
    folder = stage.settings.data_directory / "departments" / name
    return Receipts.open(folder / f"{name}.key", f"cn.example.{name}").public_key()


async def _next_code(stage: Stage, developer: Caller, name: str, app_id: str) -> int:
    organization_id = stage.staff.organization_of(f"demo-{name}")
    try:
        await developer.call("POST", f"/v1/departments/{organization_id}/apps", json={"app_id": app_id})
    except Refused as refused:
        if refused.status != httpx.codes.CONFLICT:
            raise
    versions = await developer.call("GET", f"/v1/apps/{app_id}/versions")
    return 1 + max((version["code"] for version in versions["items"]), default=0)


async def _checked(reviewer: Caller, app_id: str, code: int) -> dict[str, Any]:
    deadline = time.monotonic() + CHECKED_WITHIN_SECONDS
    while time.monotonic() < deadline:
        detail = await reviewer.call("GET", f"/v1/apps/{app_id}/versions/{code}")
        version: dict[str, Any] = detail["version"]
        if version["state"] == "reviewing":
            return version
        await asyncio.sleep(0.05)
    raise StepFailed(f"version {code} is {version['state']}: {version.get('findings')}")


async def _call(stage: Stage, apps: AppsDoor) -> None:
    story = stage.story
    with story.step("2 秒内每个工作进程都已生效，无需重启", "live on every worker within 2 s, no restart") as step:
        step.saw(f"after {await apps.until(200, LIBRARY, UNLIMITED):.2f} s")
    with story.step(
        "市民经网关查询借阅；伪造的头到不了", "loans, through the gateway; spoofed headers stay outside"
    ) as step:
        answer = await apps.call(LIBRARY, "/loans", **{"SSB-Assertion": "forged", "X-User-Id": "1", "Cookie": "a=b"})
        step.expect(answer.status_code, 200, "status")
        step.expect("set-cookie" in answer.headers, False, "a cookie came back")
        step.saw(f"{len(answer.json()['items'])} loans, {answer.headers['server-timing']}")
    with story.step("没有令牌：拒绝", "without a token it is refused") as step:
        async with apps.client() as anonymous:
            step.expect((await anonymous.get(f"/apps/{LIBRARY}/loans")).status_code, 401, "status")


async def _home(stage: Stage) -> None:
    story, phone = stage.story, stage.citizen
    with story.step("首页汇集各部门，其中一个无响应", "one home for all departments, one of which hangs") as step:
        for app_id in (LIBRARY, HOTLINE, CHAOS):
            await _pin(phone, app_id)
        begin = time.monotonic()
        home = await phone.call("GET", "/v1/home")
        spent = time.monotonic() - begin
        if spent > HOME_WITHIN_SECONDS:
            raise StepFailed(f"took {spent:.2f} s")
        shown = {card["app_id"] for card in home["cards"]}
        step.expect([entry["app_id"] for entry in home["degraded"]], [CHAOS], "degraded")
        step.expect({HOTLINE, LIBRARY} - shown, set(), "missing cards")
        step.saw(f"{len(home['cards'])} cards in {spent * 1000:.0f} ms; degraded: {home['degraded'][0]['reason']}")


async def _pin(phone: Phone, app_id: str) -> None:
    """Puts a mini-app on the citizen's home, as soon as the worker that answers has heard of its release."""
    begin = time.monotonic()
    while not (answer := await phone.send("PUT", f"/v1/home/pins/{app_id}")).is_success:
        if answer.status_code != httpx.codes.NOT_FOUND or time.monotonic() - begin > LIVE_WITHIN_SECONDS:
            raise Refused(answer)
        await asyncio.sleep(BETWEEN_LOOKS_SECONDS)


async def _suspend(stage: Stage, apps: AppsDoor, reviewer: Caller) -> None:
    story = stage.story
    with story.step("停用：2 秒内各进程都不再转发", "suspending takes it away from every worker within 2 s") as step:
        texts = {
            "reason": {"zh": "系统维护", "en": "Maintenance"},
            "fallback": {"zh": "请到馆办理", "en": "Please come to the library"},
        }
        await reviewer.call("POST", f"/v1/apps/{LIBRARY}/suspend", json=texts)
        spent = await apps.until(503, LIBRARY, UNLIMITED)
        answer = await apps.call(LIBRARY, "/loans")
        step.saw(f"after {spent:.2f} s: {answer.json()['type']}")
    with story.step("恢复", "and gives it back") as step:
        await reviewer.call("POST", f"/v1/apps/{LIBRARY}/resume", json={"reason": {"zh": "维护完成", "en": "Done"}})
        step.saw(f"after {await apps.until(200, LIBRARY, UNLIMITED):.2f} s")
