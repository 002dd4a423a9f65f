"""After a service is live: citizens rate it, its year is judged, a wider version says so; an emergency ends proven."""

import asyncio
import base64
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from app.demo.caller import Caller, Refused
from app.demo.chapters.department import CHECKED_WITHIN_SECONDS, HOTLINE, JSON, AppsDoor, manifest_of
from app.demo.stage import Stage
from app.demo.story import StepFailed

ENDED_WITHIN_SECONDS = 15.0
LAW = "《中华人民共和国突发事件应对法》"


async def play(stage: Stage) -> None:
    """Rate, reply, call back, close; a scorecard; the reviewers' list; the fast lane to its proven end."""
    stage.story.chapter("评价、年度评估与应急通道", "Ratings, a year on one card, the fast lane")
    reviewer = await stage.staff.sign_in(stage.http, "demo-reviewer")
    await _rate(stage)
    await _judge(stage, reviewer)
    await _widen(stage, reviewer)
    await _emergency(stage, reviewer)


async def _rate(stage: Stage) -> None:
    citizen, path = stage.citizen, f"/v1/apps/{HOTLINE}/ratings"
    with stage.story.step(
        "凭部门签名的回执评价一次办理，再评被拒", "an act is rated by its signed receipt, and once"
    ) as step:
        filed = await AppsDoor(stage).send("POST", HOTLINE, "/tickets", {"text": "公交站牌看不清"})
        rating = {"level": 2, "tags": ["speed"], "comment": "等了很久", "receipt": filed["receipt"], "contact": True}
        given = await citizen.call("POST", path, json=rating)
        step.expect(await _refusal(citizen, path, rating), "act-rated", "the second time")
        step.saw(f"level {given['level']}, reply due {given['reply_due_at']}")
    with stage.story.step(
        "部门限时答复并回访，市民确认是否解决", "the department replies and calls back; the citizen has the last word"
    ) as step:
        desk = await stage.staff.sign_in(stage.http, "demo-hotline")
        waiting = (await desk.call("GET", f"{path}/received?waiting=true"))["items"]
        mine = next(one for one in waiting if one["id"] == given["id"])
        step.expect((mine["comment"], mine["case"]), ("等了很久", filed["number"]), "what the department reads")
        await desk.call("POST", f"{path}/{given['id']}/call-back")
        await desk.call("POST", f"{path}/{given['id']}/reply", json={"text": "站牌今日更换"})
        settled = {"resolved": True}
        closed = await citizen.call("POST", f"/v1/me/ratings/{given['id']}/closing", json=settled)
        step.expect((closed["call_back"], closed["reply"]), ("closed", "站牌今日更换"))
        public = (await stage.http.get(path)).json()
        step.saw(f"public figures: {public['figures'] or 'none below ten ratings'}")


async def _judge(stage: Stage, reviewer: Caller) -> None:
    with stage.story.step("年度评估：保留、合并或下线，附理由", "a year on one card: keep, merge or retire") as step:
        card = await reviewer.call("GET", f"/v1/apps/{HOTLINE}/scorecard")
        facts, found = card["facts"], card["judgement"]
        step.expect(facts["ratings"] > 0, True, "the rating counts")
        step.saw(
            f"{found['verdict']} ({', '.join(found['reasons'])}); {facts['calls']} calls, {facts['success']} % good"
        )


async def _widen(stage: Stage, reviewer: Caller) -> None:
    with stage.story.step(
        "要更多、存更久的版本：审核员看得到，限时审核", "a version that asks for more says so to the reviewer"
    ) as step:
        developer = await stage.staff.sign_in(stage.http, "demo-hotline")
        document = manifest_of(stage, "hotline")
        for scope in document["data"]["scopes"]:
            scope["retention_days"] = scope.get("retention_days", 0) + 30
        code = await _submit(developer, reviewer, document)
        listed = (await reviewer.call("GET", "/v1/staff/reviews?limit=100"))["items"]
        waiting = next(one for one in listed if (one["app_id"], one["code"]) == (HOTLINE, code))
        step.expect("retention" in waiting["widened"], True, "retention among what widens")
        await _judge_version(reviewer, HOTLINE, code, "changes_requested")
        step.saw(f"widened: {', '.join(waiting['widened'])}; due {waiting['review_due_at']}")


