"""Trust that ends: a revocation reaches a door that asks nobody, and a stolen key is withdrawn by one command."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from app.demo.phone import HeldGrant
from app.demo.stage import Stage
from app.demo.story import StepFailed
from app.settings import to_environ
from codes.envelope import cbor, cose
from codes.envelope.claims import kid_of
from codes.offline_verifier import OfflineVerifier
from codes.pictures import read_picture

LIBRARY_ENTRY = 301
PATIENCE_SECONDS = 60


async def play(stage: Stage) -> None:
    """Last but one, since it ends every code that was given before."""
    stage.story.chapter("信任的收回", "Trust that is taken back")
    door = await _door_with_lists(stage)
    await _revoked_at_the_door(stage, door)
    await _withdraw_by_command(stage, door)
    await _exchange(stage, door)


async def _door_with_lists(stage: Stage) -> OfflineVerifier:
    with stage.story.step("门口断网核验器拉取名单", "a door that checks without the network pulls its lists") as step:
        door = OfflineVerifier(await _fetch(stage, "/v1/trust-root"))
        await _pull_trust_list(stage, door)
        shards = (await stage.http.get("/v1/status")).json()["items"]
        for shard in shards:
            door.take_status_list(shard, await _fetch(stage, f"/v1/status/{shard}"), _now())
        step.expect(_say(door, _picture(stage, "door", stage.grants[6])), "ACCEPT OK")
        step.saw(f"ACCEPT OK, by trust list {door.version} and {len(shards)} status lists")
    return door


async def _revoked_at_the_door(stage: Stage, door: OfflineVerifier) -> None:
    with stage.story.step(
        "本人作废旧码，变更单送到门口", "revoked codes reach the door in a small signed change"
    ) as step:
        revoked = await stage.citizen.call("POST", "/v1/codes/revocations", json={"device_id": stage.citizen.device_id})
        picture = _picture(stage, "revoked", stage.grants[7])
        begin, size = time.monotonic(), 0

        async def refused() -> bool:
            nonlocal size
            body = await _fetch(stage, f"/v1/status/changes?after={door.changes_after}")
            door.take_changes(body, _now())
            size = len(body)
            return _say(door, picture) == "REJECT REVOKED"

        await _until(refused, "the revocation at the door")
        spent = time.monotonic() - begin
        step.saw(f"REVOKED at the door after {spent:.0f} s; {revoked['grants']} codes hidden in {size} bytes")


async def _withdraw_by_command(stage: Stage, door: OfflineVerifier) -> None:
    with stage.story.step("签发密钥被盗：一条命令撤下", "the issuing key is stolen: one command withdraws it") as step:
        stage.grants = await stage.citizen.fetch_grants()
        kid = _kid(stage.grants[0])
        await _suishen(stage, "keys", "withdraw", "grant", kid)

        async def refused_online() -> bool:
            code = stage.citizen.present(stage.grants[0], LIBRARY_ENTRY)
            result = await stage.scanners[0].verify(code, LIBRARY_ENTRY)
            return bool(result["reason"] == "UNKNOWN_KEY")

        await _until(refused_online, "the withdrawal online")
        await _until_refused_offline(stage, door)
        step.saw(f"UNKNOWN_KEY online and at the door: nothing that {kid} signed counts any more")


async def _until_refused_offline(stage: Stage, door: OfflineVerifier) -> None:
    picture = _picture(stage, "withdrawn", stage.grants[1])

    async def refused() -> bool:
        await _pull_trust_list(stage, door)
        return _say(door, picture) == "REJECT UNKNOWN_KEY"

    await _until(refused, "the withdrawal at the door")


async def _exchange(stage: Stage, door: OfflineVerifier) -> None:
    with stage.story.step("手机得知后换领新码", "the phone reads that it should exchange, and shows again") as step:
        dead = {one["kid"] for one in (await stage.http.get("/v1/codes/reissues")).json()["items"] if one["withdrawn"]}
        step.expect(_kid(stage.grants[0]) in dead, True, "asked to exchange")

        async def exchanged() -> bool:
            stage.grants = await stage.citizen.fetch_grants()
            return _kid(stage.grants[0]) not in dead

        await _until(exchanged, "grants under another key")
        await _pull_trust_list(stage, door)
        step.expect(_say(door, _picture(stage, "exchanged", stage.grants[0])), "ACCEPT OK")
        code = stage.citizen.present(stage.grants[1], LIBRARY_ENTRY)
        result = await stage.scanners[0].verify(code, LIBRARY_ENTRY)
        step.expect((result["verdict"], result["reason"]), ("ACCEPT", "OK"))
        step.saw(f"ACCEPT online and at the door, under {_kid(stage.grants[0])}")


def _say(door: OfflineVerifier, code: str) -> str:
    result = door.verify(code, scenario=LIBRARY_ENTRY, now=_now())
    return f"{result.verdict} {result.reason}"


def _picture(stage: Stage, name: str, grant: HeldGrant) -> str:
    """What the door's camera reads."""
    return read_picture(stage.draw(f"trust-{name}", stage.citizen.present(grant, LIBRARY_ENTRY)))


def _kid(grant: HeldGrant) -> str:
    return kid_of(cose.parse_sign1(cbor.TAG_COSE_SIGN1 + grant.data)).hex()


async def _pull_trust_list(stage: Stage, door: OfflineVerifier) -> None:
    door.take_trust_list(await _fetch(stage, "/v1/trust-list"), _now())


async def _fetch(stage: Stage, path: str) -> bytes:
    return (await stage.http.get(path)).raise_for_status().content


async def _until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not await holds():
        if time.monotonic() > deadline:
            raise StepFailed(f"{what}: not within {PATIENCE_SECONDS} s")
        await asyncio.sleep(0.5)


async def _suishen(stage: Stage, *arguments: str) -> None:
    """The command line beside the running server, as an operator has it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", *arguments),
        env=dict(os.environ) | to_environ(stage.settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complained = await process.communicate()
    if process.returncode:
        raise StepFailed(f"suishen {' '.join(arguments)}: {printed.decode()}{complained.decode()}")


def _now() -> datetime:
    return datetime.now(UTC)
