"""Before anybody reviews it, a department is tried by real requests; a sandbox has keys and citizens of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import resources

import msgspec
from aiohttp import web

from app.demo.stage import Stage
from auth.documents import make_synthetic_credit_code
from miniapps.conformance.direct import DirectNetwork
from miniapps.conformance.models import ConformanceReport
from miniapps.conformance.running import examine
from miniapps.manifest import canonical_bytes, manifest_hash
from miniapps.sandbox.signing import CityKeys, Signer
from miniapps.sdk import Jwks, Verifier
from miniapps.template.department import APP_ID, application, cards, health

HOST = "127.0.0.1"
ISSUER = "http://127.0.0.1:9300"  # of a run that asks nobody for its keys


async def play(stage: Stage) -> None:
    """The kit finds nothing wrong with the template, and a door that was left open; then the sandbox."""
    stage.story.chapter("部门接入", "A department is let in")
    with stage.story.step(
        "部门自测：按网关的方式调用，再逐项改坏", "the kit calls as the gateway does, then bends one thing at a time"
    ) as step:
        report = await _try(verifies=True)
        step.expect(report.outcome, "passed", "outcome")
        step.saw(f"{report.count('passed')} cases hold, {report.milliseconds} ms")
    with stage.story.step("同一部门去掉验签：逐项指出", "the same without its door: every case is named") as step:
        report = await _try(verifies=False)
        step.expect(report.outcome, "failed", "outcome")
        failed = [case.id for case in report.cases if case.outcome == "failed"]
        step.saw(f"{len(failed)} cases fail: {', '.join(failed[:4])}…")
    await _sandbox(stage)


async def _sandbox(stage: Stage) -> None:
    with stage.story.step(
        "沙箱有自己的密钥和市民，无需审核即可使用", "the sandbox has its own keys and citizens, before any review"
    ) as step:
        developer = await stage.staff.sign_in(stage.http, "demo-library")
        sandbox = await developer.call("GET", "/v1/sandbox")
        live, own = [
            {key["kid"] for key in (await stage.http.get(path)).json()["keys"]}
            for path in ("/.well-known/ssb-jwks", "/sandbox/.well-known/ssb-jwks")
        ]
        step.expect(live & own, set(), "keys in common")
        step.saw(f"{sandbox['issuer']}, {len(sandbox['citizens'])} citizens who do not exist")


async def _try(*, verifies: bool) -> ConformanceReport:
    document, keys = _manifest(), CityKeys.fresh()
    async with _serving(document, keys, verifies=verifies) as address, DirectNetwork() as network:
        return await examine(
            canonical_bytes(document),
            manifest_hash=manifest_hash(document),
            backend=address,
            issuer=ISSUER,
            keys=keys,
            network=network,
            environment="local",
            now=lambda: datetime.now(UTC),
        )


def _manifest() -> bytes:
    document = msgspec.json.decode((resources.files("miniapps.template") / "manifest.json").read_bytes())
    document["owner"]["org_code"] = make_synthetic_credit_code(sequence=102)
    return msgspec.json.encode(document)


@asynccontextmanager
async def _serving(document: bytes, keys: CityKeys, *, verifies: bool) -> AsyncIterator[str]:
    """The template's department on a free port."""
    app_id = str(msgspec.json.decode(document)["app_id"])
    jwks = Signer(issuer=ISSUER, app_id=app_id, authority="", zone="", keys=keys, now=lambda: 0).city().jwks()
    verifier = Verifier(app_id=app_id, issuer=ISSUER, keys=Jwks(jwks))
    runner = web.AppRunner(application(app_id, verifier) if verifies else _careless(app_id), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _careless(app_id: str) -> web.Application:
    """The same handlers with nobody at the door."""

    async def greet(_request: web.Request) -> web.Response:
        return web.json_response({"hello": "whoever you are"})

    app = web.Application()
    app[APP_ID] = app_id
    app.add_routes([web.get("/hello", greet), web.post("/.ssb/cards", cards), web.get("/health", health)])
    return app