async def _emergency(stage: Stage, reviewer: Caller) -> None:
    key, app_id = ec.generate_private_key(ec.SECP256R1()), f"cn.example.flood-{secrets.token_hex(4)}"
    developer = await stage.staff.sign_in(stage.http, "demo-library")
    begin = time.monotonic()
    with stage.story.step(
        "应急登记：依法、限期、快审，数秒上线", "an emergency registration: by law, for a time, live at once"
    ) as step:
        organization_id = stage.staff.organization_of("demo-library")
        await developer.call("POST", f"/v1/departments/{organization_id}/apps", json={"app_id": app_id})
        code = await _submit(developer, reviewer, _emergency_manifest(stage, app_id, key))
        await _judge_version(reviewer, app_id, code, "approved")
        await developer.call("POST", f"/v1/apps/{app_id}/releases", json={"version_code": code})
        running = await developer.call("GET", f"/v1/apps/{app_id}/emergency")
        step.expect(running["state"], "running")
        step.saw(f"after {time.monotonic() - begin:.1f} s, until {running['expires_at']}")
    with stage.story.step(
        "结束后下线，部门签名证明已删除", "over: taken away, and the department signs that it deleted everything"
    ) as step:
        end = {"at": datetime.now(UTC).isoformat(), "reason": {"zh": "险情解除", "en": "The danger is over"}}
        await reviewer.call("POST", f"/v1/apps/{app_id}/sunset", json=end)
        await _until_over(developer, app_id)
        proof = {"receipt": _deletion(key, app_id)}
        proven = await developer.call("POST", f"/v1/apps/{app_id}/emergency/deletion", json=proof)
        state = (await developer.call("GET", f"/v1/apps/{app_id}/emergency"))["state"]
        step.expect(state, "proven")
        step.saw(f"{proven['counts']} deleted at {proven['deleted_at']}")


async def _until_over(developer: Caller, app_id: str) -> None:
    begin = time.monotonic()
    while (await developer.call("GET", f"/v1/apps/{app_id}/emergency"))["state"] == "running":
        if time.monotonic() - begin > ENDED_WITHIN_SECONDS:
            raise StepFailed(f"not over within {ENDED_WITHIN_SECONDS} s")
        await asyncio.sleep(0.2)


async def _submit(developer: Caller, reviewer: Caller, document: dict[str, Any]) -> int:
    """A further version, handed over and checked."""
    app_id = document["app_id"]
    versions = (await developer.call("GET", f"/v1/apps/{app_id}/versions"))["items"]
    code = 1 + max((version["code"] for version in versions), default=0)
    document["version"] = {"code": code, "name": f"1.{code}"}
    await developer.call("POST", f"/v1/apps/{app_id}/versions", content=msgspec.json.encode(document), headers=JSON)
    await developer.call("POST", f"/v1/apps/{app_id}/versions/{code}/submit")
    await _checked(reviewer, app_id, code)
    return code


async def _checked(reviewer: Caller, app_id: str, code: int) -> dict[str, Any]:
    begin = time.monotonic()
    while time.monotonic() - begin < CHECKED_WITHIN_SECONDS:
        version: dict[str, Any] = (await reviewer.call("GET", f"/v1/apps/{app_id}/versions/{code}"))["version"]
        if version["state"] == "reviewing":
            return version
        await asyncio.sleep(0.1)
    raise StepFailed(f"version {code} is {version['state']}: {version['findings']}")


async def _judge_version(reviewer: Caller, app_id: str, code: int, verdict: str) -> None:
    version = await _checked(reviewer, app_id, code)
    judgement = {"verdict": verdict, "reason": "已逐条核对", "manifest_hash": version["manifest_hash"]}
    await reviewer.call("POST", f"/v1/apps/{app_id}/versions/{code}/reviews", json=judgement)


async def _refusal(caller: Caller, path: str, body: dict[str, Any]) -> str:
    try:
        await caller.call("POST", path, json=body)
    except Refused as refused:
        return refused.slug
    return ""


def _emergency_manifest(stage: Stage, app_id: str, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    document = manifest_of(stage, "library") | {
        "app_id": app_id,
        "name": {"zh": "防汛登记", "en": "Flood registration"},
    }
    document |= {"short_name": "防汛登记", "widgets": []}
    document["backend"]["keys"] = [_public(key)]
    for scope in document["data"]["scopes"]:
        scope |= {"basis": "statute", "legal_basis": LAW, "retention_days": 30}
    document["emergency"] = {
        "event": {"zh": "防汛转移登记", "en": "Registration of who was moved from the flood"},
        "legal_basis": LAW,
        "expires_at": (datetime.now(UTC) + timedelta(days=90)).isoformat(),
    }
    return document


def _public(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    x, y = (base64.urlsafe_b64encode(part.to_bytes(32, "big")).rstrip(b"=") for part in (numbers.x, numbers.y))
    return {"kid": "flood", "x": x.decode(), "y": y.decode()}


def _deletion(key: ec.EllipticCurvePrivateKey, app_id: str) -> str:
    claims = {
        "iss": app_id,
        "app_id": app_id,
        "deleted_at": int(time.time()),
        "counts": {"registrations": 1200, "backups": 2},
    }
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": "flood", "typ": "ssb-deletion+jwt"})
